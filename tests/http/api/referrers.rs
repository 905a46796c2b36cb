//! What refers to a manifest.

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::http::Answer;
use lambda_registry_tests::in_modes_with_front;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;
use serde_json::{Value, json};

use crate::sample::{Sample, descriptor, verbatim};
use crate::types::{EMPTY, INDEX, OCI};

in_modes_with_front![
    referrers_are_listed_with_their_types_and_annotations,
    what_nobody_refers_to_has_an_empty_index,
    a_deleted_referrer_is_not_listed,
    many_referrers_come_in_pages,
];

/// An artifact about the subject.
fn artifact(subject: &[u8], kind: &str, note: &str) -> Vec<u8> {
    verbatim(&json!({
        "schemaVersion": 2,
        "mediaType": OCI,
        "artifactType": kind,
        "config": descriptor(EMPTY, b"{}"),
        "layers": [descriptor(EMPTY, b"{}")],
        "subject": descriptor(OCI, subject),
        "annotations": {"note": note},
    }))
}

#[track_caller]
fn entries(listing: &Answer) -> Vec<Value> {
    assert_eq!((listing.status, listing.expect_header("content-type")), (200, INDEX));
    let index = listing.json();
    assert_eq!((&index["schemaVersion"], &index["mediaType"]), (&2.into(), &INDEX.into()));
    index["manifests"].as_array().unwrap().clone()
}

fn referrers_are_listed_with_their_types_and_annotations(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    repository.push_blob(b"{}");
    let subject = sample.oci();
    let long = "a long note ".repeat(1_000);
    let artifacts = [("application/spdx+json", "short"), ("application/vnd.signature", &long)]
        .map(|(kind, note)| artifact(&subject, kind, note));
    // The subject may come after what refers to it.
    for manifest in &artifacts {
        let stored = repository.put(&sha256(manifest), OCI, manifest).expect(201);
        assert_eq!(stored.expect_header("oci-subject"), sha256(&subject));
    }
    let digest = repository.push("latest", OCI, &subject);
    let index = verbatim(&json!({
        "schemaVersion": 2, "mediaType": INDEX, "manifests": [], "subject": descriptor(OCI, &subject),
    }));
    repository.push("about", INDEX, &index);

    let all = repository.get(&format!("referrers/{digest}"));
    assert_eq!(all.header("oci-filters-applied"), None);
    let listed = entries(&all);
    assert_eq!(listed.len(), 3);
    for (manifest, (kind, note)) in
        artifacts.iter().zip([("application/spdx+json", "short"), ("application/vnd.signature", &*long)])
    {
        let mut expected = descriptor(OCI, manifest);
        expected["artifactType"] = json!(kind);
        expected["annotations"] = json!({"note": note});
        assert!(listed.contains(&expected), "{expected} is not in {listed:?}");
        let filtered = repository.get(&format!("referrers/{digest}?artifactType={}", kind.replace('+', "%2B")));
        assert_eq!(filtered.expect_header("oci-filters-applied"), "artifactType");
        assert_eq!(entries(&filtered), [expected]);
    }
    assert!(listed.contains(&descriptor(INDEX, &index)), "{listed:?}");
    assert!(entries(&repository.get(&format!("referrers/{digest}?artifactType=text/plain"))).is_empty());
}

fn what_nobody_refers_to_has_an_empty_index(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let unknown = format!("referrers/{}", sha256(b"unknown"));
    assert!(entries(&repository.get(&unknown)).is_empty());
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    let digest = repository.push("latest", OCI, &sample.oci());
    assert!(entries(&repository.get(&unknown)).is_empty());
    assert!(entries(&repository.get(&format!("referrers/{digest}"))).is_empty());
}

fn a_deleted_referrer_is_not_listed(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    repository.push_blob(b"{}");
    let (kept, deleted) = (artifact(b"subject", "text/plain", "kept"), artifact(b"subject", "text/plain", "deleted"));
    for manifest in [&kept, &deleted] {
        repository.push(&sha256(manifest), OCI, manifest);
    }
    repository.delete(&format!("manifests/{}", sha256(&deleted))).expect(202);
    let listed = entries(&repository.get(&format!("referrers/{}", sha256(b"subject"))));
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["digest"], sha256(&kept));
}

fn many_referrers_come_in_pages(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    repository.push_blob(b"{}");
    let mut pushed: Vec<String> = (0..120)
        .map(|number| {
            let kind = if number % 2 == 0 { "text/even" } else { "text/odd" };
            let manifest = artifact(b"subject", kind, &number.to_string());
            repository.push(&sha256(&manifest), OCI, &manifest)
        })
        .collect();
    pushed.sort();
    for (query, expected) in [("", 120), ("?artifactType=text/odd", 60)] {
        let mut listed: Vec<String> = Vec::new();
        let mut location = Some(format!("/v2/app/referrers/{}{query}", sha256(b"subject")));
        while let Some(path) = location {
            let page = repository.follow("GET", &path).send();
            listed.extend(entries(&page).iter().map(|entry| entry["digest"].as_str().unwrap().to_owned()));
            let next =
                page.header("link").and_then(|link| link.strip_prefix('<')).and_then(|link| link.split_once('>'));
            location = next.map(|(path, _)| path.to_owned());
            assert!(listed.len() <= pushed.len(), "no end of pages");
        }
        assert_eq!(listed.len(), expected);
        listed.sort();
        listed.dedup();
        assert!(listed.len() == expected && listed.iter().all(|digest| pushed.contains(digest)));
    }
}

//! Manifests in, and the same bytes out.

use lambda_registry_tests::digest::{sha256, sha512};
use lambda_registry_tests::in_every_mode;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;
use serde_json::json;

use crate::sample::{Sample, descriptor, verbatim};
use crate::types::{EMPTY, OCI, OCI_CONFIG, OCI_GZIP, SCHEMA1, SCHEMA2};

in_every_mode![
    a_manifest_is_kept_as_it_was_pushed,
    a_type_may_be_left_to_the_manifest,
    a_tag_moves_and_the_old_digest_stays,
    a_push_by_digest_may_bring_its_tags,
    tags_that_cannot_all_be_set_are_none,
    what_lies_elsewhere_or_comes_later_is_not_asked_for,
    large_manifests_come_back_byte_for_byte,
    an_unknown_manifest_says_what_is_missing,
];

fn a_manifest_is_kept_as_it_was_pushed(registry: &Registry) {
    let repository = Repository::new(registry, "team/app");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    let manifest = sample.oci();
    let (digest, long) = (sha256(&manifest), sha512(&manifest));
    for (reference, digest) in [("latest", &digest), (&*digest, &digest), (&*long, &long), ("latest", &digest)] {
        let stored = repository.put(reference, OCI, &manifest).expect(201);
        assert_eq!(stored.expect_header("docker-content-digest"), digest);
        assert_eq!(stored.expect_header("location"), format!("/v2/team/app/manifests/{digest}"));
        assert!(stored.body.is_empty());
        for reference in [reference, digest] {
            let pulled = repository.pull(reference, &[OCI]).expect(200);
            assert_eq!((&pulled.body, pulled.expect_header("content-type")), (&manifest, OCI));
            assert_eq!(pulled.expect_header("content-length"), manifest.len().to_string());
        }
    }
    assert_eq!(repository.tags(), ["latest"]);
    assert!(repository.exists());
}

/// Old Docker sends `application/json` or no type at all, and parameters mean nothing.
fn a_type_may_be_left_to_the_manifest(registry: &Registry) {
    let (repository, elsewhere) = (Repository::new(registry, "app"), Repository::new(registry, "elsewhere"));
    let sample = Sample::new("amd64");
    let signed = sample.signed_schema1(&elsewhere, &repository);
    let manifests = [(SCHEMA1, signed), (SCHEMA2, sample.schema2()), (OCI, sample.oci())];
    for (media_type, manifest) in manifests {
        for sent in [None, Some("application/json"), Some(&*format!("{media_type}; charset=utf-8"))] {
            let put = repository.request("PUT", "manifests/latest").body(manifest.as_slice());
            let put = if let Some(sent) = sent { put.header("Content-Type", sent) } else { put };
            put.send().expect(201);
            let pulled = repository.pull("latest", &["*/*"]).expect(200);
            assert_eq!((pulled.expect_header("content-type"), &pulled.body), (media_type, &manifest), "{sent:?}");
        }
    }
}

fn a_tag_moves_and_the_old_digest_stays(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let [old, new] = ["amd64", "arm64"].map(Sample::new);
    let digests = [&old, &new].map(|sample| {
        sample.push_blobs(&repository);
        repository.push("latest", SCHEMA2, &sample.schema2())
    });
    assert_eq!(repository.pull("latest", &[SCHEMA2]).expect_header("docker-content-digest"), digests[1]);
    assert_eq!(repository.pull(&digests[0], &[]).expect(200).body, old.schema2());
    assert_eq!(repository.tags(), ["latest"]);
}

fn what_lies_elsewhere_or_comes_later_is_not_asked_for(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    repository.push_blob(b"{}");
    let mut foreign = descriptor("application/vnd.oci.image.layer.nondistributable.v1.tar", b"elsewhere");
    foreign["urls"] = json!(["https://layers.example.com/base"]);
    let manifest = verbatim(&json!({
        "schemaVersion": 2,
        "mediaType": OCI,
        "artifactType": "application/vnd.example",
        "config": descriptor(EMPTY, b"{}"),
        "layers": [foreign],
        "subject": descriptor(OCI, b"comes later"),
    }));
    let stored = repository.put("latest", OCI, &manifest).expect(201);
    assert_eq!(stored.expect_header("oci-subject"), sha256(b"comes later"));
    assert_eq!(repository.pull("latest", &[OCI]).expect(200).body, manifest);
}

/// Above 32 KB they lie in the bucket, and 4 MiB is the limit.
fn large_manifests_come_back_byte_for_byte(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    repository.push_blob(b"{}");
    repository.push_blob(b"layer");
    let layers = [descriptor(OCI_GZIP, b"layer")];
    let mut manifest =
        json!({"schemaVersion": 2, "mediaType": OCI, "config": descriptor(OCI_CONFIG, b"{}"), "layers": layers});
    for length in [32 * 1024, 32 * 1024 + 1, 300_000, 4 * 1024 * 1024] {
        manifest["annotations"] = json!({"filler": ""});
        let filler = length - manifest.to_string().len();
        manifest["annotations"] = json!({"filler": "x".repeat(filler)});
        let bytes = manifest.to_string().into_bytes();
        assert_eq!(bytes.len(), length);

        let digest = repository.push("large", OCI, &bytes);
        assert_eq!(digest, sha256(&bytes));
        assert_eq!(repository.push("again", OCI, &bytes), digest);
        for reference in ["large", "again", &digest] {
            let pulled = repository.pull(reference, &[OCI]).expect(200);
            assert!(pulled.body == bytes, "{length} bytes by {reference}");
            assert!(repository.head(&format!("manifests/{reference}")).expect(200).body.is_empty());
        }
        // The annotation stays behind.
        let converted = repository.pull("large", &[SCHEMA2]).expect(200);
        assert_eq!(converted.json()["layers"][0]["digest"], sha256(b"layer"));
        repository.delete(&format!("manifests/{digest}")).expect(202);
        repository.pull(&digest, &[]).expect_error(404, "MANIFEST_UNKNOWN");
    }
}

fn an_unknown_manifest_says_what_is_missing(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let digest = sha256(b"unknown");
    for (code, missing) in [("NAME_UNKNOWN", "app"), ("MANIFEST_UNKNOWN", "")] {
        for reference in ["latest", &digest] {
            let message = repository.pull(reference, &[OCI]).expect_error(404, code);
            assert!(message.contains(if missing.is_empty() { reference } else { missing }), "{message}");
            let head = repository.head(&format!("manifests/{reference}")).expect(404);
            assert!(head.body.is_empty());
        }
        let sample = Sample::new("amd64");
        sample.push_blobs(&repository);
        repository.push("other", OCI, &sample.oci());
    }
}

/// Distribution specification, "Pushing Manifests".
fn a_push_by_digest_may_bring_its_tags(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    let (manifest, old) = (sample.oci(), sample.schema2());
    repository.push("1", SCHEMA2, &old);
    let digest = sha256(&manifest);
    let many: Vec<String> = (0..20).map(|number| format!("many-{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (reference, tags) in [(&*digest, &["1.2.3", "1", "latest"][..]), ("also", &["1.2"]), (&*digest, &many)] {
        let query: Vec<String> = tags.iter().map(|tag| format!("tag={tag}")).collect();
        // One twice is one.
        let path = format!("{reference}?{}&tag={}", query.join("&"), tags[0]);
        let stored = repository.put(&path, OCI, &manifest).expect(201);
        assert_eq!(stored.expect_header("oci-tag"), tags.join(", "));
        for tag in tags.iter().chain([&"also"].iter().filter(|_| reference == "also").copied()) {
            assert_eq!(repository.pull(tag, &[OCI]).expect(200).body, manifest, "{tag}");
        }
    }
    assert_eq!(repository.tags().len(), 25);
    assert_eq!(repository.put(&digest, OCI, &manifest).expect(201).header("oci-tag"), None);
    // They go with the manifest, all of them.
    repository.delete(&format!("manifests/{digest}")).expect(202);
    assert_eq!(repository.tags(), Vec::<String>::new());
}

fn tags_that_cannot_all_be_set_are_none(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    let manifest = sample.oci();
    let digest = sha256(&manifest);
    let many: Vec<String> = (0..25).map(|number| format!("tag=t{number}")).collect();
    for (query, status) in [("tag=good&tag=-bad", 400), ("tag=", 400), (&*many.join("&"), 414)] {
        let refused = repository.put(&format!("{digest}?{query}"), OCI, &manifest).expect(status);
        assert_eq!(refused.json()["errors"][0]["code"], "TAG_INVALID");
        repository.pull(&digest, &[OCI]).expect(404);
    }
}

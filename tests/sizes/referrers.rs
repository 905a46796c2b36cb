//! Referrers whose annotations fill a manifest: what lists them has to fit into answers.

use std::collections::BTreeMap;

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::http::{Answer, Request};
use lambda_registry_tests::in_every_mode;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;
use lambda_registry_tests::types::{EMPTY, OCI};
use serde_json::{Value, json};

const LARGEST: usize = 4 << 20;

in_every_mode![referrers_with_four_mib_of_annotations_are_listed_page_by_page];

fn referrers_with_four_mib_of_annotations_are_listed_page_by_page(registry: &Registry) {
    let repository = Repository::new(registry, "referrers");
    repository.push_blob(b"{}");
    let subject = padded(artifact(), 1_000);
    let subject = json!({"mediaType": OCI, "digest": repository.push("subject", OCI, &subject), "size": 1_000});
    // Large ones, some of which fit on one page, small ones, and every character that JSON writes in a longer form.
    let sizes = [LARGEST; 4].into_iter().chain([1_500_000; 5]).chain([10_000; 3]).chain([2_000; 3]);
    let mut pushed = BTreeMap::new();
    for (number, size) in sizes.enumerate() {
        let mut manifest = artifact();
        manifest["subject"] = subject.clone();
        manifest["artifactType"] = kind(number).into();
        let awkward: String = (0..=0x7f_u8).map(char::from).chain(['\u{2028}', '\u{1f980}']).collect();
        manifest["annotations"] = json!({"number": number.to_string(), "awkward": awkward});
        let manifest = padded(manifest, size);
        repository.put("latest", OCI, &manifest).expect(201);
        pushed.insert(sha256(&manifest), manifest);
    }

    let digest = subject["digest"].as_str().expect("a digest");
    let all = listed(registry, &format!("/v2/referrers/referrers/{digest}"));
    assert!(
        all.iter().eq(pushed.iter().map(|(digest, manifest)| descriptor(digest, manifest)).collect::<Vec<_>>().iter())
    );

    let some = listed(registry, &format!("/v2/referrers/referrers/{digest}?artifactType=application/vnd.even"));
    let is_even = |descriptor: &&Value| descriptor["artifactType"] == "application/vnd.even";
    assert!(some.iter().eq(all.iter().filter(is_even)));
}

fn kind(number: usize) -> &'static str {
    if number.is_multiple_of(2) { "application/vnd.even" } else { "application/vnd.odd" }
}

/// How the listing shows a manifest (distribution specification, "Listing Referrers").
fn descriptor(digest: &str, manifest: &[u8]) -> Value {
    let content: Value = serde_json::from_slice(manifest).expect("a manifest");
    json!({
        "mediaType": OCI,
        "digest": digest,
        "size": manifest.len(),
        "artifactType": content["artifactType"],
        "annotations": content["annotations"],
    })
}

/// All that is listed, page by page.
#[track_caller]
fn listed(registry: &Registry, path: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let page = Request::new("GET", &registry.url(&path)).send().expect(200);
        assert_eq!(page.header("oci-filters-applied"), path.contains("artifactType").then_some("artifactType"));
        all.extend(page.json()["manifests"].as_array().expect("a list").iter().cloned());
        next = link(&page);
    }
    all
}

fn link(page: &Answer) -> Option<String> {
    let (path, relation) = page.header("link")?.strip_prefix('<')?.split_once('>')?;
    assert_eq!(relation, "; rel=\"next\"");
    Some(path.to_owned())
}

/// An artifact whose config and only layer are the blob `{}`.
pub(crate) fn artifact() -> Value {
    let empty = json!({"mediaType": EMPTY, "digest": sha256(b"{}"), "size": 2});
    json!({
        "schemaVersion": 2,
        "mediaType": OCI,
        "artifactType": "application/vnd.example",
        "config": empty,
        "layers": [empty],
        "annotations": {},
    })
}

/// A manifest's bytes, so many of them: an annotation fills it up.
pub(crate) fn padded(mut manifest: Value, length: usize) -> Vec<u8> {
    manifest["annotations"]["padding"] = "".into();
    let missing = length - manifest.to_string().len();
    manifest["annotations"]["padding"] = "x".repeat(missing).into();
    manifest.to_string().into_bytes()
}

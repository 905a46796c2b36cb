//! Manifests that can't be read, or name what isn't there.

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::in_mode;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;
use serde_json::{Value, json};

use crate::sample::{Sample, descriptor, list, verbatim};
use crate::types::{DOCKER_CONFIG, DOCKER_GZIP, INDEX, LIST, OCI, OCI_CONFIG, SCHEMA1, SCHEMA2};

in_mode!(
    one_process,
    OneProcess,
    a_manifest_over_4_mib_is_too_large,
    every_missing_blob_is_named,
    what_is_no_manifest_is_refused_with_the_place_of_the_fault,
    a_type_that_is_no_manifest_is_unsupported,
    every_missing_child_is_named,
    a_blob_of_another_repository_is_missing_here,
    a_manifest_that_breaks_off_is_not_stored
);
in_mode!(function_processes, FunctionProcesses, a_manifest_over_4_mib_is_too_large, every_missing_blob_is_named);

fn what_is_no_manifest_is_refused_with_the_place_of_the_fault(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    let good: Value = serde_json::from_slice(&sample.schema2()).unwrap();
    let with = |pointer: &str, value: Value| {
        let mut manifest = good.clone();
        *manifest.pointer_mut(pointer).unwrap() = value;
        verbatim(&manifest)
    };
    let without = |key: &str| {
        let mut manifest = good.clone();
        manifest.as_object_mut().unwrap().remove(key);
        verbatim(&manifest)
    };
    let also = |key: &str, value: Value| {
        let mut manifest = good.clone();
        manifest[key] = value;
        verbatim(&manifest)
    };
    let whole = sample.schema2();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"".to_vec(), "not JSON"),
        (b"hello".to_vec(), "not JSON"),
        (whole[..whole.len() / 2].to_vec(), "not JSON"),
        ([whole.as_slice(), b"{}"].concat(), "not JSON"),
        (b"\xff\xfe{}".to_vec(), "not JSON"),
        ("[".repeat(100_000).into_bytes(), "not JSON"),
        (b"[]".to_vec(), "manifest"),
        (b"null".to_vec(), "manifest"),
        (b"{}".to_vec(), ""),
        (without("schemaVersion"), "schemaVersion"),
        (without("config"), "config"),
        (without("layers"), "layers"),
        (with("/schemaVersion", json!("2")), "schemaVersion"),
        (with("/schemaVersion", json!(3)), "schemaVersion"),
        (with("/config", json!(null)), "config"),
        (with("/config/mediaType", json!(7)), "config.mediaType"),
        (with("/config/digest", json!("latest")), "config.digest"),
        (with("/layers", json!({})), "layers"),
        (with("/layers/1", json!("layer")), "layers[1]"),
        (with("/layers/1/digest", json!("sha256:abc")), "layers[1].digest"),
        (with("/layers/1/digest", json!(format!("md5:{:032}", 0))), "layers[1].digest"),
        (with("/layers/0/size", json!(-1)), "layers[0].size"),
        (with("/layers/0/size", json!(1.5)), "layers[0].size"),
        (with("/layers/0/size", json!("1")), "layers[0].size"),
        (with("/layers/0/mediaType", json!(null)), "layers[0].mediaType"),
        (with("/mediaType", json!(OCI)), OCI),
        (also("manifests", json!([])), "manifests"),
        (also("Layers", json!([])), "ayers"),
        (whole.strip_suffix(b"}\t\n").unwrap().iter().copied().chain(*b",\"layers\":[]}").collect(), "layers"),
    ];
    for (manifest, place) in cases {
        let shown = String::from_utf8_lossy(&manifest).chars().take(200).collect::<String>();
        let message = repository.put("latest", SCHEMA2, &manifest).expect_error(400, "MANIFEST_INVALID");
        assert!(message.contains(place), "{place} is not in {message:?}: {shown}");
        assert!(message.len() < 1_000, "{message}");
        repository.pull(&sha256(&manifest), &[SCHEMA2]).expect_error(404, "MANIFEST_UNKNOWN");
    }
    assert!(repository.tags().is_empty());
    repository.push("latest", SCHEMA2, &verbatim(&good));
}

fn a_type_that_is_no_manifest_is_unsupported(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    for media_type in
        ["text/plain", "application/octet-stream", DOCKER_CONFIG, "application/x-www-form-urlencoded", "*/*"]
    {
        let message = repository.put("latest", media_type, &sample.schema2()).expect_error(415, "UNSUPPORTED");
        assert!(message.contains(media_type) && message.contains("push Docker schema 1 or 2"), "{message}");
    }
    for media_type in [OCI, LIST, INDEX, SCHEMA1] {
        let message = repository.put("latest", media_type, &sample.schema2()).expect_error(400, "MANIFEST_INVALID");
        assert!(message.contains(media_type) && message.contains("must agree"), "{message}");
    }
    assert!(repository.tags().is_empty());
}

fn every_missing_blob_is_named(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    repository.push_blob(b"here");
    // More than one batch of reads.
    let missing: Vec<Vec<u8>> = (0..150).map(|number| format!("layer {number}").into_bytes()).collect();
    let mut layers: Vec<_> = missing.iter().map(|layer| descriptor(DOCKER_GZIP, layer)).collect();
    layers.insert(70, descriptor(DOCKER_GZIP, b"here"));
    let config = descriptor(DOCKER_CONFIG, b"config");
    let manifest = verbatim(&json!({"schemaVersion": 2, "mediaType": SCHEMA2, "config": config, "layers": layers}));

    let refused = repository.put("latest", SCHEMA2, &manifest);
    let message = refused.expect_error(400, "MANIFEST_BLOB_UNKNOWN");
    assert!(message.contains("push these") && !message.contains(&sha256(b"here")), "{message}");
    let expected: Vec<_> = [sha256(b"config")].into_iter().chain(missing.iter().map(|layer| sha256(layer))).collect();
    assert!(expected.iter().all(|digest| message.contains(digest)), "{message}");
    assert_eq!(refused.json()["errors"][0]["detail"]["blobs"], json!(expected));
    repository.pull("latest", &[SCHEMA2]).expect_error(404, "MANIFEST_UNKNOWN");
    assert!(repository.tags().is_empty());
}

fn every_missing_child_is_named(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let [here, there, nowhere] = ["amd64", "arm64", "s390x"].map(Sample::new);
    here.push_blobs(&repository);
    let known = repository.push(&sha256(&here.schema2()), SCHEMA2, &here.schema2());
    for media_type in [LIST, INDEX] {
        let children = [&here, &there, &nowhere].map(|sample| (SCHEMA2, sample.schema2(), sample.architecture));
        let children =
            children.each_ref().map(|(media_type, manifest, platform)| (*media_type, manifest.as_slice(), *platform));
        let manifest = list(media_type, &children);
        let refused = repository.put("latest", media_type, &manifest);
        let message = refused.expect_error(400, "MANIFEST_BLOB_UNKNOWN");
        let expected = [&there, &nowhere].map(|sample| sha256(&sample.schema2()));
        assert!(expected.iter().all(|digest| message.contains(digest)) && !message.contains(&known), "{message}");
        assert_eq!(refused.json()["errors"][0]["detail"]["manifests"], json!(expected));
        repository.pull(&sha256(&manifest), &[media_type]).expect_error(404, "MANIFEST_UNKNOWN");
    }
    assert!(repository.tags().is_empty());
}

fn a_blob_of_another_repository_is_missing_here(registry: &Registry) {
    let (here, there) = (Repository::new(registry, "here"), Repository::new(registry, "there"));
    let sample = Sample::new("amd64");
    sample.push_blobs(&there);
    there.push("latest", SCHEMA2, &sample.schema2());
    let message = here.put("latest", SCHEMA2, &sample.schema2()).expect_error(400, "MANIFEST_BLOB_UNKNOWN");
    assert!(message.contains(&sha256(&sample.config)), "{message}");
    let digest = sample.layers()[0];
    assert!(there.has_blob(digest) && !here.has_blob(digest));
    here.get(&format!("blobs/{digest}")).expect_error(404, "BLOB_UNKNOWN");
    here.pull(&sha256(&sample.schema2()), &[SCHEMA2]).expect_error(404, "NAME_UNKNOWN");
}

fn a_manifest_over_4_mib_is_too_large(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    repository.push_blob(b"{}");
    let manifest = json!({"schemaVersion": 2, "mediaType": OCI, "config": descriptor(OCI_CONFIG, b"{}"), "layers": []});
    let mut manifest = manifest.to_string().into_bytes();
    manifest.resize(4 * 1024 * 1024 + 1, b' ');
    let message = repository.put("latest", OCI, &manifest).expect_error(413, "SIZE_INVALID");
    assert!(message.contains("at most 4194304 bytes"), "{message}");
    // What the gateway doesn't let through is its own 413.
    assert_eq!(repository.put("latest", OCI, &manifest.repeat(2)).status, 413);
    assert!(repository.tags().is_empty());
    manifest.pop();
    let digest = repository.push("latest", OCI, &manifest);
    assert_eq!(digest, sha256(&manifest));
    assert_eq!(repository.pull(&digest, &[]).expect(200).body, manifest);
}

/// Even when the digest is that of the bytes that came.
fn a_manifest_that_breaks_off_is_not_stored(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    let manifest = sample.schema2();
    for reference in ["latest", &sha256(&manifest)] {
        let put = repository.request("PUT", &format!("manifests/{reference}")).header("Content-Type", SCHEMA2);
        let cut = put.body(manifest.as_slice()).announcing(manifest.len() + 1).send();
        assert_eq!(cut.status, 400, "{}", cut.request);
    }
    assert!(repository.tags().is_empty());
}

//! Lists and indexes: what becomes of their children.

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::http::Answer;
use lambda_registry_tests::images::{Compression, Layer};
use lambda_registry_tests::in_mode;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;
use serde_json::{Value, json};

use super::served::{check, refuse};
use super::wishes::{DOCKER_1_9, DOCKER_1_10_TO_18_09, ONLY_LIST, ONLY_OCI, ONLY_SCHEMA1, ONLY_SCHEMA2};
use crate::sample::{Sample, descriptor, verbatim};
use crate::types::{INDEX, LIST, OCI, OCI_CONFIG, OCI_ZSTD, SCHEMA1, SCHEMA2};

in_mode!(
    one_process,
    OneProcess,
    attestations_are_left_out_of_docker_lists,
    a_child_that_cannot_be_converted_is_left_out,
    a_list_in_a_list_is_converted_with_it,
    an_index_over_a_converted_list_keeps_what_is_in_that,
    a_list_may_name_a_converted_list_and_what_is_in_that,
    a_converted_list_is_made_whole_again,
    a_client_without_lists_gets_the_first_image_for_linux_on_amd64,
    an_index_over_blobs_is_served_as_it_is_or_refused
);

/// Pushes an image under its digest.
fn push(repository: &Repository, media_type: &str, manifest: &[u8]) -> String {
    repository.push(&sha256(manifest), media_type, manifest)
}

fn index(children: &[Value]) -> Vec<u8> {
    verbatim(&json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children}))
}

fn child(media_type: &str, manifest: &[u8], os: &str, architecture: &str) -> Value {
    let mut child = descriptor(media_type, manifest);
    child["platform"] = json!({"os": os, "architecture": architecture});
    child
}

/// An image that nobody can make schema 2 of.
fn zstd_image(repository: &Repository) -> Vec<u8> {
    let layer = Layer::new(Compression::Zstd, &[("etc/greeting", b"zstd")]);
    let config =
        json!({"architecture": "arm64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]}});
    let config = config.to_string().into_bytes();
    repository.push_blob(&layer.bytes);
    repository.push_blob(&config);
    let layers = [descriptor(OCI_ZSTD, &layer.bytes)];
    verbatim(
        &json!({"schemaVersion": 2, "mediaType": OCI, "config": descriptor(OCI_CONFIG, &config), "layers": layers}),
    )
}

fn attestations_are_left_out_of_docker_lists(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    let image = sample.oci();
    repository.push_blob(b"{}");
    let attestation = verbatim(&json!({
        "schemaVersion": 2,
        "mediaType": OCI,
        "config": descriptor(OCI_CONFIG, b"{}"),
        "layers": [descriptor("application/vnd.in-toto+json", b"{}")],
    }));
    for (media_type, manifest) in [(OCI, &image), (OCI, &attestation)] {
        push(&repository, media_type, manifest);
    }
    let children = [child(OCI, &image, "linux", "amd64"), child(OCI, &attestation, "unknown", "unknown")];
    repository.push("latest", INDEX, &index(&children));

    check(&repository, "latest", DOCKER_1_10_TO_18_09, LIST, &[sample]);
    let kept = repository.pull("latest", &[INDEX, SCHEMA2]).expect(200).json();
    assert_eq!(kept["manifests"][0]["mediaType"], SCHEMA2);
    assert_eq!(kept["manifests"][1]["digest"], sha256(&attestation));
}

fn a_child_that_cannot_be_converted_is_left_out(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    let (image, zstd) = (sample.oci(), zstd_image(&repository));
    push(&repository, OCI, &image);
    push(&repository, OCI, &zstd);
    let children = [child(OCI, &zstd, "linux", "arm64"), child(OCI, &image, "linux", "amd64")];
    repository.push("some", INDEX, &index(&children));
    repository.push("none", INDEX, &index(&children[..1]));

    check(&repository, "some", DOCKER_1_10_TO_18_09, LIST, &[sample]);
    let message = refuse(&repository, "none", INDEX, ONLY_LIST);
    assert!(message.contains("no child"), "{message}");
}

fn a_list_in_a_list_is_converted_with_it(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    let image = sample.oci();
    push(&repository, OCI, &image);
    let inner = index(&[child(OCI, &image, "linux", "amd64")]);
    push(&repository, INDEX, &inner);
    repository.push("latest", INDEX, &index(&[descriptor(INDEX, &inner)]));

    let outer = repository.pull("latest", DOCKER_1_10_TO_18_09).expect(200);
    assert_eq!(outer.expect_header("content-type"), LIST);
    let children = outer.json()["manifests"].clone();
    assert_eq!((children.as_array().unwrap().len(), &children[0]["mediaType"]), (1, &LIST.into()));
    let inner = repository.pull(children[0]["digest"].as_str().unwrap(), ONLY_LIST).expect(200);
    assert_eq!(inner.expect_header("content-type"), LIST);
    let image = inner.json()["manifests"][0].clone();
    assert_eq!((&image["mediaType"], &image["platform"]["architecture"]), (&SCHEMA2.into(), &"amd64".into()));
    let image = repository.pull(image["digest"].as_str().unwrap(), DOCKER_1_9).expect(200).json();
    assert_eq!(image["layers"][1]["digest"], sample.layers()[1]);
}

fn a_client_without_lists_gets_the_first_image_for_linux_on_amd64(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let samples = ["arm64", "amd64"].map(Sample::new);
    for sample in &samples {
        sample.push_blobs(&repository);
        push(&repository, OCI, &sample.oci());
        push(&repository, SCHEMA2, &sample.schema2());
    }
    let [arm64, amd64] = &samples;
    let windows = child(OCI, &arm64.oci(), "windows", "amd64");
    let (first, second) =
        (child(OCI, &amd64.oci(), "linux", "amd64"), child(SCHEMA2, &arm64.schema2(), "linux", "amd64"));
    repository.push("with", INDEX, &index(&[windows.clone(), first, second]));
    check(&repository, "with", ONLY_SCHEMA2, SCHEMA2, &samples);
    check(&repository, "with", ONLY_OCI, OCI, &samples);
    check(&repository, "with", DOCKER_1_9, SCHEMA1, &samples);

    let without = index(&[windows]);
    repository.push("without", INDEX, &without);
    for accept in [ONLY_SCHEMA1, ONLY_SCHEMA2, ONLY_OCI] {
        let message = refuse(&repository, "without", INDEX, accept);
        assert!(message.contains("no linux/amd64 image"), "{message}");
    }
    // Docker 1.9 says nothing about itself, so it gets what there is.
    assert_eq!(repository.pull("without", DOCKER_1_9).expect(200).body, without);
}

/// BuildKit's cache is one.
fn an_index_over_blobs_is_served_as_it_is_or_refused(registry: &Registry) {
    let repository = Repository::new(registry, "cache");
    repository.push_blob(b"a layer");
    repository.push_blob(b"{}");
    let cache = index(&[
        descriptor("application/vnd.oci.image.layer.v1.tar+gzip", b"a layer"),
        descriptor("application/vnd.buildkit.cacheconfig.v0", b"{}"),
    ]);
    repository.push("latest", INDEX, &cache);
    assert_eq!(repository.pull("latest", &[INDEX, OCI]).expect(200).body, cache);
    refuse(&repository, "latest", INDEX, ONLY_LIST);
}

/// An index of one image, and what it is for docker: the answer, and the image in it.
fn converted_list(repository: &Repository) -> (Answer, Vec<u8>) {
    let sample = Sample::new("amd64");
    sample.push_blobs(repository);
    push(repository, OCI, &sample.oci());
    repository.push("latest", INDEX, &index(&[child(OCI, &sample.oci(), "linux", "amd64")]));
    let list = repository.pull("latest", DOCKER_1_10_TO_18_09).expect(200);
    let schema2 = list.json()["manifests"][0]["digest"].as_str().unwrap().to_owned();
    let schema2 = repository.pull(&schema2, &[]).expect(200).body;
    (list, schema2)
}

fn a_list_may_name_a_converted_list_and_what_is_in_that(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let (list, schema2) = converted_list(&repository);
    let children = [descriptor(LIST, &list.body), child(SCHEMA2, &schema2, "linux", "amd64")];
    repository.push("both", INDEX, &index(&children));
    repository.delete(&format!("manifests/{}", sha256(&schema2))).expect_error(405, "UNSUPPORTED");
}

/// Who pushes the image in it as well may delete that.
fn a_converted_list_is_made_whole_again(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let (list, schema2) = converted_list(&repository);
    let digest = repository.push("image", SCHEMA2, &schema2);
    repository.delete(&format!("manifests/{digest}")).expect(202);
    repository.pull(&digest, &[]).expect(404);
    assert_eq!(repository.pull("latest", DOCKER_1_10_TO_18_09).expect(200).body, list.body);
    assert_eq!(repository.pull(&digest, &[]).expect(200).body, schema2);
}

/// A conversion goes with its source, unless a push refers to it: by way of a list as well.
fn an_index_over_a_converted_list_keeps_what_is_in_that(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    let image = sample.oci();
    let image_digest = push(&repository, OCI, &image);
    let index_digest = repository.push("latest", INDEX, &index(&[child(OCI, &image, "linux", "amd64")]));
    let converted = repository.pull("latest", DOCKER_1_10_TO_18_09).expect(200);
    let list = converted.expect_header("docker-content-digest").to_owned();
    let children: Value = serde_json::from_slice(&converted.body).unwrap();
    let schema2 = children["manifests"][0]["digest"].as_str().unwrap().to_owned();
    assert_ne!((&list, &schema2), (&index_digest, &image_digest));

    let above = index(&[descriptor(LIST, &converted.body)]);
    push(&repository, INDEX, &above);
    repository.push("above", INDEX, &index(&[descriptor(INDEX, &above)]));
    for source in [&index_digest, &image_digest] {
        repository.delete(&format!("manifests/{source}")).expect(202);
        repository.pull(source, &[]).expect(404);
    }
    assert_eq!(repository.pull(&list, &[]).expect(200).body, converted.body);
    repository.pull(&schema2, &[]).expect(200);
}

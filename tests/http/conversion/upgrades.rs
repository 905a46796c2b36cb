//! Images that were pushed as schema 1, for clients that can't read it any more.

use std::io::Write as _;

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::http::Request;
use lambda_registry_tests::in_every_mode;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::{Repository, strings};
use serde_json::{Value, json};

use super::served::{check, lasting, refuse};
use super::wishes::{
    CONTAINERD, DOCKER_1_10_TO_18_09, ONLY_INDEX, ONLY_LIST, ONLY_OCI, ONLY_SCHEMA1, ONLY_SCHEMA2,
    ONLY_UNSIGNED_SCHEMA1,
};
use crate::sample::{EMPTY_LAYER, Sample, list, payload, verbatim};
use crate::types::{INDEX, LIST, OCI, SCHEMA1, SCHEMA1_UNSIGNED, SCHEMA2};

in_every_mode![
    one_image_converts_alike_under_every_tag_signed_or_not,
    what_was_made_of_schema1_is_in_no_listing,
    racing_pulls_of_a_fresh_push_get_the_same_bytes,
    deleting_schema1_deletes_what_was_made_of_it,
    deleting_what_was_made_of_schema1_deletes_the_schema1,
    an_index_over_what_was_made_of_schema1_keeps_it,
    what_was_pushed_unsigned_is_signed_for_who_asks_and_keeps_its_digest,
    a_list_with_a_schema1_child_is_one_that_the_client_can_read,
    layers_of_every_compression_are_told_apart,
    a_layer_that_cannot_be_unpacked_is_named,
    a_chain_of_conversions_comes_back_to_the_same_image,
];

/// A repository with the sample, signed, under `latest`.
fn pushed<'a>(registry: &'a Registry, name: &str) -> (Repository<'a>, Vec<u8>, String) {
    let (repository, elsewhere) = (Repository::new(registry, name), Repository::new(registry, "elsewhere"));
    let signed = Sample::new("amd64").signed_schema1(&elsewhere, &repository);
    let digest = repository.push("latest", SCHEMA1, &signed);
    assert_eq!(digest, sha256(&payload(&signed)));
    (repository, signed, digest)
}

/// An image of these layers, the oldest first, as the simplest tool would write it.
fn schema1_of(layers: &[&str]) -> Vec<u8> {
    let id = |number: usize| format!("{number:064x}");
    let history = (0..layers.len()).rev().map(|number| {
        let mut entry = json!({"id": id(number), "created": "2015-10-21T07:28:00Z", "os": "linux"});
        if number > 0 {
            entry["parent"] = json!(id(number - 1));
        }
        json!({"v1Compatibility": entry.to_string()})
    });
    verbatim(&json!({
        "schemaVersion": 1,
        "name": "by/hand",
        "tag": "latest",
        "architecture": "amd64",
        "fsLayers": layers.iter().rev().map(|layer| json!({"blobSum": layer})).collect::<Vec<_>>(),
        "history": history.collect::<Vec<_>>(),
    }))
}

fn digest(answer: &lambda_registry_tests::http::Answer) -> String {
    answer.expect_header("docker-content-digest").to_owned()
}

#[track_caller]
fn assert_gone(repository: &Repository, reference: &str) {
    repository.pull(reference, CONTAINERD).expect_error(404, "MANIFEST_UNKNOWN");
    repository.head(&format!("manifests/{reference}")).expect(404);
}

/// Neither tag nor signature is in it.
fn one_image_converts_alike_under_every_tag_signed_or_not(registry: &Registry) {
    let (repository, signed, _) = pushed(registry, "app");
    repository.push("again", SCHEMA1, &signed);
    let other = Repository::new(registry, "other");
    Sample::new("amd64").push_blobs(&other);
    other.push_blob(&repository.blob(EMPTY_LAYER));
    other.push("unsigned", SCHEMA1_UNSIGNED, &payload(&signed));
    for accept in [ONLY_SCHEMA2, ONLY_OCI, CONTAINERD] {
        let latest = repository.pull_converted("latest", accept).expect(200);
        let again = repository.pull_converted("again", accept).expect(200);
        let unsigned = other.pull_converted("unsigned", accept).expect(200);
        assert_eq!((&again.body, lasting(&again)), (&latest.body, lasting(&latest)));
        assert_eq!((&unsigned.body, digest(&unsigned)), (&latest.body, digest(&latest)));
    }
}

fn what_was_made_of_schema1_is_in_no_listing(registry: &Registry) {
    let (repository, _, source) = pushed(registry, "app");
    for accept in [ONLY_SCHEMA2, ONLY_OCI] {
        let converted = repository.pull_converted("latest", accept).expect(200);
        assert_eq!(converted.expect_header("x-registry-stored-digest"), source);
        let referrers = repository.get(&format!("referrers/{}", digest(&converted))).expect(200).json();
        assert_eq!(referrers["manifests"], json!([]));
    }
    assert_eq!(repository.tags(), ["latest"]);
    assert_eq!(repository.get(&format!("referrers/{source}")).expect(200).json()["manifests"], json!([]));
    let catalog = Request::new("GET", &registry.url("/v2/_catalog")).send().expect(200).json();
    assert_eq!(strings(&catalog["repositories"]), ["app", "elsewhere"]);
}

fn racing_pulls_of_a_fresh_push_get_the_same_bytes(registry: &Registry) {
    let (repository, _, source) = pushed(registry, "app");
    for (accept, media_type) in [(CONTAINERD, SCHEMA2), (ONLY_OCI, OCI)] {
        let pull = || repository.pull_converted("latest", accept).expect(200);
        let pulled: Vec<_> = std::thread::scope(|scope| {
            let pulls: Vec<_> = (0..6).map(|_| scope.spawn(pull)).collect();
            pulls.into_iter().map(|pull| pull.join().unwrap()).collect()
        });
        for answer in &pulled {
            assert_eq!((&answer.body, lasting(answer)), (&pulled[0].body, lasting(&pulled[0])));
            assert_eq!((answer.expect_header("content-type"), digest(answer)), (media_type, sha256(&answer.body)));
            assert_eq!(answer.expect_header("x-registry-stored-digest"), source);
        }
    }
}

fn deleting_schema1_deletes_what_was_made_of_it(registry: &Registry) {
    let (repository, signed, source) = pushed(registry, "app");
    let converted =
        [ONLY_SCHEMA2, ONLY_OCI].map(|accept| digest(&repository.pull_converted("latest", accept).expect(200)));
    repository.delete(&format!("manifests/{source}")).expect(202);
    for reference in ["latest", &source, &converted[0], &converted[1]] {
        assert_gone(&repository, reference);
    }
    // Pushed again, it needn't be waited for: what is in its layers is known.
    repository.push("latest", SCHEMA1, &signed);
    for (accept, converted) in [ONLY_SCHEMA2, ONLY_OCI].iter().zip(&converted) {
        assert_eq!(&digest(&repository.pull("latest", accept).expect(200)), converted);
    }
}

fn deleting_what_was_made_of_schema1_deletes_the_schema1(registry: &Registry) {
    let (repository, _, source) = pushed(registry, "app");
    let converted =
        [ONLY_SCHEMA2, ONLY_OCI].map(|accept| digest(&repository.pull_converted("latest", accept).expect(200)));
    repository.delete(&format!("manifests/{}", converted[0])).expect(202);
    for reference in ["latest", &source, &converted[0], &converted[1]] {
        assert_gone(&repository, reference);
    }
    assert!(repository.tags().is_empty());
}

/// `docker manifest create` names what it pulled, and pushes the list alone.
fn an_index_over_what_was_made_of_schema1_keeps_it(registry: &Registry) {
    for (accept, image_type, list_type, name) in
        [(ONLY_SCHEMA2, SCHEMA2, LIST, "docker"), (ONLY_OCI, OCI, INDEX, "oci")]
    {
        let (repository, _, source) = pushed(registry, name);
        let converted = repository.pull_converted("latest", accept).expect(200);
        let all = list(list_type, &[(image_type, &converted.body, "amd64")]);
        repository.push("all", list_type, &all);
        repository.delete(&format!("manifests/{source}")).expect(202);

        assert_gone(&repository, &source);
        assert_gone(&repository, "latest");
        assert_eq!(repository.pull(&digest(&converted), CONTAINERD).expect(200).body, converted.body);
        check(&repository, "all", &[list_type, image_type], list_type, &[Sample::new("amd64").by_way_of_schema1()]);
    }
}

fn what_was_pushed_unsigned_is_signed_for_who_asks_and_keeps_its_digest(registry: &Registry) {
    let (repository, signed, _) = pushed(registry, "app");
    let unsigned = payload(&signed);
    let other = Repository::new(registry, "other");
    Sample::new("amd64").push_blobs(&other);
    other.push_blob(&repository.blob(EMPTY_LAYER));
    let stored = other.push("latest", SCHEMA1_UNSIGNED, &unsigned);

    let served = other.pull("latest", ONLY_SCHEMA1).expect(200);
    assert_eq!((served.expect_header("content-type"), digest(&served)), (SCHEMA1, stored.clone()));
    assert_eq!(payload(&served.body), unsigned);
    // Key and time of a signature are the registry's own, so it is the one that it gave the same image elsewhere.
    assert_eq!(served.body, signed);
    for reference in ["latest", &stored] {
        let as_pushed = other.pull(reference, ONLY_UNSIGNED_SCHEMA1).expect(200);
        assert_eq!((as_pushed.expect_header("content-type"), &as_pushed.body), (SCHEMA1_UNSIGNED, &unsigned));
    }
    // What was signed may be pushed anew, here or elsewhere.
    assert_eq!(other.push("signed", SCHEMA1, &served.body), stored);
}

fn a_list_with_a_schema1_child_is_one_that_the_client_can_read(registry: &Registry) {
    let (repository, signed, source) = pushed(registry, "app");
    let arm64 = Sample::new("arm64");
    arm64.push_blobs(&repository);
    let image = arm64.schema2();
    repository.push(&sha256(&image), SCHEMA2, &image);
    for (tag, list_type, other_list) in [("list", LIST, (ONLY_INDEX, INDEX)), ("index", INDEX, (ONLY_LIST, LIST))] {
        let mut children: Value =
            serde_json::from_slice(&list(list_type, &[(SCHEMA1, &signed, "amd64"), (SCHEMA2, &image, "arm64")]))
                .unwrap();
        children["manifests"][0]["digest"] = json!(source);
        repository.push(tag, list_type, &verbatim(&children));

        let samples = [Sample::new("amd64").by_way_of_schema1(), Sample::new("arm64")];
        for (accept, expected) in [
            (CONTAINERD, list_type),
            (DOCKER_1_10_TO_18_09, LIST),
            (&[INDEX, OCI], INDEX),
            other_list,
            (ONLY_SCHEMA2, SCHEMA2),
            (ONLY_OCI, OCI),
        ] {
            println!("{tag} for {accept:?}");
            check(&repository, tag, accept, expected, &samples);
        }
        let child = repository.pull(tag, ONLY_SCHEMA1).expect(200);
        assert_eq!((&child.body, child.expect_header("content-type")), (&signed, SCHEMA1));
    }
}

/// Schema 1 doesn't say how its layers are compressed.
fn layers_of_every_compression_are_told_apart(registry: &Registry) {
    let repository = Repository::new(registry, "by/hand");
    let archive = b"an archive, or not".repeat(1000);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&archive).unwrap();
    let gzip = encoder.finish().unwrap();
    // Two members, as tools write that compress in parallel.
    let layers = [archive.clone(), [gzip.clone(), gzip].concat(), zstd::encode_all(archive.as_slice(), 1).unwrap()];
    let diff_ids = [sha256(&archive), sha256(&archive.repeat(2)), sha256(&archive)];
    let digests = layers.each_ref().map(|layer| repository.push_blob(layer));
    let [plain, gzip, zstd] = digests.each_ref().map(String::as_str);
    repository.push("latest", SCHEMA1_UNSIGNED, &schema1_of(&[plain, gzip, zstd]));

    let oci = repository.pull_converted("latest", ONLY_OCI).expect(200).json();
    let suffixes = ["tar", "tar+gzip", "tar+zstd"];
    for (number, suffix) in suffixes.iter().enumerate() {
        let layer = &oci["layers"][number];
        assert_eq!(layer["mediaType"], format!("application/vnd.oci.image.layer.v1.{suffix}"));
        assert_eq!((&layer["digest"], &layer["size"]), (&json!(digests[number]), &json!(layers[number].len())));
    }
    let config: Value = serde_json::from_slice(&repository.blob(oci["config"]["digest"].as_str().unwrap())).unwrap();
    assert_eq!(config["rootfs"], json!({"type": "layers", "diff_ids": diff_ids}));

    let message = refuse(&repository, "latest", SCHEMA1_UNSIGNED, ONLY_SCHEMA2);
    assert!(message.contains("zstd"), "{message}");
    // Of what it names, containerd gets what can be had.
    let containerd = repository.pull("latest", CONTAINERD).expect(200);
    assert_eq!(containerd.expect_header("content-type"), OCI);
}

fn a_layer_that_cannot_be_unpacked_is_named(registry: &Registry) {
    for (name, blob, problem) in [
        ("bzip2", b"BZh91AY&SY".as_slice(), "compressed with bzip2"),
        ("xz", b"\xfd7zXZ\0\0\x04", "compressed with xz"),
        ("cut", b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x4b", "can't be unpacked to its end"),
    ] {
        let repository = Repository::new(registry, name);
        let layer = repository.push_blob(blob);
        let manifest = schema1_of(&[&layer]);
        repository.push("latest", SCHEMA1_UNSIGNED, &manifest);
        for accept in [ONLY_SCHEMA2, ONLY_OCI] {
            repository.pull_converted("latest", accept).expect(404);
            let message = refuse(&repository, "latest", SCHEMA1_UNSIGNED, accept);
            assert!(message.contains(problem) && message.contains(&layer), "{message}");
        }
        let stored = repository.pull("latest", CONTAINERD).expect(200);
        assert_eq!((stored.expect_header("content-type"), &stored.body), (SCHEMA1_UNSIGNED, &manifest));
    }
}

/// Schema 1, made schema 2, pushed, made schema 1 again, and so on: layers and diff_ids stay.
fn a_chain_of_conversions_comes_back_to_the_same_image(registry: &Registry) {
    let (repository, signed, _) = pushed(registry, "app");
    let fs_layers = |manifest: &[u8]| serde_json::from_slice::<Value>(manifest).unwrap()["fsLayers"].clone();
    let schema2 = repository.pull_converted("latest", ONLY_SCHEMA2).expect(200);
    repository.push("second", SCHEMA2, &schema2.body);
    let schema1 = repository.pull("second", ONLY_SCHEMA1).expect(200);
    assert_eq!(fs_layers(&schema1.body), fs_layers(&signed));
    repository.push("third", SCHEMA1, &schema1.body);
    let samples = [Sample::new("amd64").by_way_of_schema1()];
    check(&repository, "third", ONLY_SCHEMA2, SCHEMA2, &samples);
    check(&repository, "third", ONLY_OCI, OCI, &samples);
    assert_eq!(digest(&repository.pull("third", ONLY_SCHEMA2).expect(200)), digest(&schema2));
}

//! DELETE of tags and manifests, and what becomes of conversions.

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;
use lambda_registry_tests::{in_mode, in_modes_with_front};

use crate::sample::{Sample, list};
use crate::types::{INDEX, OCI, SCHEMA1, SCHEMA2};

in_modes_with_front![
    a_tag_goes_and_its_manifest_stays,
    a_manifest_goes_with_its_tags,
    a_manifest_with_many_tags_goes_whole,
    deleting_a_conversion_deletes_its_source,
    a_conversion_of_several_manifests_is_not_deleted_by_its_digest,
    a_conversion_lives_as_long_as_one_of_its_sources,
    a_digest_that_was_handed_out_again_after_its_deletion_is_good,
    what_is_not_there_cannot_be_deleted,
    a_blob_goes_from_its_repository_alone,
    a_manifest_cannot_name_what_was_deleted,
    what_others_need_is_not_deleted,
];
in_mode!(without_front, WithoutFront, a_manifest_goes_with_its_tags, a_blob_goes_from_its_repository_alone);

fn with_sample(registry: &Registry) -> (Repository<'_>, Sample) {
    let repository = Repository::new(registry, "app");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    (repository, sample)
}

#[track_caller]
fn assert_gone(repository: &Repository, reference: &str) {
    repository.pull(reference, &["*/*"]).expect_error(404, "MANIFEST_UNKNOWN");
    repository.head(&format!("manifests/{reference}")).expect(404);
    repository.delete(&format!("manifests/{reference}")).expect_error(404, "MANIFEST_UNKNOWN");
}

fn a_tag_goes_and_its_manifest_stays(registry: &Registry) {
    let (repository, sample) = with_sample(registry);
    let digest = repository.push("one", OCI, &sample.oci());
    repository.push("two", OCI, &sample.oci());
    assert!(repository.delete("manifests/one").expect(202).body.is_empty());
    assert_gone(&repository, "one");
    assert_eq!(repository.tags(), ["two"]);
    repository.delete("manifests/two").expect(202);
    assert!(repository.tags().is_empty());
    assert_eq!(repository.pull(&digest, &[]).expect(200).body, sample.oci());
}

fn a_manifest_goes_with_its_tags(registry: &Registry) {
    let (repository, sample) = with_sample(registry);
    let digest = ["one", "two"].map(|tag| repository.push(tag, OCI, &sample.oci()))[0].clone();
    repository.push("kept", SCHEMA2, &sample.schema2());
    repository.delete(&format!("manifests/{digest}")).expect(202);
    for reference in [&digest, "one", "two"] {
        assert_gone(&repository, reference);
    }
    assert_eq!(repository.tags(), ["kept"]);
    assert_eq!(repository.pull("kept", &[SCHEMA2]).expect(200).body, sample.schema2());
    assert!(repository.has_blob(sample.layers()[0]));
    repository.push("one", OCI, &sample.oci());
    assert_eq!(repository.pull("one", &[OCI]).expect(200).body, sample.oci());
}

/// More than one transaction holds.
fn a_manifest_with_many_tags_goes_whole(registry: &Registry) {
    let (repository, sample) = with_sample(registry);
    for tag in 0..120 {
        repository.push(&format!("v{tag}"), OCI, &sample.oci());
    }
    repository.delete(&format!("manifests/{}", sha256(&sample.oci()))).expect(202);
    assert!(repository.tags().is_empty());
    assert_gone(&repository, "v119");
}

/// A client deletes what it was given.
fn deleting_a_conversion_deletes_its_source(registry: &Registry) {
    let (repository, sample) = with_sample(registry);
    let source = repository.push("latest", OCI, &sample.oci());
    let converted = [SCHEMA1, SCHEMA2].map(|accept| {
        repository.pull("latest", &[accept]).expect(200).expect_header("docker-content-digest").to_owned()
    });
    repository.delete(&format!("manifests/{}", converted[0])).expect(202);
    for reference in ["latest", &source, &converted[0], &converted[1]] {
        assert_gone(&repository, reference);
    }
    assert!(repository.tags().is_empty());
}

/// Two images that differ in an annotation are one in schema 2.
fn two_sources(repository: &Repository, sample: &Sample) -> ([String; 2], String) {
    let sources = ["one", "two"].map(|tag| repository.push(tag, OCI, &sample.oci_with(tag)));
    let converted = ["one", "two"]
        .map(|tag| repository.pull(tag, &[SCHEMA2]).expect(200).expect_header("docker-content-digest").to_owned());
    assert_ne!(sources[0], sources[1]);
    assert_eq!(converted[0], converted[1]);
    let [converted, _] = converted;
    (sources, converted)
}

fn a_conversion_of_several_manifests_is_not_deleted_by_its_digest(registry: &Registry) {
    let (repository, sample) = with_sample(registry);
    let (sources, converted) = two_sources(&repository, &sample);
    let message = repository.delete(&format!("manifests/{converted}")).expect_error(403, "DENIED");
    assert!(sources.iter().all(|source| message.contains(source)) && message.contains("delete those"), "{message}");
    for reference in ["one", "two", &converted] {
        repository.pull(reference, &[SCHEMA2]).expect(200);
    }
}

fn a_conversion_lives_as_long_as_one_of_its_sources(registry: &Registry) {
    let (repository, sample) = with_sample(registry);
    let (sources, converted) = two_sources(&repository, &sample);
    repository.delete(&format!("manifests/{}", sources[0])).expect(202);
    assert_eq!(repository.pull(&converted, &[]).expect(200).body, repository.pull("two", &[SCHEMA2]).body);
    repository.delete(&format!("manifests/{converted}")).expect(202);
    for reference in ["two", &sources[1], &converted] {
        assert_gone(&repository, reference);
    }
}

fn a_digest_that_was_handed_out_again_after_its_deletion_is_good(registry: &Registry) {
    let (repository, sample) = with_sample(registry);
    repository.push("latest", OCI, &sample.oci());
    repository.pull("latest", &[SCHEMA2]).expect(200);
    // Asked for again, the registry has it in memory.
    let converted = repository.pull("latest", &[SCHEMA2]).expect(200);
    // Pushed, it is an ordinary manifest, which can be deleted for itself.
    let digest = repository.push("copy", SCHEMA2, &converted.body);
    repository.delete(&format!("manifests/{digest}")).expect(202);
    assert_gone(&repository, &digest);
    assert_eq!(repository.tags(), ["latest"]);

    let again = repository.pull("latest", &[SCHEMA2]).expect(200);
    assert_eq!(again.expect_header("docker-content-digest"), digest);
    assert_eq!(repository.pull(&digest, &[]).expect(200).body, converted.body);
}

fn what_is_not_there_cannot_be_deleted(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    for reference in ["latest", &sha256(b"unknown")] {
        repository.delete(&format!("manifests/{reference}")).expect_error(404, "NAME_UNKNOWN");
    }
    let (repository, sample) = with_sample(registry);
    repository.push("latest", OCI, &sample.oci());
    assert_gone(&repository, "other");
    assert_gone(&repository, &sha256(b"unknown"));
    assert_eq!(repository.tags(), ["latest"]);
}

fn a_blob_goes_from_its_repository_alone(registry: &Registry) {
    let (repository, elsewhere) = (Repository::new(registry, "app"), Repository::new(registry, "other"));
    let digest = repository.push_blob(b"a layer");
    elsewhere.push_blob(b"a layer");
    assert!(repository.delete(&format!("blobs/{digest}")).expect(202).body.is_empty());
    repository.get(&format!("blobs/{digest}")).expect_error(404, "BLOB_UNKNOWN");
    repository.head(&format!("blobs/{digest}")).expect(404);
    repository.delete(&format!("blobs/{digest}")).expect_error(404, "BLOB_UNKNOWN");
    repository.request("POST", &format!("blobs/uploads/?mount={digest}&from=app")).send().expect(202);
    assert_eq!(elsewhere.blob(&digest), b"a layer");
    // It can come back, by a push and by a mount.
    repository.push_blob(b"a layer");
    assert_eq!(repository.blob(&digest), b"a layer");
    repository.delete(&format!("blobs/{digest}")).expect(202);
    repository.request("POST", &format!("blobs/uploads/?mount={digest}&from=other")).send().expect(201);
    assert_eq!(repository.blob(&digest), b"a layer");
}

fn a_manifest_cannot_name_what_was_deleted(registry: &Registry) {
    let (repository, sample) = with_sample(registry);
    let [layer, _] = sample.layers();
    repository.delete(&format!("blobs/{layer}")).expect(202);
    let message = repository.put("after", SCHEMA2, &sample.schema2()).expect_error(400, "MANIFEST_BLOB_UNKNOWN");
    assert!(message.contains(layer), "{message}");
    repository.push_blob(&sample.layers[0].bytes);
    let child = repository.push("child", OCI, &sample.oci_with("a child"));
    let list = list(INDEX, &[(OCI, &sample.oci_with("a child"), "amd64")]);
    repository.delete(&format!("manifests/{child}")).expect(202);
    let message = repository.put("list", INDEX, &list).expect_error(400, "MANIFEST_BLOB_UNKNOWN");
    assert!(message.contains(&child), "{message}");
}

fn what_others_need_is_not_deleted(registry: &Registry) {
    let (repository, sample) = with_sample(registry);
    let [layer, _] = sample.layers();
    let child = repository.push("child", OCI, &sample.oci());
    let list = repository.push("list", INDEX, &list(INDEX, &[(OCI, &sample.oci(), "amd64")]));
    let message = repository.delete(&format!("blobs/{layer}")).expect_error(405, "UNSUPPORTED");
    assert!(message.contains(&child), "{message}");
    let message = repository.delete(&format!("manifests/{child}")).expect_error(405, "UNSUPPORTED");
    assert!(message.contains(&list), "{message}");
    assert_eq!(repository.tags(), ["child", "list"]);
    assert!(repository.has_blob(layer));
    for path in [format!("manifests/{list}"), format!("manifests/{child}"), format!("blobs/{layer}")] {
        repository.delete(&path).expect(202);
        repository.head(&path).expect(404);
    }
}

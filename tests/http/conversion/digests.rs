//! Digests: what is asked for by digest is never converted, and a digest that a conversion handed out stays good.

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::http::Request;
use lambda_registry_tests::in_mode;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::{Repository, strings};

use super::served::{digest_of, lasting};
use super::wishes::{
    ANYTHING, CONTAINERD, DOCKER_1_9, DOCKER_1_10_TO_18_09, ONLY_INDEX, ONLY_LIST, ONLY_OCI, ONLY_SCHEMA1, ONLY_SCHEMA2,
};
use crate::sample::{EMPTY_LAYER, Sample, descriptor, list, verbatim};
use crate::types::{INDEX, LIST, OCI, SCHEMA1, SCHEMA2};

in_mode!(
    one_process,
    OneProcess,
    by_digest_the_stored_bytes_are_served_whatever_the_client_accepts,
    a_converted_digest_is_good_after_its_tag_moved,
    conversions_are_in_no_listing,
    the_same_image_under_two_tags_has_two_schema1_manifests,
    an_entity_tag_of_one_format_says_nothing_about_another,
    a_list_may_name_a_conversion_and_keeps_it,
    a_conversion_that_is_pushed_is_an_ordinary_manifest
);

fn by_digest_the_stored_bytes_are_served_whatever_the_client_accepts(registry: &Registry) {
    let (repository, elsewhere) = (Repository::new(registry, "app"), Repository::new(registry, "elsewhere"));
    let sample = Sample::new("amd64");
    let schema1 = sample.signed_schema1(&elsewhere, &repository);
    let (schema2, oci) = (sample.schema2(), sample.oci());
    let children = [(SCHEMA2, schema2.as_slice(), "amd64"), (OCI, &oci, "arm64")];
    let (docker_list, index) = (list(LIST, &children), list(INDEX, &children));
    for (media_type, manifest) in
        [(SCHEMA1, &schema1), (SCHEMA2, &schema2), (OCI, &oci), (LIST, &docker_list), (INDEX, &index)]
    {
        let digest = repository.push("latest", media_type, manifest);
        for accept in
            [DOCKER_1_9, ONLY_SCHEMA1, ONLY_SCHEMA2, ONLY_OCI, ONLY_LIST, ONLY_INDEX, ANYTHING, &["text/html"]]
        {
            let pulled = repository.pull(&digest, accept).expect(200);
            assert_eq!(pulled.body, *manifest, "{media_type} for {accept:?}");
            assert_eq!(pulled.expect_header("content-type"), media_type);
            assert_eq!(pulled.expect_header("docker-content-digest"), digest);
            assert_eq!(digest_of(&pulled, media_type), digest);
            assert_eq!((pulled.header("vary"), pulled.header("x-registry-stored-digest")), (None, None));
            let head = repository.request("HEAD", &format!("manifests/{digest}")).accept(accept).send();
            assert_eq!((head.status, lasting(&head)), (200, lasting(&pulled)));
        }
    }
}

fn a_converted_digest_is_good_after_its_tag_moved(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    let image = sample.oci();
    repository.push("image", OCI, &image);
    repository.push("index", INDEX, &list(INDEX, &[(OCI, &image, "amd64")]));
    let converted = [("image", ONLY_SCHEMA1), ("image", ONLY_SCHEMA2), ("index", ONLY_LIST), ("index", ONLY_SCHEMA1)]
        .map(|(tag, accept)| repository.pull(tag, accept).expect(200));

    let other = Sample::new("s390x");
    other.push_blobs(&repository);
    for tag in ["image", "index"] {
        repository.push(tag, SCHEMA2, &other.schema2());
    }

    for converted in converted {
        let digest = converted.expect_header("docker-content-digest");
        let pulled = repository.pull(digest, CONTAINERD).expect(200);
        assert_eq!(pulled.body, converted.body);
        assert_eq!(pulled.expect_header("content-type"), converted.expect_header("content-type"));
    }
    assert_eq!(sha256(&repository.blob(EMPTY_LAYER)), EMPTY_LAYER);
}

fn conversions_are_in_no_listing(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    let subject = repository.push("subject", SCHEMA2, &sample.schema2());
    let mut referrer: serde_json::Value = serde_json::from_slice(&sample.oci()).unwrap();
    referrer["subject"] = descriptor(SCHEMA2, &sample.schema2());
    let referrer = repository.push("referrer", OCI, &verbatim(&referrer));
    repository.push("index", INDEX, &list(INDEX, &[(SCHEMA2, &sample.schema2(), "amd64")]));
    let (tags, listed) = (repository.tags(), repository.get(&format!("referrers/{subject}")).expect(200).body);

    for tag in &tags {
        for accept in [ONLY_SCHEMA1, ONLY_SCHEMA2, ONLY_OCI] {
            repository.pull(tag, accept).expect(200);
        }
    }
    repository.pull("index", ONLY_LIST).expect(200);

    assert_eq!(repository.tags(), tags);
    let referrers = repository.get(&format!("referrers/{subject}")).expect(200);
    assert_eq!(referrers.body, listed);
    assert_eq!(referrers.json()["manifests"][0]["digest"], referrer);
    let catalog = Request::new("GET", &registry.url("/v2/_catalog")).send().expect(200).json();
    assert_eq!(strings(&catalog["repositories"]), ["app"]);
}

fn the_same_image_under_two_tags_has_two_schema1_manifests(registry: &Registry) {
    let repository = Repository::new(registry, "team/app");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    let pulled = ["one", "two"].map(|tag| {
        repository.push(tag, SCHEMA2, &sample.schema2());
        repository.pull(tag, ONLY_SCHEMA1).expect(200)
    });
    for (answer, tag) in pulled.iter().zip(["one", "two"]) {
        let manifest = answer.json();
        assert_eq!((&manifest["name"], &manifest["tag"]), (&"team/app".into(), &tag.into()));
    }
    let digests = pulled.each_ref().map(|answer| answer.expect_header("docker-content-digest"));
    assert_ne!(digests[0], digests[1]);
}

fn an_entity_tag_of_one_format_says_nothing_about_another(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    repository.push("latest", OCI, &sample.oci());
    let ask = |accept, known: &str| {
        repository.request("GET", "manifests/latest").accept(accept).header("If-None-Match", known).send()
    };
    let oci = repository.pull("latest", ONLY_OCI).expect_header("etag").to_owned();
    let schema2 = repository.pull("latest", ONLY_SCHEMA2).expect_header("etag").to_owned();

    assert_eq!(ask(ONLY_SCHEMA2, &oci).expect(200).expect_header("etag"), schema2);
    assert_eq!(ask(ONLY_OCI, &schema2).expect(200).expect_header("etag"), oci);
    for known in [&schema2, &format!("{oci}, {schema2}"), &format!("W/{schema2}"), "*"] {
        ask(ONLY_SCHEMA2, known).expect(304);
    }
}

/// `docker manifest create` resolves a tag, and `docker manifest push` names what it got without pushing it.
fn a_list_may_name_a_conversion_and_keeps_it(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    let source = repository.push("amd64", OCI, &sample.oci());
    let converted = repository.pull("amd64", DOCKER_1_10_TO_18_09).expect(200);
    assert_eq!(converted.expect_header("content-type"), SCHEMA2);
    let digest = converted.expect_header("docker-content-digest");

    let docker_list = list(LIST, &[(SCHEMA2, &converted.body, "amd64")]);
    repository.push("all", LIST, &docker_list);
    repository.delete(&format!("manifests/{source}")).expect(202);

    assert_eq!(repository.pull("all", ONLY_LIST).expect(200).body, docker_list);
    assert_eq!(repository.pull(digest, DOCKER_1_9).expect(200).body, converted.body);
    assert_eq!(repository.pull("all", ONLY_SCHEMA2).expect(200).body, converted.body);
}

fn a_conversion_that_is_pushed_is_an_ordinary_manifest(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    let source = repository.push("latest", OCI, &sample.oci());
    let converted = repository.pull("latest", ONLY_SCHEMA2).expect(200);
    let digest = repository.push("mine", SCHEMA2, &converted.body);
    assert_eq!(converted.expect_header("docker-content-digest"), digest);

    repository.delete(&format!("manifests/{source}")).expect(202);
    assert_eq!(repository.tags(), ["mine"]);
    assert_eq!(repository.pull("mine", ANYTHING).expect(200).body, converted.body);

    repository.delete(&format!("manifests/{digest}")).expect(202);
    assert!(repository.tags().is_empty());
    repository.pull(&digest, ANYTHING).expect_error(404, "MANIFEST_UNKNOWN");
}

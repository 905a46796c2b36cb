//! Tags and digests outside their grammars.

use lambda_registry_tests::digest::{hex, sha256};
use lambda_registry_tests::in_mode;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;

use crate::sample::Sample;
use crate::types::SCHEMA2;

in_mode!(
    one_process,
    OneProcess,
    tags_outside_the_grammar_are_refused,
    digests_outside_the_grammar_are_refused,
    a_manifest_under_another_digest_than_its_own_is_refused
);

fn tags_outside_the_grammar_are_refused(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    let longest = "T".repeat(128);
    for tag in [".a", "-a", "a+b", "a@b", "a%20b", "a%00b", "%C3%A4", "a%25", "", &format!("{longest}T")] {
        let request = |method| repository.request(method, &format!("manifests/{tag}")).header("Content-Type", SCHEMA2);
        for (request, status, code) in [
            (request("PUT").body(sample.schema2()), 400, "TAG_INVALID"),
            (request("GET"), 404, "MANIFEST_UNKNOWN"),
            (request("DELETE"), 404, "MANIFEST_UNKNOWN"),
        ] {
            let message = request.send().expect_error(status, code);
            assert!(message.contains("use 1 to 128 letters"), "{message}");
        }
        request("HEAD").send().expect(404);
    }
    assert!(repository.tags().is_empty());
    for tag in ["_", "0", "v1.2-RC_3", &longest] {
        repository.push(tag, SCHEMA2, &sample.schema2());
    }
    assert_eq!(repository.tags().len(), 4);
}

fn digests_outside_the_grammar_are_refused(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    let digest = sha256(&sample.schema2());
    let hex = hex(&digest);
    for malformed in [
        "sha256:",
        ":",
        &format!(":{hex}"),
        "sha256:abc",
        &format!("sha256:{hex}0"),
        &format!("sha256:{}", hex.to_uppercase()),
        &format!("SHA256:{hex}"),
        &format!("sha384:{hex}"),
        &format!("sha512:{hex}"),
        &format!("sha256+b64:{hex}"),
        &format!("sha256:sha256:{hex}"),
        &format!("latest@{digest}"),
    ] {
        for request in [
            repository.request("PUT", &format!("manifests/{malformed}")).body(sample.schema2()),
            repository.request("GET", &format!("manifests/{malformed}")),
            repository.request("DELETE", &format!("manifests/{malformed}")),
            repository.request("GET", &format!("blobs/{malformed}")),
            repository.request("GET", &format!("referrers/{malformed}")),
            repository.request("POST", &format!("blobs/uploads/?mount={malformed}&from=app")),
        ] {
            let message = request.header("Content-Type", SCHEMA2).send().expect_error(400, "DIGEST_INVALID");
            assert!(message.contains("sha256"), "{message}");
        }
    }
    assert!(repository.tags().is_empty());
}

fn a_manifest_under_another_digest_than_its_own_is_refused(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    let (own, other) = (sha256(&sample.schema2()), sha256(&sample.oci()));
    let message = repository.put(&other, SCHEMA2, &sample.schema2()).expect_error(400, "DIGEST_INVALID");
    assert!(message.contains(&own) && message.contains(&other) && message.contains("nothing was stored"), "{message}");
    for digest in [own, other] {
        repository.pull(&digest, &[SCHEMA2]).expect_error(404, "MANIFEST_UNKNOWN");
    }
    assert!(repository.tags().is_empty());
}

//! What a registry lets happen: repositories that a push creates, manifests whose content is missing.

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::modes::Mode;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;

use crate::sample::{Sample, list};
use crate::types::{INDEX, LIST, OCI, SCHEMA1};

const MODES: [Mode; 2] = [Mode::OneProcess, Mode::FunctionProcesses];

/// An index over an image that was never pushed.
fn sparse(missing: &[u8]) -> Vec<u8> {
    list(INDEX, &[(OCI, missing, "amd64")])
}

#[test]
fn a_manifest_without_what_it_refers_to_is_refused_by_default_and_taken_on_request() {
    let missing = Sample::new("amd64").oci();
    for mode in MODES {
        let strict = Registry::start(mode.flags());
        let repository = Repository::new(&strict, "app");
        let message = repository.put("list", INDEX, &sparse(&missing)).expect_error(400, "MANIFEST_BLOB_UNKNOWN");
        assert!(message.contains(&sha256(&missing)), "{message}");

        let lenient = Registry::start(&[mode.flags(), &["--sparse-manifests"]].concat());
        let repository = Repository::new(&lenient, "app");
        let digest = repository.push("list", INDEX, &sparse(&missing));
        assert_eq!(repository.pull("list", &[INDEX]).expect(200).body, sparse(&missing));
        assert_eq!(repository.pull(&digest, &[]).expect(200).body, sparse(&missing));
        repository.pull(&sha256(&missing), &[]).expect_error(404, "MANIFEST_UNKNOWN");
        // A conversion would be another one once the child is there.
        let message = repository.pull("list", &[LIST]).expect_error(404, "MANIFEST_UNKNOWN");
        assert!(message.contains(&sha256(&missing)), "{message}");
        // An image without what it is made of.
        repository.push("image", OCI, &missing);
        assert_eq!(repository.pull("image", &[OCI]).expect(200).body, missing);
        repository.pull("image", &[SCHEMA1]).expect_error(404, "MANIFEST_UNKNOWN");
    }
}

#[test]
fn where_pushes_create_no_repositories_none_comes_to_be() {
    for mode in MODES {
        let registry = Registry::start(&[mode.flags(), &["--create-on-push", "false"]].concat());
        let repository = Repository::new(&registry, "team/app");
        let digest = sha256(b"a blob");
        let sample = Sample::new("amd64");
        let empty = serde_json::json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).to_string();
        for refused in [
            repository.request("POST", "blobs/uploads/").send(),
            repository.request("POST", &format!("blobs/uploads/?digest={digest}")).body("a blob").send(),
            repository.request("POST", &format!("blobs/uploads/?direct={digest}&size=6")).send(),
            repository.request("POST", &format!("blobs/uploads/?mount={digest}&from=other")).send(),
            repository.put("list", INDEX, empty.as_bytes()),
        ] {
            let message = refused.expect_error(404, "NAME_UNKNOWN");
            assert!(message.contains("lambda-registry repository create team/app"), "{message}");
        }
        repository.put("image", OCI, &sample.oci()).expect_error(400, "MANIFEST_BLOB_UNKNOWN");
        assert!(!repository.exists());
    }
}

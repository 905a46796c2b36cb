//! Manifests up to 4 MiB (distribution specification, "Pushing Manifests").

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::in_every_mode;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;
use lambda_registry_tests::types::OCI;

use crate::referrers::{artifact, padded};

const LARGEST: usize = 4 << 20;

in_every_mode![a_manifest_has_four_mib_at_the_most];

fn a_manifest_has_four_mib_at_the_most(registry: &Registry) {
    let repository = Repository::new(registry, "manifests");
    repository.push_blob(b"{}");
    let manifest = padded(artifact(), LARGEST);
    assert_eq!(manifest.len(), LARGEST);

    let digest = repository.push("largest", OCI, &manifest);
    assert_eq!(digest, sha256(&manifest));
    for reference in ["largest", &digest] {
        let answer = repository.get(&format!("manifests/{reference}")).expect(200);
        assert!(answer.body == manifest);
        let head = repository.head(&format!("manifests/{reference}")).expect(200);
        assert_eq!(head.expect_header("content-length"), LARGEST.to_string());
    }

    let too_large = padded(artifact(), LARGEST + 1);
    repository.put("larger", OCI, &too_large).expect_error(413, "SIZE_INVALID");
    assert_eq!(repository.tags(), ["largest"]);
    repository.delete(&format!("manifests/{digest}")).expect(202);
    assert_eq!(repository.get(&format!("manifests/{digest}")).status, 404);
}

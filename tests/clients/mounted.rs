//! Copies within a registry, as the registry saw them.

use lambda_registry_tests::registry::Registry;

/// Nobody sent a blob to this repository: all that it has was mounted.
#[track_caller]
pub(crate) fn expect_mounts_only(registry: &Registry, repository: &str) {
    let log = registry.log();
    let sent = |method: &str| log.contains(&format!("{method} /v2/{repository}/blobs/uploads/"));
    assert!(sent("POST"), "nothing was mounted into {repository}");
    assert!(!sent("PATCH") && !sent("PUT"), "a blob was uploaded to {repository}");
}

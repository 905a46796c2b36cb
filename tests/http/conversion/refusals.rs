//! What can't be said in another format is refused by name; who doesn't ask gets it as it is stored.

use lambda_registry_tests::in_mode;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;
use serde_json::{Value, json};

use super::served::refuse;
use super::wishes::{
    ANYTHING, CONTAINERD, DOCKER_1_9, DOCKER_1_10_TO_18_09, DOCKER_19_03_TO_28, ONLY_OCI, ONLY_SCHEMA1, ONLY_SCHEMA2,
};
use crate::sample::{descriptor, verbatim};
use crate::types::{EMPTY, OCI, OCI_CONFIG, OCI_GZIP, OCI_ZSTD, SCHEMA2};

in_mode!(
    one_process,
    OneProcess,
    images_that_docker_formats_cannot_say_are_refused_and_served_as_stored,
    foreign_layers_keep_their_addresses_in_schema2_and_are_refused_in_schema1,
    a_config_that_schema1_cannot_be_made_of_is_refused
);

fn images_that_docker_formats_cannot_say_are_refused_and_served_as_stored(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    repository.push_blob(b"{}");
    repository.push_blob(b"layer");
    let config = || descriptor(OCI_CONFIG, b"{}");
    let layer = |media_type: &str| descriptor(media_type, b"layer");
    let cases = [
        ("zstd", "zstd", json!({"config": config(), "layers": [layer(OCI_GZIP), layer(OCI_ZSTD)]})),
        (
            "chart",
            "artifact of type application/vnd.cncf.helm.config.v1+json",
            json!({
                "config": descriptor("application/vnd.cncf.helm.config.v1+json", b"{}"), "layers": [layer("text/plain")],
            }),
        ),
        (
            "sbom",
            "artifact of type application/spdx+json",
            json!({
                "artifactType": "application/spdx+json", "config": descriptor(EMPTY, b"{}"), "layers": [layer("text/plain")],
            }),
        ),
        ("encrypted", "encrypted", json!({"config": config(), "layers": [layer(&format!("{OCI_GZIP}+encrypted"))]})),
        ("unknown", "text/plain", json!({"config": config(), "layers": [layer("text/plain")]})),
    ];
    for (tag, reason, mut manifest) in cases {
        manifest["schemaVersion"] = json!(2);
        manifest["mediaType"] = json!(OCI);
        let manifest = verbatim(&manifest);
        repository.push(tag, OCI, &manifest);
        for accept in [ONLY_SCHEMA1, ONLY_SCHEMA2, DOCKER_1_10_TO_18_09] {
            let message = refuse(&repository, tag, OCI, accept);
            assert!(message.contains(reason), "{reason} is not in: {message}");
        }
        for accept in [DOCKER_1_9, ANYTHING, ONLY_OCI, CONTAINERD, DOCKER_19_03_TO_28] {
            let stored = repository.pull(tag, accept).expect(200);
            assert_eq!((stored.expect_header("content-type"), stored.body == manifest), (OCI, true), "{tag}");
        }
    }
}

fn foreign_layers_keep_their_addresses_in_schema2_and_are_refused_in_schema1(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    repository.push_blob(b"{}");
    let mut layer = descriptor("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", b"not here");
    layer["urls"] = json!(["https://layers.example.com/base"]);
    let config = descriptor(OCI_CONFIG, b"{}");
    let manifest = json!({"schemaVersion": 2, "mediaType": OCI, "config": config, "layers": [layer]});
    repository.push("latest", OCI, &verbatim(&manifest));

    let schema2 = repository.pull("latest", ONLY_SCHEMA2).expect(200).json();
    let converted = &schema2["layers"][0];
    assert_eq!(converted["mediaType"], "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
    assert_eq!((&converted["urls"], &converted["digest"]), (&layer["urls"], &layer["digest"]));
    let message = refuse(&repository, "latest", OCI, ONLY_SCHEMA1);
    assert!(message.contains("outside of the registry"), "{message}");
}

fn a_config_that_schema1_cannot_be_made_of_is_refused(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    repository.push_blob(b"layer");
    let id = format!("sha256:{:064}", 1);
    let rootfs = json!({"type": "layers", "diff_ids": [id]});
    let step = json!({"created": "2024-05-06T07:08:09Z"});
    let cases: [(&str, Value); 5] = [
        ("is not JSON", json!(null)),
        ("no rootfs", json!({"history": [step]})),
        ("no history", json!({"rootfs": rootfs})),
        ("rootfs.diff_ids", json!({"rootfs": {"type": "layers", "diff_ids": [id, id]}, "history": [step]})),
        ("history", json!({"rootfs": rootfs, "history": [step, step]})),
    ];
    for (reason, config) in cases {
        let config = if config.is_null() { b"\x1f\x8b not JSON".to_vec() } else { config.to_string().into_bytes() };
        repository.push_blob(&config);
        let docker_config = descriptor(crate::types::DOCKER_CONFIG, &config);
        let layers = [descriptor(crate::types::DOCKER_GZIP, b"layer")];
        let manifest =
            verbatim(&json!({"schemaVersion": 2, "mediaType": SCHEMA2, "config": docker_config, "layers": layers}));
        repository.push("latest", SCHEMA2, &manifest);

        let message = refuse(&repository, "latest", SCHEMA2, ONLY_SCHEMA1);
        assert!(message.contains(reason), "{reason} is not in: {message}");
        assert_eq!(repository.pull("latest", DOCKER_1_9).expect(200).body, manifest);
    }
}

//! Conversions and signatures that others made.

use conversion::{Manifest, ParseError, Refusal, Target};
use protocol::{Digest, MediaType};
use serde_json::Value;

use crate::support::{convert, golden, parse, payload, value};

#[test]
fn goldens_are_the_files_that_their_provenance_names() {
    for entry in value(golden("provenance.json")).as_array().unwrap() {
        let name = entry["file"].as_str().unwrap();
        assert_eq!(Digest::sha256(&golden(name)).encoded(), entry["sha256"].as_str().unwrap(), "{name}");
        assert_eq!(entry["licence"], "Apache-2.0", "{name}");
    }
}

#[test]
fn schema2_becomes_the_schema1_that_docker_hub_made_of_it_byte_for_byte() {
    let source = parse(golden("schema2-httpd.json"));
    let converted = convert(&source, Target::DockerSchema1, Some(&golden("config-httpd.json"))).unwrap();
    let by_hub = String::from_utf8(golden("schema2-httpd-to-schema1-by-docker-hub.json")).unwrap();
    let by_hub = payload(by_hub.replace("library/httpd-copy", "library/httpd").as_bytes());
    assert_eq!(payload(converted.manifest.bytes()), by_hub);
    assert_eq!(converted.manifest.digest(), Digest::sha256(by_hub.as_bytes()));
    assert_eq!(converted.blobs.len(), 1);
    assert_eq!(
        converted.blobs[0].digest.to_string(),
        "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4"
    );
    assert!(converted.blobs[0].digest.matches(&converted.blobs[0].bytes));
}

/// `tests/src/bin/record-goldens.rs` recorded them.
#[test]
fn schema2_becomes_the_schema1_that_docker_registry_makes_of_it_byte_for_byte() {
    for edge in [
        "plain",
        "empty-steps",
        "no-layers",
        "windows",
        "every-field",
        "own-fields",
        "author-and-comment",
        "missing-fields",
        "fractions-of-seconds",
        "zone-offsets",
        "odd-numbers",
        "html",
        "control-characters",
        "not-ascii",
        "surrogates",
        "odd-keys",
    ] {
        let source = parse(golden(&format!("schema2-{edge}.json")));
        let config = golden(&format!("config-{edge}.json"));
        let by_registry = golden(&format!("schema2-{edge}-to-schema1-by-docker-registry.json"));
        let converted = convert(&source, Target::DockerSchema1, Some(&config)).unwrap().manifest;
        assert_eq!(payload(converted.bytes()), String::from_utf8(by_registry.clone()).unwrap(), "{edge}");
        assert_eq!(converted.digest(), Digest::sha256(&by_registry), "{edge}");
    }
}

#[test]
fn docker_hubs_own_signature_holds_once_its_name_is_back() {
    let text = String::from_utf8(golden("schema2-httpd-to-schema1-by-docker-hub.json")).unwrap();
    let changed = Manifest::parse(text.clone().into_bytes(), None).unwrap_err();
    assert!(matches!(changed, ParseError::Unverified { .. } | ParseError::Field { .. }), "{changed}");
    let restored = Manifest::parse(text.replace("library/httpd-copy", "library/httpd").into_bytes(), None).unwrap();
    assert_eq!(restored.media_type(), &MediaType::DockerSchema1Signed);
}

#[test]
fn schema2_keeps_the_layers_that_containers_image_gives_it_in_oci() {
    for (source, expected) in [
        ("schema2-httpd.json", "schema2-httpd-to-oci-by-containers-image.json"),
        ("schema2-all-layers.json", "schema2-all-layers-to-oci-by-containers-image.json"),
    ] {
        let converted = convert(&parse(golden(source)), Target::OciManifest, None).unwrap().manifest;
        let (ours, theirs) = (value(converted.bytes()), value(golden(expected)));
        assert_eq!(ours["layers"], theirs["layers"], "{source}");
        assert_eq!(ours["config"]["mediaType"], theirs["config"]["mediaType"], "{source}");
    }
}

#[test]
fn oci_becomes_the_schema2_of_containers_image() {
    let converted = convert(&parse(golden("oci-httpd.json")), Target::DockerSchema2, None).unwrap().manifest;
    assert_eq!(value(converted.bytes()), value(golden("oci-httpd-to-schema2-by-containers-image.json")));
}

#[test]
fn oci_layers_become_the_types_of_containers_image_but_zstd_is_refused() {
    let source = value(golden("oci-all-layers.json"));
    let expected = value(golden("oci-all-layers-to-schema2-by-containers-image.json"));
    assert_eq!(
        convert(&parse(golden("oci-all-layers.json")), Target::DockerSchema2, None).unwrap_err(),
        Refusal::ZstdLayer { layer: 1, to: MediaType::DockerSchema2 }
    );
    let is_zstd = |layer: &Value| layer["mediaType"].as_str().unwrap().ends_with("zstd");
    let (mut without_zstd, mut types) = (source.clone(), Vec::new());
    let (all, theirs) = (source["layers"].as_array().unwrap(), expected["layers"].as_array().unwrap());
    for (layer, theirs) in all.iter().zip(theirs).filter(|(layer, _)| !is_zstd(layer)) {
        types.push((layer.clone(), theirs["mediaType"].clone()));
    }
    without_zstd["layers"] = types.iter().map(|(layer, _)| layer.clone()).collect();
    let converted = convert(&parse(without_zstd.to_string()), Target::DockerSchema2, None).unwrap().manifest;
    let ours = value(converted.bytes());
    assert_eq!(types.len(), 4);
    for (ours, (source, theirs)) in ours["layers"].as_array().unwrap().iter().zip(&types) {
        assert_eq!(ours["mediaType"], *theirs, "{source}");
    }
}

#[test]
fn oci_becomes_schema1_with_the_layers_and_history_of_containers_image() {
    let source = parse(golden("oci-httpd.json"));
    let converted = convert(&source, Target::DockerSchema1, Some(&golden("config-httpd.json"))).unwrap().manifest;
    let (ours, theirs) = (value(converted.bytes()), value(golden("oci-httpd-to-schema1-by-containers-image.json")));
    assert_eq!(ours["fsLayers"], theirs["fsLayers"]);
    let entries = |manifest: &Value| -> Vec<Value> {
        let entry = |entry: &Value| {
            let mut inner = value(entry["v1Compatibility"].as_str().unwrap());
            // Both make ids of their own; what else an entry says must agree.
            inner.as_object_mut().unwrap().retain(|key, _| !matches!(key.as_str(), "id" | "parent"));
            inner
        };
        manifest["history"].as_array().unwrap().iter().map(entry).collect()
    };
    assert_eq!(entries(&ours), entries(&theirs));
}

#[test]
fn oci_goes_to_schema1_by_way_of_schema2() {
    let config = golden("config-httpd.json");
    let (schema2, oci) = (parse(golden("schema2-httpd.json")), parse(golden("oci-httpd.json")));
    let direct = convert(&schema2, Target::DockerSchema1, Some(&config)).unwrap().manifest;
    let two_steps = convert(&oci, Target::DockerSchema1, Some(&config)).unwrap().manifest;
    assert_eq!(direct.bytes(), two_steps.bytes());
}

#[test]
fn what_no_other_format_can_say_is_refused_by_name() {
    let unknown = |layer: &str| Refusal::UnknownLayer { layer: 0, media_type: layer.into() };
    let oci_unknown = unknown("application/vnd.oci.image.layer.v1.tar+invalid-suffix");
    let encrypted = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted".into();
    for (file, target, refusal) in [
        (
            "oci-artifact.json",
            Target::DockerSchema2,
            Refusal::Artifact("application/vnd.oci.custom.artifact.config.v1+json".to_owned()),
        ),
        ("oci-encrypted.json", Target::DockerSchema2, Refusal::EncryptedLayer { layer: 0, media_type: encrypted }),
        ("oci-unknown-layer.json", Target::DockerSchema2, oci_unknown),
    ] {
        let source = parse(golden(file));
        assert_eq!(convert(&source, target, None).unwrap_err(), refusal, "{file}");
        let config = golden("config-httpd.json");
        assert_eq!(convert(&source, Target::DockerSchema1, Some(&config)).unwrap_err(), refusal, "{file}");
    }
}

#[test]
fn dockers_zstd_layers_have_a_name_in_oci_and_none_in_schema1() {
    let source = parse(golden("schema2-zstd.json"));
    let oci = convert(&source, Target::OciManifest, None).unwrap().manifest;
    assert_eq!(oci.layers()[0].media_type, MediaType::OciLayerZstd);
    assert_eq!(
        convert(&source, Target::DockerSchema1, Some(&golden("config-httpd.json"))).unwrap_err(),
        Refusal::ZstdLayer { layer: 0, to: MediaType::DockerSchema1Signed }
    );
}

#[test]
fn a_good_signature_is_let_in_and_known_by_the_digest_of_its_payload() {
    for content_type in [None, Some("application/json"), Some(MediaType::DockerSchema1Signed.as_str())] {
        let manifest = Manifest::parse(golden("schema1-good-by-moby.json"), content_type).unwrap();
        assert_eq!(manifest.media_type(), &MediaType::DockerSchema1Signed);
        assert_eq!(manifest.bytes(), golden("schema1-good-by-moby.json"));
        assert_eq!(manifest.digest(), Digest::sha256(payload(manifest.bytes()).as_bytes()));
    }
}

#[test]
fn a_bad_signature_is_unverified() {
    for file in ["schema1-bad-by-moby.json", "schema1-bad-by-containers-image.json"] {
        let error = Manifest::parse(golden(file), None).unwrap_err();
        assert!(matches!(error, ParseError::Unverified { signature: 0, .. }), "{file}: {error}");
        assert_eq!(protocol::ApiError::from(error).code, protocol::ErrorCode::ManifestUnverified);
    }
}

#[test]
fn stored_bytes_are_not_verified_again() {
    let bytes = golden("schema1-bad-by-containers-image.json");
    let manifest = Manifest::stored(bytes, &MediaType::DockerSchema1Signed).unwrap();
    assert_eq!(
        manifest.digest().to_string(),
        "sha256:7364fea9d84ee548ab67d4c46c6006289800c98de3fbf8c0a97138dfcc23f000"
    );
}

#[test]
fn only_what_the_signature_covers_is_believed() {
    let good = parse(golden("schema1-good-by-moby.json"));
    let extra = parse(golden("schema1-extra-data-by-moby.json"));
    assert_eq!(extra.required(), good.required());
    assert_eq!(extra.digest(), good.digest());
    assert_ne!(extra.bytes(), good.bytes());
}

#[test]
fn malformed_signatures_are_invalid_and_no_crash() {
    let error = Manifest::parse(golden("schema1-malformed-by-containers-image.json"), None).unwrap_err();
    assert_eq!(error.to_string(), "signatures: must be an array");
}

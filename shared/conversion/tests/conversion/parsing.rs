//! What is let in, and what is refused with which words.

use conversion::{Manifest, ParseError};
use protocol::{Algorithm, ApiError, ErrorCode, MediaType};
use serde_json::{Value, json};

use crate::support::{digest, golden, image, parse, value};

fn refused(manifest: &Value) -> String {
    let error = Manifest::parse(manifest.to_string().into_bytes(), None).unwrap_err();
    let message = error.to_string();
    assert_eq!(ApiError::from(error).code, ErrorCode::ManifestInvalid, "{message}");
    message
}

/// A schema 2 image with one layer, changed.
fn changed(change: impl Fn(&mut Value)) -> Value {
    let mut manifest = image(&MediaType::DockerSchema2, &[MediaType::DockerLayerGzip]);
    change(&mut manifest);
    manifest
}

#[test]
fn every_format_is_recognized_with_and_without_content_type() {
    for (file, expected) in [
        ("schema1-good-by-moby.json", MediaType::DockerSchema1Signed),
        ("schema1-unsigned.json", MediaType::DockerSchema1),
        ("schema1-everything.json", MediaType::DockerSchema1),
        ("schema2-httpd.json", MediaType::DockerSchema2),
        ("schema2-everything.json", MediaType::DockerSchema2),
        ("list.json", MediaType::DockerManifestList),
        ("oci-httpd.json", MediaType::OciManifest),
        ("oci-everything.json", MediaType::OciManifest),
        ("oci-without-media-type.json", MediaType::OciManifest),
        ("index.json", MediaType::OciIndex),
        ("index-without-media-type.json", MediaType::OciIndex),
    ] {
        let with_parameter = format!("{expected}; charset=utf-8");
        for content_type in [None, Some("application/json"), Some(expected.as_str()), Some(with_parameter.as_str())] {
            let manifest = Manifest::parse(golden(file), content_type).unwrap();
            assert_eq!(manifest.media_type(), &expected, "{file} as {content_type:?}");
            assert_eq!(manifest.bytes(), golden(file), "{file}");
        }
        let stored = Manifest::stored(golden(file), &expected).unwrap();
        assert_eq!(stored.digest(), parse(golden(file)).digest(), "{file}");
    }
}

#[test]
fn signatures_decide_whether_schema1_is_signed() {
    let unsigned = MediaType::DockerSchema1.as_str();
    let manifest = Manifest::parse(golden("schema1-good-by-moby.json"), Some(unsigned)).unwrap();
    assert_eq!(manifest.media_type(), &MediaType::DockerSchema1Signed);
    let signed = MediaType::DockerSchema1Signed.as_str();
    let error = Manifest::parse(golden("schema1-unsigned.json"), Some(signed)).unwrap_err();
    assert!(error.to_string().starts_with("signatures: is missing"), "{error}");
}

#[test]
fn a_contradiction_names_both_sides() {
    let oci = MediaType::OciManifest;
    let error = Manifest::parse(golden("schema2-httpd.json"), Some(oci.as_str())).unwrap_err();
    assert_eq!(error, ParseError::Contradiction { header: oci, body: MediaType::DockerSchema2 });
    let message = error.to_string();
    assert!(message.contains("oci.image.manifest") && message.contains("distribution.manifest.v2"), "{message}");
}

#[test]
fn what_is_no_manifest_is_unsupported() {
    for content_type in ["application/vnd.oci.image.config.v1+json", "text/plain", "application/octet-stream"] {
        let error = Manifest::parse(golden("oci-httpd.json"), Some(content_type)).unwrap_err();
        assert_eq!(ApiError::from(error).code.status(), 415, "{content_type}");
    }
    let inside = changed(|manifest| manifest["mediaType"] = json!("application/vnd.oci.artifact.manifest.v1+json"));
    let error = Manifest::parse(inside.to_string().into_bytes(), None).unwrap_err();
    assert!(matches!(error, ParseError::UnsupportedMediaType(_)), "{error}");
}

#[test]
fn what_cannot_be_told_is_invalid() {
    for file in ["unknown-version.json", "not-json.json", "schema2-without-media-type.json"] {
        let error = Manifest::parse(golden(file), None).unwrap_err();
        assert_eq!(ApiError::from(error).code, ErrorCode::ManifestInvalid, "{file}");
    }
    for text in ["", " ", "{", "[]", "null", "\"x\"", "{}", "{\"schemaVersion\":2}", "{}{}", "\u{feff}{}"] {
        let error = Manifest::parse(text.into(), None).unwrap_err();
        assert_eq!(ApiError::from(error).code, ErrorCode::ManifestInvalid, "{text}");
    }
}

#[test]
fn complaints_say_what_and_where() {
    type Change = fn(&mut Value);
    let cases: &[(Change, &str)] = &[
        (|m| m["schemaVersion"] = json!(3), "schemaVersion: must be 2"),
        (|m| m["schemaVersion"] = json!("2"), "schemaVersion: must be an integer from 0 to 9223372036854775807"),
        (|m| m["config"] = Value::Null, "config: is missing"),
        (|m| m["config"] = json!([]), "config: must be an object"),
        (|m| m["config"]["size"] = json!(-1), "config.size: must be an integer from 0 to 9223372036854775807"),
        (|m| m["layers"] = json!({}), "layers: must be an array"),
        (|m| m["layers"][0]["mediaType"] = json!("tar"), "layers[0].mediaType: \"tar\" is not a media type"),
        (|m| m["layers"][0]["size"] = json!(1.5), "layers[0].size: must be an integer from 0 to 9223372036854775807"),
        (
            |m| m["layers"][0]["digest"] = json!("sha256:00"),
            "layers[0].digest: the digest \"sha256:00\" must have 64 (sha256) or 128 (sha512) lower-case hexadecimal characters",
        ),
        (|m| m["layers"][0]["urls"] = json!([1]), "layers[0].urls[0]: must be a string"),
        (|m| m["annotations"] = json!({ "a": 1 }), "annotations.a: must be a string"),
        (
            |m| m["artifactType"] = json!(format!("a/{}", "b".repeat(999))),
            "artifactType: a media type may have at most 1000 characters",
        ),
        (|m| m["subject"] = json!({}), "subject.mediaType: is missing"),
        (
            |m| m["manifests"] = json!([]),
            "manifests: doesn't belong into an image; another client would read it otherwise",
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(refused(&changed(change)), *expected);
    }
    let without = |key: &str| refused(&changed(|m| drop(m.as_object_mut().unwrap().remove(key))));
    assert_eq!(without("config"), "config: is missing");
    assert_eq!(without("layers"), "layers: is missing");
    assert_eq!(without("schemaVersion"), "schemaVersion: is missing");
}

#[test]
fn two_manifests_in_one_are_refused() {
    for media_type in [MediaType::OciManifest, MediaType::OciIndex] {
        let mut both = image(&MediaType::OciManifest, &[]);
        both["mediaType"] = json!(media_type.as_str());
        both["manifests"] = json!([]);
        assert!(refused(&both).contains("doesn't belong into"), "{media_type}");
    }
    let twice = changed(|_| {}).to_string().replacen('{', "{\"layers\":[],", 1);
    let error = Manifest::parse(twice.into_bytes(), None).unwrap_err();
    assert_eq!(error.to_string(), "layers: stands more than once (case doesn't count); leave one of them");
    let cased = changed(|m| m["Layers"] = json!([]));
    assert!(refused(&cased).starts_with("layers: stands more than once"));
}

#[test]
fn a_slice_without_elements_may_be_null() {
    let image = parse(changed(|m| m["layers"] = Value::Null).to_string());
    assert!(image.layers().is_empty());
    let index = parse(r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":null}"#);
    assert_eq!((index.media_type(), index.children().len()), (&MediaType::OciIndex, 0));
}

#[test]
fn schema1_wants_a_history_entry_for_each_layer() {
    let mut manifest = value(golden("schema1-unsigned.json"));
    manifest["fsLayers"].as_array_mut().unwrap().pop();
    assert_eq!(refused(&manifest), "history: has 3 entries and fsLayers 2; there must be one for each");
    let mut manifest = value(golden("schema1-unsigned.json"));
    manifest["history"][1]["v1Compatibility"] = json!("[]");
    assert_eq!(refused(&manifest), "history[1].v1Compatibility: must be a string that holds a JSON object");
    let mut manifest = value(golden("schema1-unsigned.json"));
    manifest["fsLayers"][2]["blobSum"] = json!("");
    assert!(refused(&manifest).starts_with("fsLayers[2].blobSum: "));
}

#[test]
fn malformed_signatures_say_what_is_wrong() {
    let good = value(golden("schema1-good-by-moby.json"));
    type Change = fn(&mut Value);
    let cases: &[(Change, &str)] = &[
        (|s| *s = json!([]), "signatures: must have at least one entry, or be left out"),
        (|s| *s = json!([1]), "signatures[0]: must be an object"),
        (|s| s[0]["protected"] = json!("é"), "signatures[0].protected: must be base64 with the alphabet for URLs"),
        (|s| s[0]["protected"] = json!("e30"), "signatures[0].protected: when decoded: formatLength: is missing"),
        (
            |s| s[0]["header"]["jwk"]["x"] = json!("AA"),
            "signatures[0].header.jwk: x and y are no point of the curve P-256",
        ),
        (|s| s[0]["header"]["jwk"]["kid"] = json!("AA"), "signatures[0].header.jwk.kid: is not the id of this key"),
        (|s| s[0]["header"]["jwk"]["crv"] = json!("P-384"), "signatures[0].header.jwk.crv: must be P-256 for ES256"),
        (|s| s[0]["header"] = Value::Null, "signatures[0].header: is missing"),
    ];
    for (change, expected) in cases {
        let mut manifest = good.clone();
        change(&mut manifest["signatures"]);
        assert_eq!(refused(&manifest), *expected);
    }
    // {"formatLength":9223372036854775807,"formatTail":""}
    let mut manifest = good;
    manifest["signatures"][0]["protected"] =
        json!("eyJmb3JtYXRMZW5ndGgiOjkyMjMzNzIwMzY4NTQ3NzU4MDcsImZvcm1hdFRhaWwiOiIifQ");
    assert!(refused(&manifest).ends_with("formatLength 9223372036854775807 is more than the manifest has"));
}

#[test]
fn a_signature_that_cannot_be_verified_is_unverified() {
    let text = String::from_utf8(golden("schema1-good-by-moby.json")).unwrap();
    for (from, to) in [
        ("\"alg\": \"ES256\"", "\"alg\": \"RS256\""),
        ("\"alg\": \"ES256\"", "\"alg\": \"none\""),
        ("\"alg\": \"ES256\"", "\"alg\": \"ES256\", \"x5c\": [\"\"]"),
        ("\"signature\": \"Y6xaFz9S", "\"signature\": \"AAAAAAAA"),
        ("\"signature\": \"Y6xaFz9Sy-O", "\"signature\": \""),
        ("library/hello-world", "library/hello-there"),
    ] {
        let error = Manifest::parse(text.replace(from, to).into_bytes(), None).unwrap_err();
        assert!(matches!(error, ParseError::Unverified { .. }), "{to}: {error}");
    }
}

#[test]
fn requirements_are_in_order_without_repetition_and_without_foreign_layers() {
    let mut manifest = image(
        &MediaType::OciManifest,
        &[MediaType::OciLayerGzip, MediaType::OciNondistributableLayerGzip, MediaType::OciLayer],
    );
    manifest["layers"][2]["digest"] = json!(digest(0));
    manifest["subject"] =
        json!({ "mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 1, "digest": digest(9) });
    let required = parse(manifest.to_string()).required();
    assert_eq!(required.blobs, [digest(0xc0).parse().unwrap(), digest(0).parse().unwrap()]);
    assert!(required.manifests.is_empty());
    let required = parse(golden("schema1-unsigned.json")).required();
    assert_eq!(required.blobs.len(), 1);
}

#[test]
fn children_are_told_apart_by_their_media_types() {
    let index = json!({ "schemaVersion": 2, "manifests": [
        { "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "size": 1, "digest": digest(1) },
        { "mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 1, "digest": digest(2) },
        { "mediaType": "application/vnd.buildkit.cacheconfig.v0", "size": 1, "digest": digest(3) },
        { "mediaType": "application/vnd.oci.image.index.v1+json", "size": 1, "digest": digest(4) },
    ]});
    let required = parse(index.to_string()).required();
    let digests = |numbers: &[usize]| numbers.iter().map(|n| digest(*n).parse().unwrap()).collect::<Vec<_>>();
    assert_eq!(required.blobs, digests(&[1, 3]));
    assert_eq!(required.manifests, digests(&[2, 4]));
}

#[test]
fn the_kind_of_artifact_is_the_configs_type_unless_it_is_said() {
    assert_eq!(parse(golden("oci-everything.json")).artifact_type(), Some("application/our-artifact"));
    assert_eq!(
        parse(golden("oci-artifact.json")).artifact_type(),
        Some("application/vnd.oci.custom.artifact.config.v1+json")
    );
    assert_eq!(parse(golden("index.json")).artifact_type(), None);
}

#[test]
fn everything_that_the_functions_ask_for_is_read() {
    let manifest = parse(golden("oci-everything.json"));
    assert_eq!(manifest.annotations().get("top").map(String::as_str), Some("0"));
    assert_eq!(manifest.size_of_content(), 3);
    assert_eq!(manifest.config().unwrap().annotations.get("config").map(String::as_str), Some("1"));
    let subject = manifest.subject().unwrap();
    assert_eq!(subject.size, 3);
    assert_eq!(subject.platform.as_ref().unwrap().os_version.as_deref(), Some("c"));
    assert_eq!(manifest.digest_with(Algorithm::Sha512), Algorithm::Sha512.digest(manifest.bytes()));
}

#[test]
fn sizes_do_not_overflow() {
    let huge = json!(i64::MAX);
    let manifest = changed(|m| {
        let layer = json!({ "mediaType": "a/b", "size": huge, "digest": digest(1) });
        m["layers"] = json!([layer, layer, layer]);
    });
    assert_eq!(parse(manifest.to_string()).size_of_content(), u64::MAX);
}

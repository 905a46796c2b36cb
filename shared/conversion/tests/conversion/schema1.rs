//! Schema 1: the edges of the rules, and the signature.

use std::collections::BTreeMap;

use conversion::{Converted, ImageInputs, Manifest, Refusal, Target, convert_image};
use protocol::{Digest, MediaType};
use serde_json::{Value, json};

use crate::support::{convert, golden, image, parse, payload, schema2, value};

const EMPTY_LAYER: &str = "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4";

/// Converts an image with this many layers and this config.
fn to_schema1(layers: usize, config: impl AsRef<[u8]>) -> Result<Converted, Refusal> {
    convert(&schema2(layers), Target::DockerSchema1, Some(config.as_ref()))
}

/// A config with this many layers and this history.
fn config(diff_ids: usize, history: &Value) -> String {
    json!({
        "architecture": "amd64",
        "rootfs": { "type": "layers", "diff_ids": vec!["sha256:00"; diff_ids] },
        "history": history,
    })
    .to_string()
}

/// `v1Compatibility` of every entry, the newest first, as text.
fn entries(converted: &Converted) -> Vec<String> {
    let manifest = value(converted.manifest.bytes());
    let text = |entry: &Value| entry["v1Compatibility"].as_str().unwrap().to_owned();
    manifest["history"].as_array().unwrap().iter().map(text).collect()
}

fn id(content: &str) -> String {
    Digest::sha256(content.as_bytes()).encoded().to_owned()
}

#[test]
fn the_only_entry_is_the_config_with_an_id() {
    let config = config(1, &json!([{}]));
    let converted = to_schema1(1, &config).unwrap();
    let id = id(&format!("{}  {config}", "0".repeat(64)));
    assert_eq!(entries(&converted), [format!(r#"{{"architecture":"amd64","id":"{id}"}}"#)]);
    assert!(converted.blobs.is_empty());
}

#[test]
fn ids_chain_from_the_oldest_to_the_newest() {
    let config = config(
        2,
        &json!([
            { "created_by": "ADD <base> & more" },
            { "created": "2020-01-02T03:04:05.600Z", "comment": "c", "author": "a", "empty_layer": true },
            { "created_by": "newest" },
        ]),
    );
    let converted = to_schema1(2, &config).unwrap();
    let blob = |number: usize| format!("{number:064x}");
    let first = id(&format!("{} ", blob(0)));
    let second = id(&format!("{} {first}", EMPTY_LAYER.strip_prefix("sha256:").unwrap()));
    let third = id(&format!("{} {second} {config}", blob(1)));
    assert_eq!(
        entries(&converted),
        [
            format!(r#"{{"architecture":"amd64","id":"{third}","parent":"{second}"}}"#),
            format!(
                r#"{{"id":"{second}","parent":"{first}","comment":"c","created":"2020-01-02T03:04:05.6Z","container_config":{{"Cmd":[""]}},"author":"a","throwaway":true}}"#
            ),
            format!(
                r#"{{"id":"{first}","created":"0001-01-01T00:00:00Z","container_config":{{"Cmd":["ADD \u003cbase\u003e \u0026 more"]}}}}"#
            ),
        ]
    );
    let layers = &value(converted.manifest.bytes())["fsLayers"];
    let blob_sums: Vec<_> = layers.as_array().unwrap().iter().map(|layer| layer["blobSum"].as_str().unwrap()).collect();
    assert_eq!(blob_sums, [format!("sha256:{}", blob(1)), EMPTY_LAYER.to_owned(), format!("sha256:{}", blob(0))]);
    assert_eq!(converted.blobs[0].digest.to_string(), EMPTY_LAYER);
}

#[test]
fn an_image_of_empty_layers_alone_is_converted() {
    let converted = to_schema1(0, config(0, &json!([{ "empty_layer": true }, { "empty_layer": true }]))).unwrap();
    assert_eq!(converted.manifest.required().blobs, [EMPTY_LAYER.parse().unwrap()]);
    assert!(entries(&converted)[0].ends_with(r#","throwaway":true}"#));
}

#[test]
fn the_config_keeps_its_spelling_but_not_the_order_of_its_top_level() {
    let config = r#"{ "zeta" : [1.0, 1E+2, -0], "rootfs":{"diff_ids":[""]}, "history":[{}],
        "alpha":{"z":1,"a":"é\u00e9 <&> / \/"}, "null":null, "os":"linux","id":"stale","parent":"stale" }"#;
    let converted = to_schema1(1, config).unwrap();
    let id = id(&format!("{}  {config}", "0".repeat(64)));
    assert_eq!(
        entries(&converted),
        [format!(
            r#"{{"alpha":{{"z":1,"a":"é\u00e9 \u003c\u0026\u003e / \/"}},"id":"{id}","null":null,"os":"linux","parent":"stale","zeta":[1.0,1E+2,-0]}}"#
        )]
    );
}

#[test]
fn text_is_escaped_as_go_escapes_it_twice() {
    let config = config(1, &json!([{ "empty_layer": true, "created_by": "世\u{2028}\u{7f}\u{8}\t\"\\" }, {}]));
    let converted = to_schema1(1, config).unwrap();
    let text = payload(converted.manifest.bytes());
    assert!(text.contains(r#"\"Cmd\":[\"世\\u2028"#), "{text}");
    assert!(text.contains("\u{7f}\\\\u0008\\\\t\\\\\\\"\\\\\\\\"), "{text}");
}

#[test]
fn the_base_layer_of_windows_is_the_parent_of_the_first_entry() {
    let with_base_layer = |entries: usize| {
        let mut config = value(config(entries, &json!(vec![json!({}); entries])));
        config["rootfs"]["base_layer"] = json!("windows");
        config.to_string()
    };
    let converted = to_schema1(2, with_base_layer(2)).unwrap();
    let oldest = value(&entries(&converted)[1]);
    // The first 32 bytes of SHA-384 of "windows".
    assert_eq!(oldest["parent"], "0c45efb1dd087de54634f2a55718cf7978cba107211e0e0a736567965fa9c5be");
    assert_eq!(oldest["id"], id(&format!("{} ", "0".repeat(64))));
    // docker-registry looks at it only where there is an older entry.
    let single = to_schema1(1, with_base_layer(1)).unwrap();
    assert_eq!(value(&entries(&single)[0]).get("parent"), None);
}

#[test]
fn name_and_tag_are_those_of_the_request() {
    let (name, tag) = ("team/app".parse().unwrap(), "v1.2".parse().unwrap());
    let (config, layers) = (config(1, &json!([{}])), BTreeMap::new());
    let mut inputs = ImageInputs { config: Some(config.as_bytes()), layers: &layers, name: &name, tag: Some(&tag) };
    let tagged = convert_image(&schema2(1), &Target::DockerSchema1, &inputs).unwrap().manifest;
    let text = payload(tagged.bytes());
    let head = "{\n   \"schemaVersion\": 1,\n   \"name\": \"team/app\",\n   \"tag\": \"v1.2\",\n   \"architecture\": \"amd64\",\n   \"fsLayers\": [\n      {\n";
    assert!(text.starts_with(head), "{text}");
    inputs.tag = None;
    let untagged = convert_image(&schema2(1), &Target::DockerSchema1, &inputs).unwrap().manifest;
    assert_eq!(value(untagged.bytes())["tag"], "");
    assert_ne!(untagged.digest(), tagged.digest());
}

#[test]
fn the_signature_holds_and_is_the_same_every_time() {
    let convert = || to_schema1(1, config(1, &json!([{}]))).unwrap().manifest;
    let manifest = convert();
    assert_eq!(manifest.bytes(), convert().bytes());
    let parsed = Manifest::parse(manifest.bytes().to_vec(), Some(MediaType::DockerSchema1Signed.as_str())).unwrap();
    assert_eq!(parsed.digest(), manifest.digest());
    assert_eq!(parsed.digest(), Digest::sha256(payload(manifest.bytes()).as_bytes()));
}

#[test]
fn the_signature_looks_like_docker_hubs() {
    let config = golden("config-httpd.json");
    let ours = convert(&parse(golden("schema2-httpd.json")), Target::DockerSchema1, Some(&config)).unwrap().manifest;
    // What differs from key to key and from time to time becomes the same.
    let shape = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).unwrap();
        let signatures = &text[text.find("\"signatures\"").unwrap()..];
        let line = |line: &str| match line.split_once("\": \"") {
            Some((key, _)) if !matches!(key.trim(), "\"crv" | "\"kty" | "\"alg") => key.to_owned(),
            _ => line.to_owned(),
        };
        signatures.trim_end().lines().map(line).collect::<Vec<_>>()
    };
    assert_eq!(shape(ours.bytes()), shape(&golden("schema2-httpd-to-schema1-by-docker-hub.json")));
}

#[test]
fn the_signature_bears_the_time_of_the_config() {
    let signed_at = |created: Value| {
        let mut config = value(config(1, &json!([{}])));
        config["created"] = created;
        let manifest = value(to_schema1(1, config.to_string()).unwrap().manifest.bytes());
        let protected = manifest["signatures"][0]["protected"].as_str().unwrap().to_owned();
        let decoded = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, protected).unwrap();
        value(decoded)["time"].as_str().unwrap().to_owned()
    };
    assert_eq!(signed_at(json!("2016-09-23T18:08:51.133779867Z")), "2016-09-23T18:08:51Z");
    assert_eq!(signed_at(Value::Null), "0001-01-01T00:00:00Z");
}

#[test]
fn configs_that_do_not_fit_are_refused_by_name() {
    let refuse = |layers, config: &str| to_schema1(layers, config).unwrap_err();
    assert_eq!(refuse(1, "{}"), Refusal::NoRootfs);
    assert_eq!(refuse(1, r#"{"rootfs":null}"#), Refusal::NoRootfs);
    assert_eq!(refuse(1, r#"{"rootfs":{"diff_ids":["a"]}}"#), Refusal::NoHistory);
    assert_eq!(refuse(0, &config(0, &json!([]))), Refusal::NoHistory);
    assert_eq!(refuse(2, &config(1, &json!([{}, {}]))), Refusal::DiffIds { layers: 2, diff_ids: 1 });
    assert_eq!(refuse(1, &config(1, &json!([{}, {}]))), Refusal::History { layers: 1, entries: 2 });
    assert_eq!(
        refuse(2, &config(2, &json!([{}, { "empty_layer": true }]))),
        Refusal::History { layers: 2, entries: 1 }
    );
    assert_eq!(convert(&schema2(1), Target::DockerSchema1, None).unwrap_err(), Refusal::ConfigMissing);
}

#[test]
fn configs_that_cannot_be_read_say_where() {
    for (config, expected) in [
        ("", "is not JSON"),
        ("[]", "is malformed: the manifest must be an object"),
        (r#"{"rootfs":[]}"#, "is malformed: rootfs: must be an object"),
        (r#"{"rootfs":{},"history":[{"created":"yesterday"}]}"#, "history[0].created: \"yesterday\" is not a time"),
        (r#"{"rootfs":{},"history":[{"empty_layer":1}]}"#, "history[0].empty_layer: must be true or false"),
        (r#"{"rootfs":{},"architecture":1}"#, "architecture: must be a string"),
    ] {
        let refusal = to_schema1(1, config).unwrap_err();
        assert!(refusal.to_string().contains(expected), "{config}: {refusal}");
    }
}

#[test]
fn layers_that_schema1_cannot_describe_are_refused() {
    let to = MediaType::DockerSchema1Signed;
    for (family, layer, refusal) in [
        (MediaType::DockerSchema2, MediaType::DockerForeignLayerGzip, Refusal::ForeignLayer { layer: 1 }),
        (MediaType::OciManifest, MediaType::OciNondistributableLayer, Refusal::ForeignLayer { layer: 1 }),
        (MediaType::DockerSchema2, MediaType::DockerLayerZstd, Refusal::ZstdLayer { layer: 1, to: to.clone() }),
        (MediaType::OciManifest, MediaType::OciLayerZstd, Refusal::ZstdLayer { layer: 1, to: to.clone() }),
        (
            MediaType::DockerSchema2,
            MediaType::OciConfig,
            Refusal::UnknownLayer { layer: 1, media_type: MediaType::OciConfig },
        ),
    ] {
        let source = parse(image(&family, &[MediaType::OciLayer, layer.clone()]).to_string());
        let config = config(2, &json!([{}, {}]));
        assert_eq!(convert(&source, Target::DockerSchema1, Some(config.as_bytes())).unwrap_err(), refusal, "{layer}");
    }
}

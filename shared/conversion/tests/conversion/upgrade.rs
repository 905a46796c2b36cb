//! From schema 1 to schema 2 and OCI.

use std::collections::BTreeMap;

use conversion::{Converted, ImageInputs, LayerContent, Manifest, Needs, Refusal, Target, convert_image};
use protocol::{Compression, Digest, MediaType};
use serde_json::{Value, json};

use crate::support::{digest, golden, parse, value};

fn layer(number: usize, compression: Compression) -> (Digest, LayerContent) {
    let diff_id = digest(number + 0xd0).parse().unwrap();
    (digest(number).parse().unwrap(), LayerContent { size: 100, compression, diff_id })
}

fn gzipped(layers: usize) -> BTreeMap<Digest, LayerContent> {
    (0..layers).map(|number| layer(number, Compression::Gzip)).collect()
}

/// An unsigned image with these entries, the oldest first; the layer of each has its number.
fn schema1(entries: &[Value]) -> Manifest {
    let blobs = (0..entries.len()).rev().map(|number| json!({ "blobSum": digest(number) }));
    let history = entries.iter().rev().map(|entry| json!({ "v1Compatibility": entry.to_string() }));
    let manifest = json!({
        "schemaVersion": 1,
        "name": "library/httpd",
        "tag": "latest",
        "architecture": "arm64",
        "fsLayers": blobs.collect::<Vec<_>>(),
        "history": history.collect::<Vec<_>>(),
    });
    parse(manifest.to_string())
}

fn upgrade(source: &Manifest, target: Target, layers: &BTreeMap<Digest, LayerContent>) -> Result<Converted, Refusal> {
    let (name, tag) = ("library/httpd".parse().unwrap(), "latest".parse().unwrap());
    convert_image(source, &target, &ImageInputs { config: None, layers, name: &name, tag: Some(&tag) })
}

fn config(converted: &Converted) -> Value {
    let [blob] = converted.blobs.as_slice() else { panic!("{:?}", converted.blobs) };
    assert_eq!(converted.manifest.config().unwrap().digest, blob.digest);
    assert_eq!(converted.manifest.config().unwrap().size, blob.bytes.len() as u64);
    assert!(blob.digest.matches(&blob.bytes));
    value(&blob.bytes)
}

#[test]
fn the_config_is_the_one_that_containers_image_makes() {
    let source = parse(golden("schema1-history.json"));
    let theirs = parse(golden("schema1-history-to-schema2-by-containers-image.json"));
    let their_config = golden("schema1-history-to-config-by-containers-image.json");
    let diff_ids = value(&their_config)["rootfs"]["diff_ids"].as_array().unwrap().clone();
    let content = |(layer, diff_id): (&protocol::Descriptor, &Value)| {
        let diff_id = diff_id.as_str().unwrap().parse().unwrap();
        (layer.digest.clone(), LayerContent { size: layer.size, compression: Compression::Gzip, diff_id })
    };
    let layers: BTreeMap<_, _> = theirs.layers().iter().zip(&diff_ids).map(content).collect();
    assert_eq!(source.schema1_layers().unwrap(), layers.keys().cloned().collect::<Vec<_>>());

    let schema2 = upgrade(&source, Target::DockerSchema2, &layers).unwrap();
    assert_eq!(String::from_utf8_lossy(&schema2.blobs[0].bytes), String::from_utf8_lossy(&their_config));
    assert_eq!(value(schema2.manifest.bytes()), value(theirs.bytes()));

    let oci = upgrade(&source, Target::OciManifest, &layers).unwrap();
    assert_eq!(oci.blobs, schema2.blobs, "both have one config");
    assert_eq!(oci.manifest.required(), schema2.manifest.required());
    assert_eq!(oci.manifest.layers()[0].media_type, MediaType::OciLayerGzip);
}

#[test]
fn what_was_thrown_away_is_history_without_a_layer() {
    let source = schema1(&[json!({}), json!({ "throwaway": true }), json!({ "throwaway": false })]);
    assert_eq!(source.schema1_layers().unwrap(), [digest(0).parse().unwrap(), digest(2).parse().unwrap()]);
    let converted = upgrade(&source, Target::DockerSchema2, &gzipped(3)).unwrap();
    let layers: Vec<_> = converted.manifest.layers().iter().map(|layer| layer.digest.to_string()).collect();
    assert_eq!(layers, [digest(0), digest(2)], "the oldest first");
    let config = config(&converted);
    assert_eq!(config["rootfs"], json!({ "type": "layers", "diff_ids": [digest(0xd0), digest(0xd2)] }));
    let created = "0001-01-01T00:00:00Z";
    assert_eq!(
        config["history"],
        json!([{ "created": created }, { "created": created, "empty_layer": true }, { "created": created }])
    );
}

#[test]
fn an_image_without_layers_has_a_config_without_diff_ids() {
    let source = schema1(&[json!({ "throwaway": true })]);
    let converted = upgrade(&source, Target::OciManifest, &BTreeMap::new()).unwrap();
    assert_eq!(converted.manifest.layers(), []);
    assert_eq!(config(&converted)["rootfs"], json!({ "type": "layers", "diff_ids": [] }));
}

#[test]
fn the_config_has_everything_but_what_only_schema1_has() {
    let newest = json!({
        "id": "1", "parent": "2", "parent_id": "3", "layer_id": "4", "throwaway": false, "Size": 5,
        "os": "windows", "os.version": "10.0", "architecture": "amd64", "unknown": { "b": 1, "a": 2 },
    });
    let converted = upgrade(&schema1(&[newest]), Target::DockerSchema2, &gzipped(1)).unwrap();
    let config = config(&converted);
    let keys: Vec<_> = config.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["architecture", "history", "os", "os.version", "rootfs", "unknown"]);
    assert_eq!((&config["os"], &config["architecture"]), (&json!("windows"), &json!("amd64")));
}

#[test]
fn an_image_that_does_not_say_what_it_runs_on_is_for_linux_and_what_the_manifest_says() {
    let converted = upgrade(&schema1(&[json!({})]), Target::DockerSchema2, &gzipped(1)).unwrap();
    let config = config(&converted);
    assert_eq!((&config["os"], &config["architecture"]), (&json!("linux"), &json!("arm64")));
}

#[test]
fn each_layer_has_the_type_of_its_compression() {
    let source = schema1(&[json!({}), json!({}), json!({})]);
    let layers =
        BTreeMap::from([layer(0, Compression::None), layer(1, Compression::Gzip), layer(2, Compression::Zstd)]);
    let oci = upgrade(&source, Target::OciManifest, &layers).unwrap().manifest;
    let types: Vec<_> = oci.layers().iter().map(|layer| layer.media_type.clone()).collect();
    assert_eq!(types, [MediaType::OciLayer, MediaType::OciLayerGzip, MediaType::OciLayerZstd]);
    let refusal = upgrade(&source, Target::DockerSchema2, &layers).unwrap_err();
    assert_eq!(refusal, Refusal::ZstdLayer { layer: 2, to: MediaType::DockerSchema2 });
}

#[test]
fn a_layer_that_nobody_has_read_is_waited_for() {
    let source = schema1(&[json!({}), json!({})]);
    assert_eq!(upgrade(&source, Target::OciManifest, &gzipped(1)).unwrap_err(), Refusal::Pending);
    for target in [Target::DockerSchema2, Target::OciManifest] {
        assert_eq!(target.needs(&MediaType::DockerSchema1), Needs::Layers);
        assert_eq!(target.needs(&MediaType::DockerSchema1Signed), Needs::Layers);
    }
}

#[test]
fn the_signature_makes_no_difference() {
    let signed = parse(golden("schema1-good-by-moby.json"));
    let text = String::from_utf8(signed.bytes().to_vec()).unwrap();
    let unsigned = parse(crate::support::payload(text.as_bytes()));
    assert_eq!(signed.digest(), unsigned.digest());
    let known = |digest: Digest| (digest, layer(1, Compression::Gzip).1);
    let layers: BTreeMap<_, _> = signed.schema1_layers().unwrap().into_iter().map(known).collect();
    let [from_signed, from_unsigned] =
        [signed, unsigned].map(|source| upgrade(&source, Target::OciManifest, &layers).unwrap());
    assert_eq!(from_signed.manifest.bytes(), from_unsigned.manifest.bytes());
    assert_eq!(from_signed.blobs, from_unsigned.blobs);
}

#[test]
fn a_history_that_cannot_be_read_is_refused_by_its_place() {
    for (entry, problem) in [
        (json!({ "created": "yesterday" }), "created: \"yesterday\" is not a time (RFC 3339)"),
        (json!({ "container_config": { "Cmd": "ls" } }), "container_config.Cmd: must be an array"),
        (json!({ "throwaway": "yes" }), "throwaway: must be true or false"),
        (json!({ "author": 1 }), "author: must be a string"),
    ] {
        let source = schema1(&[entry, json!({})]);
        let refusal = Refusal::Compatibility { entry: 1, problem: problem.to_owned() };
        assert_eq!(source.schema1_layers().unwrap_err(), refusal);
        assert_eq!(upgrade(&source, Target::OciManifest, &gzipped(2)).unwrap_err(), refusal);
        assert_eq!(refusal.to_string(), format!("history[1].v1Compatibility is malformed: {problem}"));
    }
}

#[test]
fn unsigned_schema1_can_be_signed_and_keeps_its_digest() {
    for text in [
        String::from_utf8(golden("schema1-unsigned.json")).unwrap(),
        // In one line, and with white space behind it.
        format!(
            "{}\n",
            String::from_utf8(schema1(&[json!({ "created": "2016-09-23T18:08:50.5Z" })]).into_bytes()).unwrap()
        ),
    ] {
        let unsigned = parse(text.as_str());
        let signed = upgrade(&unsigned, Target::DockerSchema1, &BTreeMap::new()).unwrap().manifest;
        assert_eq!(signed.media_type(), &MediaType::DockerSchema1Signed);
        assert_eq!(signed.digest(), unsigned.digest());
        // Parsing verifies the signature.
        let verified = Manifest::parse(signed.bytes().to_vec(), Some(MediaType::DockerSchema1Signed.as_str())).unwrap();
        assert_eq!(verified.required(), unsigned.required());
        let mut content = value(signed.bytes());
        content.as_object_mut().unwrap().remove("signatures").unwrap();
        assert_eq!(content, value(unsigned.bytes()));
    }
}

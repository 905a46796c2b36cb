//! Manifests to test with.

use std::collections::BTreeMap;
use std::path::Path;

use conversion::{Converted, ImageInputs, Manifest, Refusal, Target, convert_image};
use protocol::MediaType;
use serde_json::{Value, json};

/// A file of `tests/goldens`; `provenance.json` there says where it is from.
pub(crate) fn golden(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(name)).unwrap()
}

pub(crate) fn parse(bytes: impl Into<Vec<u8>>) -> Manifest {
    Manifest::parse(bytes.into(), None).unwrap()
}

pub(crate) fn value(bytes: impl AsRef<[u8]>) -> Value {
    serde_json::from_slice(bytes.as_ref()).unwrap()
}

/// Converts as for `library/httpd:latest`.
pub(crate) fn convert(source: &Manifest, target: Target, config: Option<&[u8]>) -> Result<Converted, Refusal> {
    let (name, tag) = ("library/httpd".parse().unwrap(), "latest".parse().unwrap());
    let layers = BTreeMap::new();
    convert_image(source, &target, &ImageInputs { config, layers: &layers, name: &name, tag: Some(&tag) })
}

/// What the signatures of a schema 1 manifest cover.
pub(crate) fn payload(signed: &[u8]) -> String {
    let text = std::str::from_utf8(signed).unwrap();
    format!("{}\n}}", text.split_once(",\n   \"signatures\"").unwrap().0)
}

/// A digest for the number.
pub(crate) fn digest(number: usize) -> String {
    format!("sha256:{number:064x}")
}

/// An image with layers of these types.
pub(crate) fn image(media_type: &MediaType, layers: &[MediaType]) -> Value {
    let config = if *media_type == MediaType::OciManifest { MediaType::OciConfig } else { MediaType::DockerConfig };
    let layer = |(index, layer): (usize, &MediaType)| json!({ "mediaType": layer.as_str(), "size": index, "digest": digest(index) });
    json!({
        "schemaVersion": 2,
        "mediaType": media_type.as_str(),
        "config": { "mediaType": config.as_str(), "size": 2, "digest": digest(0xc0) },
        "layers": layers.iter().enumerate().map(layer).collect::<Vec<_>>(),
    })
}

/// A schema 2 image of this many gzipped layers.
pub(crate) fn schema2(layers: usize) -> Manifest {
    parse(image(&MediaType::DockerSchema2, &vec![MediaType::DockerLayerGzip; layers]).to_string())
}

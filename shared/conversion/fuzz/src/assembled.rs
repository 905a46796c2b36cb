//! Images put together from pieces: mostly right, with something odd here and there.

use protocol::MediaType;
use serde_json::{Map, Value, json};

use super::pieces::Pieces;

/// An image as it would be pushed.
pub(crate) struct Image {
    pub(crate) manifest: String,
    pub(crate) config: String,
}

/// Values that have several spellings, or none that a float keeps.
const ODD_VALUES: &[&str] = &["null", "1.0", "1E+2", "-0", "18446744073709551616", "\"\\u00e9\\/\"", "{ \"b\" :[ ] }"];

/// An image in one of the three formats.
pub(crate) fn image(pieces: &mut Pieces<'_>) -> Image {
    let history = pieces.several(6, history_entry);
    let layers = history.iter().filter(|entry| entry["empty_layer"] != json!(true)).count();
    let config = config(pieces, &history, layers);
    let layers = pieces.mostly(layers, &[0, layers + 1]);
    let manifest = match pieces.below(3) {
        0 => manifest(pieces, &MediaType::DockerSchema2, layers),
        1 => manifest(pieces, &MediaType::OciManifest, layers),
        _ => schema1(pieces, &history, &config),
    };
    Image { manifest: spelled(pieces, &manifest), config }
}

/// A platform of an image in a list.
pub(crate) fn platform(pieces: &mut Pieces<'_>) -> Value {
    let mut platform = json!({
        "architecture": pieces.one_of(&["amd64", "arm64", "unknown", ""]),
        "os": pieces.one_of(&["linux", "windows", "unknown", ""]),
    });
    for (key, value) in [
        ("variant", json!("v8")),
        ("os.version", json!("10.0.17763.1")),
        ("os.features", json!(["win32k"])),
        ("features", json!(["sse4"])),
        ("unknown", json!({ "a": 1 })),
    ] {
        if pieces.one_in(4) {
            platform[key] = value;
        }
    }
    platform
}

/// A descriptor, with fields that only some of them have.
pub(crate) fn descriptor(pieces: &mut Pieces<'_>, media_type: &str) -> Value {
    let mut descriptor = json!({ "mediaType": media_type, "size": pieces.size(), "digest": pieces.digest() });
    if pieces.one_in(4) {
        let text = pieces.text();
        let (key, value) = pieces.one_of(&[
            ("urls", json!([text])),
            ("urls", Value::Null),
            ("annotations", json!({ "org.example": text })),
            ("data", json!("e30=")),
            ("artifactType", json!(text)),
            ("unknown", json!([text])),
        ]);
        descriptor[key] = value;
    }
    descriptor
}

/// A field of a manifest that not all of them have; a wrong one now and then.
pub(crate) fn extra(pieces: &mut Pieces<'_>, manifest: &mut Value) {
    if pieces.one_in(4) {
        let (text, subject) = (pieces.text(), descriptor(pieces, MediaType::OciManifest.as_str()));
        let (key, value) = pieces.one_of(&[
            ("annotations", json!({ "org.example": text, "": "" })),
            ("subject", subject),
            ("artifactType", json!("application/vnd.example")),
            ("artifactType", json!("")),
            ("unknown", json!([1, null])),
            ("mediaType", Value::Null),
            ("schemaVersion", json!(1)),
            ("Layers", json!([])),
            ("manifests", json!([])),
        ]);
        manifest[key] = value;
    }
}

/// The JSON text, compact or indented, and now and then damaged.
pub(crate) fn spelled(pieces: &mut Pieces<'_>, value: &Value) -> String {
    let mut text = if pieces.one_in(2) { format!("{value:#}") } else { value.to_string() };
    if pieces.one_in(8) {
        let at = pieces.below(256).min(text.len());
        if text.is_char_boundary(at) {
            text.insert_str(at, &pieces.text());
        }
    }
    text
}

fn manifest(pieces: &mut Pieces<'_>, media_type: &MediaType, layers: usize) -> Value {
    let is_docker = *media_type == MediaType::DockerSchema2;
    let (config, layer) = match is_docker {
        true => (MediaType::DockerConfig, MediaType::DockerLayerGzip),
        false => (MediaType::OciConfig, MediaType::OciLayerGzip),
    };
    let layer_type = |pieces: &mut Pieces<'_>| {
        let odd = ["application/vnd.oci.image.layer.v1.tar+gzip+encrypted", "application/octet-stream", "/"];
        let others: Vec<_> = MediaType::KNOWN.iter().map(MediaType::as_str).chain(odd).collect();
        pieces.mostly(layer.as_str(), &others).to_owned()
    };
    let layers: Vec<_> = (0..layers)
        .map(|_| {
            let media_type = layer_type(pieces);
            descriptor(pieces, &media_type)
        })
        .collect();
    let others = [MediaType::DockerConfig.as_str(), MediaType::OciEmpty.as_str(), "application/octet-stream"];
    let config = pieces.mostly(config.as_str(), &others);
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type.as_str(),
        "config": descriptor(pieces, config),
        "layers": layers,
    });
    extra(pieces, &mut manifest);
    manifest
}

fn history_entry(pieces: &mut Pieces<'_>) -> Value {
    let mut entry = Map::new();
    for key in ["created_by", "created", "author", "comment"] {
        if pieces.one_in(2) {
            entry.insert(key.to_owned(), json!(pieces.text()));
        }
    }
    if pieces.one_in(3) {
        entry.insert("empty_layer".to_owned(), json!(pieces.one_in(2)));
    }
    Value::Object(entry)
}

/// A config for this history, as text: numbers in it keep their spelling, and keys may stand twice.
fn config(pieces: &mut Pieces<'_>, history: &[Value], layers: usize) -> String {
    let diff_ids = vec![Value::from(pieces.digest()); pieces.mostly(layers, &[0, layers + 1])];
    let rootfs = match pieces.one_in(8) {
        true => json!({ "type": "layers+base", "base_layer": pieces.text(), "diff_ids": diff_ids }),
        false => json!({ "type": "layers", "diff_ids": diff_ids }),
    };
    let mut fields = vec![
        ("architecture", json!(pieces.mostly("amd64".to_owned(), &[String::new(), "é<".to_owned()])).to_string()),
        ("config", json!({ "Cmd": [pieces.text()] }).to_string()),
        ("rootfs", rootfs.to_string()),
        ("history", json!(history).to_string()),
    ];
    if pieces.one_in(2) {
        fields.push(("created", json!(pieces.text()).to_string()));
    }
    for _ in 0..pieces.below(3) {
        let key = pieces.one_of(&["id", "parent", "throwaway", "os", "zeta", "<", "history", "Rootfs", "rootfs"]);
        fields.push((key, pieces.one_of(ODD_VALUES).to_owned()));
    }
    if pieces.one_in(8) {
        fields.remove(pieces.below(fields.len()));
    }
    let fields: Vec<_> = fields.into_iter().map(|(key, value)| format!("{key:?}: {value}")).collect();
    format!("{{ {} }}", fields.join(",\n"))
}

/// Schema 1 without signatures.
fn schema1(pieces: &mut Pieces<'_>, history: &[Value], config: &str) -> Value {
    let compatibility: Vec<_> = history.iter().rev().map(|entry| compatibility(pieces, entry, config)).collect();
    let layer = |_: &Value| json!({ "blobSum": pieces.digest() });
    let layers: Vec<_> = history.iter().map(layer).collect();
    let mut manifest = json!({
        "schemaVersion": 1,
        "name": pieces.mostly("library/httpd".to_owned(), &[String::new()]),
        "tag": pieces.text(),
        "architecture": "amd64",
        "fsLayers": layers,
        "history": compatibility,
    });
    extra(pieces, &mut manifest);
    manifest
}

/// An entry of schema 1's history. Every one may be the newest, from which the config is made.
fn compatibility(pieces: &mut Pieces<'_>, entry: &Value, config: &str) -> Value {
    let compatibility = match pieces.below(3) {
        0 => json!({
            "id": format!("{:064x}", pieces.below(8)),
            "parent": format!("{:064x}", pieces.below(8)),
            "created": entry["created"],
            "author": entry["author"],
            "comment": entry["comment"],
            "container_config": { "Cmd": [entry["created_by"], pieces.text()] },
            "throwaway": entry["empty_layer"],
        })
        .to_string(),
        1 => config.to_owned(),
        _ => json!({ "throwaway": pieces.one_in(2), "Size": pieces.size(), "container_config": null }).to_string(),
    };
    json!({ "v1Compatibility": compatibility })
}

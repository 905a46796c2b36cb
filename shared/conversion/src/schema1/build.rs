//! Making schema 1, as distribution's `schema1.NewConfigManifestBuilder` does (`manifest/schema1/config_builder.go`).

use std::collections::BTreeMap;

use protocol::{Digest, MediaType};
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha384};

use super::config::{Config, Entry};
use super::{jws, time};
use crate::convert::{Converted, ConvertedBlob, ImageInputs};
use crate::{Manifest, Refusal, go_json};

/// A gzipped empty tar archive: what stands for a step of the history that changed no file. Docker knows it by these
/// very bytes (distribution, `schema1.GzippedEmptyTar`).
const EMPTY_LAYER: [u8; 32] = [
    31, 139, 8, 0, 0, 9, 110, 136, 0, 255, 98, 24, 5, 163, 96, 20, 140, 88, 0, 8, 0, 0, 255, 255, 46, 175, 181, 239, 0,
    4, 0, 0,
];

/// The payload, with its keys in the order in which docker-registry writes them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    schema_version: u8,
    name: &'a str,
    tag: &'a str,
    architecture: &'a str,
    fs_layers: Vec<FsLayer>,
    history: Vec<History>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FsLayer {
    blob_sum: Digest,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct History {
    v1_compatibility: String,
}

/// `v1Compatibility` of every entry but the newest: enough for the chain of ids, not for running it.
#[derive(Serialize)]
struct Compatibility<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    parent: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    comment: &'a str,
    created: &'a str,
    container_config: ContainerConfig<'a>,
    #[serde(skip_serializing_if = "str::is_empty")]
    author: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    throwaway: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ContainerConfig<'a> {
    cmd: [&'a str; 1],
}

/// A field of the newest entry's `v1Compatibility`.
#[derive(Serialize)]
#[serde(untagged)]
enum Field<'a> {
    Raw(&'a RawValue),
    Text(&'a str),
    Flag(bool),
}

/// Converts schema 2 to signed schema 1.
pub(crate) fn from_schema2(source: &Manifest, inputs: &ImageInputs<'_>) -> Result<Converted, Refusal> {
    let config_bytes = inputs.config.ok_or(Refusal::ConfigMissing)?;
    let config = Config::parse(config_bytes)?;
    let blobs = blobs_of_history(source, &config)?;

    let mut entries = Vec::with_capacity(blobs.len());
    let mut parent = String::new();
    let (newest, older) = config.history.split_last().ok_or(Refusal::NoHistory)?;
    for (index, (entry, blob)) in older.iter().zip(&blobs).enumerate() {
        let id = id_of(format!("{} {parent}", blob.encoded()).as_bytes());
        if let (0, Some(base_layer)) = (index, &config.base_layer) {
            parent = parent_of_first(base_layer);
        }
        entries.push(older_entry(entry, &id, &parent));
        parent = id;
    }
    let newest_blob = blobs.last().ok_or(Refusal::NoHistory)?;
    let id = id_of(&[format!("{} {parent} ", newest_blob.encoded()).as_bytes(), config_bytes].concat());
    entries.push(newest_entry(&config, &id, &parent, newest.empty_layer));

    let payload = go_json::indented(&Payload {
        schema_version: 1,
        name: inputs.name.as_str(),
        tag: inputs.tag.map_or("", |tag| tag.as_str()),
        architecture: &config.architecture,
        fs_layers: blobs.into_iter().rev().map(|blob_sum| FsLayer { blob_sum }).collect(),
        history: entries.into_iter().rev().map(|v1_compatibility| History { v1_compatibility }).collect(),
    });
    let signed_at = time::whole_seconds(config.created.as_deref().unwrap_or(time::ZERO));
    let manifest = Manifest::derived(jws::sign(&payload, &signed_at), &MediaType::DockerSchema1Signed)?;
    let has_empty_layer = config.history.iter().any(|entry| entry.empty_layer);
    Ok(Converted { manifest, blobs: has_empty_layer.then(empty_layer).into_iter().collect() })
}

/// The blob of each history entry, the oldest first.
fn blobs_of_history(source: &Manifest, config: &Config<'_>) -> Result<Vec<Digest>, Refusal> {
    let layers = source.layers();
    if config.history.is_empty() {
        return Err(Refusal::NoHistory);
    }
    if config.diff_ids != layers.len() {
        return Err(Refusal::DiffIds { layers: layers.len(), diff_ids: config.diff_ids });
    }
    let entries = config.history.iter().filter(|entry| !entry.empty_layer).count();
    if entries != layers.len() {
        return Err(Refusal::History { layers: layers.len(), entries });
    }
    let mut layers = layers.iter();
    let blob = |entry: &Entry| {
        let layer = if entry.empty_layer { None } else { layers.next() };
        layer.map_or_else(|| empty_layer().digest, |layer| layer.digest.clone())
    };
    Ok(config.history.iter().map(blob).collect())
}

fn empty_layer() -> ConvertedBlob {
    ConvertedBlob { digest: Digest::sha256(&EMPTY_LAYER), bytes: EMPTY_LAYER.to_vec() }
}

fn id_of(content: &[u8]) -> String {
    Digest::sha256(content).encoded().to_owned()
}

/// The id of Windows' base layer, which isn't in the manifest.
fn parent_of_first(base_layer: &str) -> String {
    Sha384::digest(base_layer.as_bytes())[..32].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn older_entry(entry: &Entry, id: &str, parent: &str) -> String {
    go_json::compact(&Compatibility {
        id,
        parent,
        comment: &entry.comment,
        created: entry.created.as_deref().unwrap_or(time::ZERO),
        container_config: ContainerConfig { cmd: [&entry.created_by] },
        author: &entry.author,
        throwaway: entry.empty_layer,
    })
}

/// The config itself, without what schema 1 didn't know and with what it needs (`MakeV1ConfigFromConfig`).
fn newest_entry(config: &Config<'_>, id: &str, parent: &str, throwaway: bool) -> String {
    let fields = config.fields().iter().filter(|(key, _)| key != "rootfs" && key != "history");
    let mut fields: BTreeMap<&str, Field<'_>> = fields.map(|(key, value)| (key.as_str(), Field::Raw(value))).collect();
    fields.insert("id", Field::Text(id));
    if !parent.is_empty() {
        fields.insert("parent", Field::Text(parent));
    }
    if throwaway {
        fields.insert("throwaway", Field::Flag(true));
    }
    go_json::compact(&fields)
}

//! From schema 1 to schema 2 and OCI, which needs to know what is in the layers.
//!
//! The config is put together as containers/image does it (`manifest/docker_schema1.go`, `ToSchema2Config`) and Docker's
//! engine did: the newest `v1Compatibility` without what only schema 1 has, with `rootfs` and `history` added.

use std::collections::BTreeMap;

use protocol::{Compression, Descriptor, Digest, MediaType};
use serde::Serialize;
use serde_json::value::RawValue;

use super::history::{History, Step};
use super::time;
use crate::convert::{Converted, ConvertedBlob, ImageInputs, LayerContent};
use crate::json::Node;
use crate::{Manifest, Refusal, family, go_json};

/// What an image config doesn't have, because ids are digests now and layers have their descriptors.
const ONLY_IN_SCHEMA1: &[&str] = &["id", "parent", "parent_id", "layer_id", "throwaway", "Size"];

#[derive(Serialize)]
struct Rootfs<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    diff_ids: Vec<&'a Digest>,
}

/// An entry of the config's `history`, in the field order of Docker's Go types.
#[derive(Serialize)]
struct ConfigEntry<'a> {
    created: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    author: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    created_by: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    comment: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    empty_layer: bool,
}

impl<'a> From<&'a Step> for ConfigEntry<'a> {
    fn from(Step { entry, .. }: &'a Step) -> Self {
        Self {
            created: entry.created.as_deref().unwrap_or(time::ZERO),
            author: &entry.author,
            created_by: &entry.created_by,
            comment: &entry.comment,
            empty_layer: entry.empty_layer,
        }
    }
}

/// A top-level field of the config.
#[derive(Serialize)]
#[serde(untagged)]
enum Field<'a> {
    Raw(&'a RawValue),
    Text(&'a str),
    Rootfs(Rootfs<'a>),
    History(Vec<ConfigEntry<'a>>),
}

/// The layers of a schema 1 image, each once: what has to be known of them is what [`to_schema2`] and [`to_oci`] need.
pub(crate) fn layers(source: &Manifest) -> Result<Vec<Digest>, Refusal> {
    let history = History::of(source)?;
    let mut layers: Vec<Digest> = history.layers().cloned().collect();
    layers.sort();
    layers.dedup();
    Ok(layers)
}

/// Converts schema 1 to schema 2.
pub(crate) fn to_schema2(source: &Manifest, inputs: &ImageInputs<'_>) -> Result<Converted, Refusal> {
    upgraded(source, inputs, family::schema2)
}

/// Converts schema 1 to an OCI image manifest.
pub(crate) fn to_oci(source: &Manifest, inputs: &ImageInputs<'_>) -> Result<Converted, Refusal> {
    upgraded(source, inputs, family::oci)
}

fn upgraded(
    source: &Manifest,
    inputs: &ImageInputs<'_>,
    write: fn(&Descriptor, &[Descriptor]) -> Result<Converted, Refusal>,
) -> Result<Converted, Refusal> {
    let history = History::of(source)?;
    let content = |digest| inputs.layers.get(digest).map(|content| (digest, content));
    let layers: Vec<_> = history.layers().map(content).collect::<Option<_>>().ok_or(Refusal::Pending)?;
    let config = config(&history, layers.iter().map(|(_, content)| &content.diff_id).collect())?;
    let config = ConvertedBlob { digest: Digest::sha256(config.as_bytes()), bytes: config.into_bytes() };
    let described = descriptor(MediaType::OciConfig, &config.digest, config.bytes.len() as u64);
    let layers: Vec<_> = layers.into_iter().map(|(digest, content)| layer(digest, content)).collect();
    let converted = write(&described, &layers)?;
    Ok(Converted { blobs: vec![config], ..converted })
}

fn config(history: &History, diff_ids: Vec<&Digest>) -> Result<String, Refusal> {
    let malformed = |error: crate::ParseError| Refusal::Compatibility { entry: 0, problem: error.to_string() };
    let newest = Node::document(history.newest.as_bytes()).and_then(|node| node.object()).map_err(malformed)?;
    let kept = newest.fields().iter().filter(|(key, _)| !ONLY_IN_SCHEMA1.contains(&key.as_str()));
    let mut fields: BTreeMap<&str, Field<'_>> = kept.map(|(key, value)| (key.as_str(), Field::Raw(value))).collect();
    // Nobody runs an image that doesn't say what it runs on; when schema 1 was made, that was Linux.
    for (key, known) in [("architecture", history.architecture.as_str()), ("os", "linux")] {
        if !known.is_empty() && newest.get(key).map_err(malformed)?.is_none() {
            fields.insert(key, Field::Text(known));
        }
    }
    fields.insert("rootfs", Field::Rootfs(Rootfs { kind: "layers", diff_ids }));
    fields.insert("history", Field::History(history.steps.iter().rev().map(ConfigEntry::from).collect()));
    Ok(go_json::compact(&fields))
}

fn layer(digest: &Digest, content: &LayerContent) -> Descriptor {
    let media_type = match content.compression {
        Compression::None => MediaType::OciLayer,
        Compression::Gzip => MediaType::OciLayerGzip,
        Compression::Zstd => MediaType::OciLayerZstd,
    };
    descriptor(media_type, digest, content.size)
}

fn descriptor(media_type: MediaType, digest: &Digest, size: u64) -> Descriptor {
    Descriptor {
        media_type,
        digest: digest.clone(),
        size,
        urls: Vec::new(),
        annotations: BTreeMap::new(),
        platform: None,
        artifact_type: None,
    }
}

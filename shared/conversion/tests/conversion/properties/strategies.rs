//! What the properties are tried with.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use protocol::MediaType;
use serde_json::{Value, json};

use super::canonical::Json;
use crate::support::digest;

/// A layer in the words of either family.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) docker: MediaType,
    pub(super) oci: MediaType,
    pub(super) size: u64,
    pub(super) digest: String,
    pub(super) urls: Vec<String>,
}

/// What a child of a list runs on.
#[derive(Clone, Debug)]
pub(super) struct Platform {
    pub(super) architecture: String,
    pub(super) os: String,
    pub(super) os_version: Option<String>,
    pub(super) os_features: Vec<String>,
    pub(super) variant: Option<String>,
    pub(super) features: Vec<String>,
}

/// Text with everything in it that JSON writers differ about.
pub(super) fn text() -> impl Strategy<Value = String> {
    let odd = select(vec![
        '<', '>', '&', '\u{2028}', '\u{2029}', '"', '\\', '/', '\0', '\u{8}', '\u{c}', '\u{7f}', '\t', 'é', '世', '😀',
    ]);
    vec(prop_oneof![odd, any::<char>()], 0..12).prop_map(String::from_iter)
}

/// A layer that both families can express.
pub(super) fn layer() -> impl Strategy<Value = Layer> {
    let types = select(vec![
        (MediaType::DockerLayer, MediaType::OciLayer),
        (MediaType::DockerLayerGzip, MediaType::OciLayerGzip),
        (MediaType::DockerForeignLayer, MediaType::OciNondistributableLayer),
        (MediaType::DockerForeignLayerGzip, MediaType::OciNondistributableLayerGzip),
    ]);
    (types, 0..=i64::MAX as u64, any::<usize>(), vec(text(), 0..3))
        .prop_map(|((docker, oci), size, number, urls)| Layer { docker, oci, size, digest: digest(number), urls })
}

pub(super) fn platform() -> impl Strategy<Value = Platform> {
    let name = |usual: &'static str| prop_oneof![Just(usual.to_owned()), Just("unknown".to_owned()), text()];
    (name("amd64"), name("linux"), option::of(text()), vec(text(), 0..3), option::of(text()), vec(text(), 0..3))
        .prop_map(|(architecture, os, os_version, os_features, variant, features)| Platform {
            architecture,
            os,
            os_version,
            os_features,
            variant,
            features,
        })
}

impl Platform {
    /// BuildKit's way to file something that nobody runs.
    pub(super) fn is_attestation(&self) -> bool {
        self.architecture == "unknown" && self.os == "unknown"
    }

    /// In the field order of both families' Go types.
    pub(super) fn json(&self) -> Json {
        let mut fields = vec![("architecture", Json::text(&self.architecture)), ("os", Json::text(&self.os))];
        fields.extend(self.os_version.iter().map(|version| ("os.version", Json::text(version))));
        if !self.os_features.is_empty() {
            fields.push(("os.features", Json::texts(&self.os_features)));
        }
        fields.extend(self.variant.iter().map(|variant| ("variant", Json::text(variant))));
        if !self.features.is_empty() {
            fields.push(("features", Json::texts(&self.features)));
        }
        Json::Object(fields)
    }
}

/// A step of an image's history.
fn entry() -> impl Strategy<Value = Value> {
    let created = select(vec!["2016-09-23T18:08:51.133779867Z", "0001-01-01T00:00:00Z", "2020-02-29T23:59:59+02:00"]);
    (text(), text(), text(), created, any::<bool>()).prop_map(|(created_by, author, comment, created, empty_layer)| {
        json!({
            "created_by": created_by, "author": author, "comment": comment, "created": created,
            "empty_layer": empty_layer,
        })
    })
}

/// An image config, and the number of layers that it is of.
pub(super) fn config() -> impl Strategy<Value = (Value, usize)> {
    (vec(entry(), 1..8), text(), text()).prop_map(|(history, key, text)| {
        let layers = history.iter().filter(|entry| entry["empty_layer"] == json!(false)).count();
        let diff_ids: Vec<_> = (0..layers).map(|layer| digest(100 + layer)).collect();
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
            "history": history,
            "config": { key: text },
        });
        (config, layers)
    })
}

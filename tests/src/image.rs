//! Images of which only the registry has to make sense: it looks at the manifest, not into the layers.

use serde_json::{Value, json};

use crate::content::Content;
use crate::digest::sha256;

/// The type of their manifests.
pub const MEDIA_TYPE: &str = crate::types::OCI;

/// An image: its config and layers, and a manifest that names them.
#[derive(Clone)]
pub struct Image {
    /// The config, then the layers.
    pub blobs: Vec<Vec<u8>>,
    /// The manifest's bytes.
    pub manifest: Vec<u8>,
    /// And their digest.
    pub digest: String,
}

impl Image {
    /// An image whose layers have these lengths and that shares nothing with one of another number.
    pub fn new(number: u64, layers: impl IntoIterator<Item = u64>) -> Self {
        let lengths = std::iter::once(100).chain(layers);
        let blob = |(index, length)| Content { number: number * 1000 + index, length }.bytes();
        let blobs: Vec<Vec<u8>> = (0..).zip(lengths).map(blob).collect();
        let descriptor = |media_type: &str, blob: &[u8]| -> Value {
            json!({"mediaType": media_type, "digest": sha256(blob), "size": blob.len()})
        };
        let layer = |blob: &Vec<u8>| descriptor("application/vnd.oci.image.layer.v1.tar", blob);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MEDIA_TYPE,
            "config": descriptor("application/vnd.oci.image.config.v1+json", &blobs[0]),
            "layers": blobs[1..].iter().map(layer).collect::<Vec<_>>(),
        });
        let manifest = manifest.to_string().into_bytes();
        Self { digest: sha256(&manifest), blobs, manifest }
    }
}

/// The digests that a manifest names: its config's, then its layers'.
#[track_caller]
pub fn blobs(manifest: &[u8]) -> Vec<String> {
    let manifest: Value = serde_json::from_slice(manifest).expect("a manifest");
    let layers = manifest["layers"].as_array().expect("layers");
    let digest = |descriptor: &Value| descriptor["digest"].as_str().expect("a digest").to_owned();
    std::iter::once(&manifest["config"]).chain(layers).map(digest).collect()
}

//! Images to push.

use protocol::Digest;
use serde_json::{Value, json};

pub(crate) const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const SCHEMA2: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(crate) const LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(crate) const SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+json";
pub(crate) const SIGNED_SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";

/// So many layers make a manifest too large for an item of the table, and their descriptors too.
pub(crate) const MANY: usize = 400;

const LAYER: &[u8] = b"a layer";

/// Something under a digest, with the blobs that it needs.
pub(crate) struct Image {
    pub(crate) media_type: &'static str,
    pub(crate) manifest: Vec<u8>,
    pub(crate) digest: Digest,
    pub(crate) blobs: Vec<Vec<u8>>,
}

impl Image {
    /// An OCI image with the same layer so many times.
    pub(crate) fn new(layers: usize, subject: Option<&Self>) -> Self {
        let step = |number| json!({"created": "2015-10-21T07:28:00Z", "created_by": format!("step {number}")});
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": vec![Digest::sha256(LAYER); layers]},
            "history": (0..layers).map(step).collect::<Vec<_>>(),
        });
        let config = config.to_string().into_bytes();
        let layer = descriptor("application/vnd.oci.image.layer.v1.tar", LAYER);
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": OCI,
            "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
            "layers": vec![layer; layers],
        });
        if let Some(subject) = subject {
            manifest["subject"] = descriptor(subject.media_type, &subject.manifest);
        }
        Self::of(OCI, manifest.to_string().into_bytes(), vec![config, LAYER.to_vec()])
    }

    /// An OCI index of so many times the same, for one platform, of another index for none.
    pub(crate) fn index(child: &Self, times: usize) -> Self {
        let mut entry = descriptor(child.media_type, &child.manifest);
        if child.media_type != INDEX {
            entry["platform"] = json!({"architecture": "amd64", "os": "linux"});
        }
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": vec![entry; times]});
        Self::of(INDEX, index.to_string().into_bytes(), Vec::new())
    }

    /// An OCI index of nothing, with annotations of this length.
    pub(crate) fn empty_index(padding: usize) -> Self {
        let annotations = json!({"padding": "x".repeat(padding)});
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [], "annotations": annotations});
        Self::of(INDEX, index.to_string().into_bytes(), Vec::new())
    }

    /// A schema 1 image with one layer, too large for an item of the table.
    pub(crate) fn schema1(layer: &[u8]) -> Self {
        let history = json!({
            "id": "0".repeat(64),
            "created": "2015-10-21T07:28:00Z",
            "os": "linux",
            "comment": "x".repeat(40 << 10),
        });
        let manifest = json!({
            "schemaVersion": 1,
            "name": "team/app",
            "tag": "latest",
            "architecture": "amd64",
            "fsLayers": [{"blobSum": Digest::sha256(layer)}],
            "history": [{"v1Compatibility": history.to_string()}],
        });
        Self::of(SCHEMA1, manifest.to_string().into_bytes(), vec![layer.to_vec()])
    }

    /// What somebody pulled, to be pushed again.
    pub(crate) fn of(media_type: &'static str, manifest: Vec<u8>, blobs: Vec<Vec<u8>>) -> Self {
        Self { media_type, digest: Digest::sha256(&manifest), manifest, blobs }
    }
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": Digest::sha256(bytes), "size": bytes.len()})
}

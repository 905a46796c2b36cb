//! What is pushed.

use protocol::Digest;
use serde_json::{Value, json};

pub(crate) const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const SCHEMA2: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// A manifest, and the blobs that it names.
#[derive(Clone)]
pub(crate) struct Image {
    pub(crate) media_type: &'static str,
    pub(crate) manifest: Vec<u8>,
    pub(crate) digest: Digest,
    pub(crate) blobs: Vec<Vec<u8>>,
}

impl Image {
    /// One that shares its layer with those of the same base.
    pub(crate) fn new(name: &str, base: &str, subject: Option<&Self>) -> Self {
        let layer = format!("layer of {base}").into_bytes();
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "created": "2015-10-21T07:28:00Z",
            "config": {"Labels": {"name": name}},
            "rootfs": {"type": "layers", "diff_ids": [Digest::sha256(&layer)]},
            "history": [{"created": "2015-10-21T07:28:00Z", "created_by": "test"}],
        });
        let config = config.to_string().into_bytes();
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": OCI,
            "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", &layer)],
        });
        if let Some(subject) = subject {
            manifest["subject"] = descriptor(subject.media_type, &subject.manifest);
        }
        Self::of(OCI, &manifest, vec![config, layer])
    }

    /// An index of them.
    pub(crate) fn index(children: &[&Self]) -> Self {
        let entry = |child: &&Self| {
            let mut entry = descriptor(child.media_type, &child.manifest);
            entry["platform"] = json!({"architecture": "amd64", "os": "linux"});
            entry
        };
        let children: Vec<Value> = children.iter().map(entry).collect();
        Self::of(INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children}), Vec::new())
    }

    fn of(media_type: &'static str, manifest: &Value, blobs: Vec<Vec<u8>>) -> Self {
        let manifest = manifest.to_string().into_bytes();
        Self { media_type, digest: Digest::sha256(&manifest), manifest, blobs }
    }
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": Digest::sha256(bytes), "size": bytes.len()})
}

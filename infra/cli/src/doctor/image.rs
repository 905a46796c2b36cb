//! An image that nobody else has: two kilobytes, one file.

use access::{NoRandomness, random_id};
use bytes::Bytes;
use protocol::{Digest, MediaType};
use serde_json::json;

use super::checks::manifest::Stored;

/// What is pushed.
pub(super) struct Image {
    /// Its tag, which begins with `doctor-`.
    pub(super) tag: String,
    pub(super) layer: Bytes,
    pub(super) config: Bytes,
    pub(super) manifest: Stored,
}

impl Image {
    /// Makes one.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub(super) fn new() -> Result<Self, NoRandomness> {
        let id = random_id()?;
        let layer = layer(&id);
        let diff_id = Digest::sha256(&layer).to_string();
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": { "type": "layers", "diff_ids": [diff_id] },
            "history": [{ "created_by": "lambda-registry doctor" }],
        });
        let config = Bytes::from(config.to_string());
        let descriptor = |media_type: MediaType, bytes: &Bytes| {
            let digest = Digest::sha256(bytes).to_string();
            json!({ "mediaType": media_type.as_str(), "digest": digest, "size": bytes.len() })
        };
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MediaType::OciManifest.as_str(),
            "config": descriptor(MediaType::OciConfig, &config),
            "layers": [descriptor(MediaType::OciLayer, &layer)],
        });
        let bytes = Bytes::from(manifest.to_string());
        let manifest = Stored { digest: Digest::sha256(&bytes), media_type: MediaType::OciManifest, bytes };
        Ok(Self { tag: format!("doctor-{id}"), layer, config, manifest })
    }
}

/// A file with a random name in it, in a tar archive.
fn layer(id: &str) -> Bytes {
    let contents = format!("lambda-registry doctor pushed this to see whether it can: {id}\n");
    let mut header = tar::Header::new_gnu();
    header.set_size(contents.len() as u64);
    header.set_mode(0o644);
    let mut archive = tar::Builder::new(Vec::new());
    // Never fails: the name is short, and memory takes all of it.
    let written = archive.append_data(&mut header, format!("doctor-{id}"), contents.as_bytes());
    Bytes::from(written.and_then(|()| archive.into_inner()).unwrap_or_default())
}

/// Bytes that no blob has yet.
///
/// # Errors
/// When the system gives no random numbers.
pub(super) fn unique_bytes(length: usize) -> Result<Bytes, NoRandomness> {
    let mut bytes = random_id()?.into_bytes();
    bytes.resize(length, b'.');
    Ok(Bytes::from(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_has_a_layer_of_its_own_that_its_manifest_names() {
        let [one, two] = [(); 2].map(|()| Image::new().unwrap_or_else(|error| panic!("{error}")));
        assert_ne!(one.layer, two.layer);
        assert_ne!(one.tag, two.tag);
        assert_eq!(one.layer.len(), 2048);
        let text = String::from_utf8_lossy(&one.manifest.bytes).into_owned();
        assert!(text.contains(&Digest::sha256(&one.layer).to_string()), "{text}");
        assert!(text.contains(&Digest::sha256(&one.config).to_string()), "{text}");
    }
}

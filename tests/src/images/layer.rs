//! Layers: tar archives that come out the same every time.

use std::io::Write as _;

use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::digest::sha256;

/// How a layer's archive is packed.
#[derive(Clone, Copy, Debug)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

/// A layer of an image.
#[derive(Clone)]
pub struct Layer {
    /// The OCI media type.
    pub media_type: &'static str,
    /// The bytes that travel.
    pub bytes: Vec<u8>,
    /// Their digest.
    pub digest: String,
    /// The digest of the archive before it was packed.
    pub diff_id: String,
    /// Where a foreign layer is to be had. Empty for all others.
    pub urls: Vec<String>,
}

impl Layer {
    /// A layer with these files.
    pub fn new(compression: Compression, files: &[(&str, &[u8])]) -> Self {
        let archive = archive(files);
        let diff_id = sha256(&archive);
        let packed = |media_type, bytes: Vec<u8>| (media_type, sha256(&bytes), bytes);
        let (media_type, digest, bytes) = match compression {
            Compression::None => ("application/vnd.oci.image.layer.v1.tar", diff_id.clone(), archive),
            Compression::Gzip => packed("application/vnd.oci.image.layer.v1.tar+gzip", gzip(&archive)),
            Compression::Zstd => packed("application/vnd.oci.image.layer.v1.tar+zstd", zstd(&archive)),
        };
        Self { media_type, bytes, digest, diff_id, urls: Vec::new() }
    }

    /// A layer that no registry stores: clients fetch it from its URL.
    pub fn foreign(files: &[(&str, &[u8])], url: impl FnOnce(&str) -> String) -> Self {
        let layer = Self::new(Compression::Gzip, files);
        let urls = vec![url(&layer.digest)];
        Self { media_type: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", urls, ..layer }
    }

    /// The layer as a manifest refers to it.
    pub(super) fn descriptor(&self) -> Value {
        let mut descriptor = json!({"mediaType": self.media_type, "digest": self.digest, "size": self.bytes.len()});
        if !self.urls.is_empty() {
            descriptor["urls"] = json!(self.urls);
        }
        descriptor
    }
}

/// A tar archive with nothing in it that changes from one run to the next.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        archive.append_data(&mut header, path, *content).expect("a path that fits into a tar header");
    }
    archive.into_inner().expect("an archive in memory")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("gzip in memory");
    encoder.finish().expect("gzip in memory")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("zstd in memory")
}

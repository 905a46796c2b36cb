//! What a client pulled, in a directory that keeps every format as it came.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;

use flate2::read::GzDecoder;
use serde_json::Value;
use tempfile::TempDir;

use crate::digest::{hex, sha256};

/// A directory that is removed when this is dropped.
pub struct Pulled {
    directory: Rc<TempDir>,
    form: Form,
    /// The manifest, byte by byte.
    pub manifest: Vec<u8>,
}

/// How the files in the directory are called.
#[derive(Clone, Copy)]
enum Form {
    /// As the `dir:` transport of skopeo does it: blobs by the hexadecimal part of their digests, the manifests of an
    /// index's children likewise with `.manifest.json`.
    Dir,
    /// As in an OCI image layout: blobs and manifests alike by their digests.
    Layout,
}

impl Pulled {
    /// What a client puts into the directory that it is given, in the form of skopeo's `dir:` transport.
    #[track_caller]
    pub fn into_directory(pull: impl FnOnce(&Path)) -> Self {
        let directory = TempDir::with_prefix("pulled-").expect("a temporary directory");
        pull(directory.path());
        let manifest = fs::read(directory.path().join("manifest.json")).expect("a manifest");
        Self { directory: Rc::new(directory), form: Form::Dir, manifest }
    }

    /// The only thing that a client puts into the OCI image layout that it is given.
    #[track_caller]
    pub fn into_layout(pull: impl FnOnce(&Path)) -> Self {
        let directory = TempDir::with_prefix("pulled-").expect("a temporary directory");
        pull(directory.path());
        let index = fs::read(directory.path().join("index.json")).expect("an index.json");
        let index: Value = serde_json::from_slice(&index).expect("an index in JSON");
        let digest = index["manifests"][0]["digest"].as_str().expect("a digest");
        let mut pulled = Self { directory: Rc::new(directory), form: Form::Layout, manifest: Vec::new() };
        pulled.manifest = pulled.blob(digest);
        pulled
    }

    /// The digest of the manifest's bytes.
    pub fn digest(&self) -> String {
        sha256(&self.manifest)
    }

    /// The manifest as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.manifest).expect("a manifest in JSON")
    }

    /// The image that an index has for this architecture.
    #[track_caller]
    pub fn platform(&self, architecture: &str) -> Self {
        let index = self.json();
        let children = index["manifests"].as_array().expect("an index");
        let child = children
            .iter()
            .find(|child| child["platform"]["architecture"] == architecture)
            .unwrap_or_else(|| panic!("no {architecture} in {index}"));
        let digest = child["digest"].as_str().expect("a digest");
        let manifest = match self.form {
            Form::Dir => self.read(&format!("{}.manifest.json", hex(digest))),
            Form::Layout => self.blob(digest),
        };
        assert_eq!(sha256(&manifest), digest);
        Self { directory: Rc::clone(&self.directory), form: self.form, manifest }
    }

    /// The bytes of a blob, which must have the digest that they are filed under.
    #[track_caller]
    pub fn blob(&self, digest: &str) -> Vec<u8> {
        let bytes = match self.form {
            Form::Dir => self.read(hex(digest)),
            Form::Layout => self.read(&format!("blobs/sha256/{}", hex(digest))),
        };
        assert_eq!(sha256(&bytes), digest);
        bytes
    }

    /// The content of a file, from the newest layer that has it.
    #[track_caller]
    pub fn file(&self, path: &str) -> Vec<u8> {
        let found = self.layers().iter().rev().find_map(|digest| file_in(&self.blob(digest), path));
        found.unwrap_or_else(|| panic!("{path} is in no layer"))
    }

    /// The digests of the layers, oldest first.
    #[track_caller]
    pub fn layers(&self) -> Vec<String> {
        let manifest = self.json();
        let digests = |list: &str, key: &str| -> Option<Vec<String>> {
            let entries = manifest[list].as_array()?;
            Some(entries.iter().map(|entry| entry[key].as_str().expect("a digest").to_owned()).collect())
        };
        // Schema 1 calls them otherwise, and lists the newest first.
        let schema1 = || digests("fsLayers", "blobSum").map(|layers| layers.into_iter().rev().collect());
        digests("layers", "digest").or_else(schema1).unwrap_or_else(|| panic!("no layers in {manifest}"))
    }

    #[track_caller]
    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.directory.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

fn file_in(layer: &[u8], path: &str) -> Option<Vec<u8>> {
    let mut archive = tar::Archive::new(unpacked(layer));
    let mut entries = archive.entries().expect("a tar archive");
    let mut entry = entries.find_map(|entry| {
        let entry = entry.expect("an entry of a tar archive");
        let found = entry.path().is_ok_and(|name| name.as_os_str() == path);
        found.then_some(entry)
    })?;
    let mut content = Vec::new();
    entry.read_to_end(&mut content).expect("a whole file");
    Some(content)
}

fn unpacked(layer: &[u8]) -> Box<dyn Read + '_> {
    match layer {
        [0x1f, 0x8b, ..] => Box::new(GzDecoder::new(layer)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::Decoder::new(layer).expect("a zstd stream")),
        _ => Box::new(layer),
    }
}

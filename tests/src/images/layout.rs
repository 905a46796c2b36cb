//! An OCI image layout on disk: what clients push from.

use std::fs::{self, File};
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::Image;
use crate::digest::{hex, sha256};

/// An OCI image layout that holds one image, one index or one artifact. It is removed when this is dropped.
pub struct Layout {
    directory: TempDir,
    /// The digest of what it holds.
    pub digest: String,
    /// The manifest or index itself.
    pub manifest: Vec<u8>,
}

impl Layout {
    /// The tag that its content carries.
    pub const TAG: &str = "sample";

    /// A layout that holds an image.
    pub fn of_image(image: &Image) -> Self {
        Self::write(|blobs| blobs.image(image))
    }

    /// A layout that holds an index with an image for each platform.
    pub fn of_index(images: &[Image]) -> Self {
        Self::write(|blobs| {
            let manifests: Vec<_> = images
                .iter()
                .map(|image| {
                    let mut descriptor = blobs.image(image);
                    descriptor["platform"] = image.platform();
                    descriptor
                })
                .collect();
            let media_type = "application/vnd.oci.image.index.v1+json";
            blobs.json(media_type, &json!({"schemaVersion": 2, "mediaType": media_type, "manifests": manifests}))
        })
    }

    /// A layout that holds an artifact: a file that isn't part of any image.
    pub fn of_artifact(artifact_type: &str, media_type: &str, content: &[u8]) -> Self {
        Self::write(|blobs| {
            let config = blobs.add("application/vnd.oci.empty.v1+json", b"{}");
            let layer = blobs.add(media_type, content);
            blobs.manifest(json!({"artifactType": artifact_type, "config": config, "layers": [layer]}))
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes the layout into one file, which is what podman loads and containerd imports.
    pub fn archive(&self, file: &Path) {
        let mut archive = tar::Builder::new(File::create(file).expect("a file for the archive"));
        archive.append_dir_all("", self.path()).expect("the layout's files");
        archive.finish().expect("a whole archive");
    }

    fn write(content: impl FnOnce(&Blobs) -> Value) -> Self {
        let directory = TempDir::with_prefix("layout-").expect("a temporary directory");
        let blobs = Blobs(directory.path().join("blobs/sha256").into());
        fs::create_dir_all(&blobs.0).expect("a directory for blobs");
        let mut descriptor = content(&blobs);
        let digest = descriptor["digest"].as_str().expect("a descriptor").to_owned();
        let manifest = fs::read(blobs.0.join(hex(&digest))).expect("the manifest that was just written");

        descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": Self::TAG});
        let index = json!({"schemaVersion": 2, "manifests": [descriptor]}).to_string();
        fs::write(directory.path().join("index.json"), index).expect("index.json");
        fs::write(directory.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("oci-layout");
        Self { directory, digest, manifest }
    }
}

/// The directory of blobs while a layout is being written.
struct Blobs(Box<Path>);

impl Blobs {
    /// Files a blob under its digest and returns its descriptor.
    fn add(&self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = sha256(bytes);
        self.file(&digest, bytes);
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    fn file(&self, digest: &str, bytes: &[u8]) {
        fs::write(self.0.join(hex(digest)), bytes).expect("a blob");
    }

    fn json(&self, media_type: &str, value: &Value) -> Value {
        self.add(media_type, value.to_string().as_bytes())
    }

    fn image(&self, image: &Image) -> Value {
        for layer in image.layers.iter().filter(|layer| layer.urls.is_empty()) {
            self.file(&layer.digest, &layer.bytes);
        }
        let layers: Vec<_> = image.layers.iter().map(|layer| layer.descriptor()).collect();
        let config = self.json("application/vnd.oci.image.config.v1+json", &image.config());
        self.manifest(json!({"config": config, "layers": layers}))
    }

    fn manifest(&self, mut manifest: Value) -> Value {
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        manifest["schemaVersion"] = json!(2);
        manifest["mediaType"] = json!(media_type);
        self.json(media_type, &manifest)
    }
}

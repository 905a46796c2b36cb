//! A small image in every format, and the blobs that it is made of.

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::images::{Compression, Layer};
use lambda_registry_tests::repository::Repository;
use serde_json::{Value, json};

use crate::types::{DOCKER_CONFIG, DOCKER_GZIP, INDEX, LIST, OCI, OCI_CONFIG, OCI_GZIP, SCHEMA1, SCHEMA2};

/// The layer that schema 1 has where nothing changed: a gzipped empty archive.
pub(crate) const EMPTY_LAYER: &str = "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4";

/// An image of two gzip layers between empty history entries.
pub(crate) struct Sample {
    pub(crate) architecture: &'static str,
    pub(crate) config: Vec<u8>,
    /// Whether the registry knows the config from schema 1 alone, and writes it anew.
    pub(crate) was_schema1: bool,
    pub(crate) layers: [Layer; 2],
}

impl Sample {
    pub(crate) fn new(architecture: &'static str) -> Self {
        let layer = |text: &str| Layer::new(Compression::Gzip, &[("etc/greeting", text.as_bytes())]);
        let layers = [layer("hello"), layer(architecture)];
        let config = json!({
            "architecture": architecture,
            "os": "linux",
            "created": "2024-05-06T07:08:09Z",
            "config": {"Cmd": ["/bin/true"], "Env": ["MARKUP=<b> & more"]},
            "rootfs": {"type": "layers", "diff_ids": [layers[0].diff_id, layers[1].diff_id]},
            "history": [
                {"created": "2024-05-06T07:08:06Z", "created_by": "ADD first"},
                {"created": "2024-05-06T07:08:07Z", "created_by": "ENV <a>", "empty_layer": true},
                {"created": "2024-05-06T07:08:08Z", "created_by": "ADD second"},
                {"created": "2024-05-06T07:08:09Z", "created_by": "CMD true", "empty_layer": true},
            ],
        });
        Self { architecture, config: config.to_string().into_bytes(), was_schema1: false, layers }
    }

    /// The same image as it comes back from schema 1, where the newest step doesn't say what it did.
    pub(crate) fn by_way_of_schema1(self) -> Self {
        let mut config: Value = serde_json::from_slice(&self.config).unwrap();
        let newest = config["history"].as_array_mut().and_then(|history| history.last_mut()).unwrap();
        newest.as_object_mut().unwrap().remove("created_by").unwrap();
        Self { config: config.to_string().into_bytes(), was_schema1: true, ..self }
    }

    /// The digests of the layers, oldest first.
    pub(crate) fn layers(&self) -> [&str; 2] {
        self.layers.each_ref().map(|layer| layer.digest.as_str())
    }

    /// The layers as schema 1 names them: one for each step, newest first.
    pub(crate) fn fs_layers(&self) -> [&str; 4] {
        let [first, second] = self.layers();
        [EMPTY_LAYER, second, EMPTY_LAYER, first]
    }

    #[track_caller]
    pub(crate) fn push_blobs(&self, repository: &Repository) {
        repository.push_blob(&self.config);
        for layer in &self.layers {
            repository.push_blob(&layer.bytes);
        }
    }

    pub(crate) fn schema2(&self) -> Vec<u8> {
        verbatim(&self.manifest(SCHEMA2, DOCKER_CONFIG, DOCKER_GZIP))
    }

    /// With an annotation, so that the same image has another digest than it would have without.
    pub(crate) fn oci(&self) -> Vec<u8> {
        self.oci_with("sample")
    }

    pub(crate) fn oci_with(&self, title: &str) -> Vec<u8> {
        let mut manifest = self.manifest(OCI, OCI_CONFIG, OCI_GZIP);
        manifest["annotations"] = json!({"org.opencontainers.image.title": title});
        verbatim(&manifest)
    }

    fn manifest(&self, media_type: &str, config: &str, layer: &str) -> Value {
        let layers = self.layers.each_ref().map(|content| descriptor(layer, &content.bytes));
        json!({
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": descriptor(config, &self.config),
            "layers": layers,
        })
    }

    /// Signed schema 1, from another repository: a conversion is the only signer in reach. Its blobs are here afterwards.
    #[track_caller]
    pub(crate) fn signed_schema1(&self, elsewhere: &Repository, here: &Repository) -> Vec<u8> {
        for repository in [elsewhere, here] {
            self.push_blobs(repository);
        }
        elsewhere.push("signed-there", SCHEMA2, &self.schema2());
        let signed = elsewhere.pull("signed-there", &[SCHEMA1]).expect(200).body;
        here.push_blob(&elsewhere.blob(EMPTY_LAYER));
        signed
    }
}

/// What a schema 1 signature covers: the manifest without the signatures.
pub(crate) fn payload(signed: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(signed).unwrap();
    let (payload, _) = text.split_once(",\n   \"signatures\": [").unwrap_or_else(|| panic!("not signed: {text}"));
    format!("{payload}\n}}").into_bytes()
}

/// A list or index of images that the repository has, in this order.
pub(crate) fn list(media_type: &str, children: &[(&str, &[u8], &str)]) -> Vec<u8> {
    assert!(media_type == LIST || media_type == INDEX);
    let children: Vec<_> = children
        .iter()
        .map(|(media_type, manifest, architecture)| {
            let mut child = descriptor(media_type, manifest);
            child["platform"] = json!({"architecture": architecture, "os": "linux"});
            child
        })
        .collect();
    verbatim(&json!({"schemaVersion": 2, "mediaType": media_type, "manifests": children}))
}

pub(crate) fn descriptor(media_type: &str, content: &[u8]) -> Value {
    json!({"mediaType": media_type, "size": content.len(), "digest": sha256(content)})
}

/// JSON with white space that no serializer writes: bytes that were parsed and written anew would be others.
pub(crate) fn verbatim(value: &Value) -> Vec<u8> {
    format!("\n{value:#}\t\n").into_bytes()
}

//! The images that are converted.

use serde_json::{Value, json};

use lambda_registry_tests::digest::sha256;

const SCHEMA2: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// An image of some layers. Each layer comes with two steps of history, one of which changed no file.
pub(crate) struct Image {
    pub(crate) layers: Vec<Vec<u8>>,
    pub(crate) config: Vec<u8>,
    /// Schema 2.
    pub(crate) manifest: Vec<u8>,
}

impl Image {
    pub(crate) fn new(layers: usize) -> Self {
        let layers: Vec<_> = (0..layers).map(|layer| format!("layer {layer}").into_bytes()).collect();
        let config = config(layers.len()).to_string().into_bytes();
        let descriptor = |media_type: &str, bytes: &[u8]| json!({ "mediaType": media_type, "size": bytes.len(), "digest": sha256(bytes) });
        let layer = |bytes: &Vec<u8>| descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip", bytes);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": SCHEMA2,
            "config": descriptor("application/vnd.docker.container.image.v1+json", &config),
            "layers": layers.iter().map(layer).collect::<Vec<_>>(),
        });
        Self { layers, config, manifest: manifest.to_string().into_bytes() }
    }
}

fn config(layers: usize) -> Value {
    let step = |step: usize| {
        json!({
            "created": "2016-09-23T18:08:50.537223822Z",
            "created_by": format!("/bin/sh -c #(nop) ENV STEP={step} && echo <done>"),
            "empty_layer": step % 2 == 1,
        })
    };
    json!({
        "architecture": "amd64",
        "os": "linux",
        "created": "2016-09-23T18:08:51.133779867Z",
        "config": { "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"], "Cmd": ["httpd-foreground"], "Labels": { "a": "b" } },
        "rootfs": { "type": "layers", "diff_ids": (0..layers).map(|layer| sha256(&[layer as u8])).collect::<Vec<_>>() },
        "history": (0..2 * layers).map(step).collect::<Vec<_>>(),
    })
}

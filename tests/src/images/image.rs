//! An OCI image: layers and the steps that made them.

use serde_json::{Value, json};

use super::Layer;

/// The time of every step: an image is the same whenever it is built.
const CREATED: &str = "2024-05-06T07:08:09Z";

/// An image, built step by step.
#[derive(Clone)]
pub struct Image {
    architecture: &'static str,
    pub(super) layers: Vec<Layer>,
    history: Vec<Value>,
}

impl Image {
    /// An image without layers.
    pub fn new(architecture: &'static str) -> Self {
        Self { architecture, layers: Vec::new(), history: Vec::new() }
    }

    /// A step that adds a layer.
    #[must_use]
    pub fn layer(mut self, layer: Layer) -> Self {
        self.history
            .push(json!({"created": CREATED, "created_by": format!("/bin/sh -c #(nop) ADD {}", layer.diff_id)}));
        self.layers.push(layer);
        self
    }

    /// A step that changes the configuration only: an empty history entry.
    #[must_use]
    pub fn step(mut self, created_by: &str) -> Self {
        self.history.push(json!({"created": CREATED, "created_by": created_by, "empty_layer": true}));
        self
    }

    pub(super) fn platform(&self) -> Value {
        json!({"architecture": self.architecture, "os": "linux"})
    }

    pub(super) fn config(&self) -> Value {
        let diff_ids: Vec<_> = self.layers.iter().map(|layer| &layer.diff_id).collect();
        json!({
            "created": CREATED,
            "architecture": self.architecture,
            "os": "linux",
            "config": {"Env": ["GREETING=hello <world> & more"], "Cmd": ["/bin/true"]},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": self.history,
        })
    }
}

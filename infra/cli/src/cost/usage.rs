//! What a registry holds and what is done with it in a month.

use serde::Serialize;

use super::quantity::{Egress, Share, Size};
use super::work::Records;

/// A month.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Images that are kept, all month.
    pub(crate) images: f64,
    /// Compressed size of an image, of all its layers together.
    pub(crate) size: Size,
    /// Layers of an image.
    pub(crate) layers: f64,
    /// The part of an image's layers, and of its bytes, that all images have in common.
    pub(crate) shared: Share,
    /// Images that are pushed.
    pub(crate) pushes: f64,
    /// Images that are pulled.
    pub(crate) pulls: f64,
    /// The part of an image's layers, and of its bytes, that whoever pulls it has already.
    pub(crate) cached: Share,
    /// The part of the pulls that get a converted manifest.
    pub(crate) converted: Share,
    /// What leaves AWS of the bytes that are pulled.
    pub(crate) egress: Egress,
    pub(crate) extras: Extras,
}

/// What a deployment has beside the registry itself.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Extras {
    /// The parameter `PullSecretPattern`.
    pub(crate) pull_secret: bool,
    /// The parameter `EventBus`.
    pub(crate) events: bool,
    /// The parameter `Alarms`.
    pub(crate) alarms: bool,
    /// The parameter `Dashboard`.
    pub(crate) dashboard: bool,
    /// The parameter `Metrics`: how many are reported.
    pub(crate) metrics: u32,
    /// The parameter `Tracing`.
    pub(crate) tracing: bool,
}

impl Usage {
    /// Bytes of blobs: what images have in common is there once.
    pub(crate) fn stored(&self) -> f64 {
        self.once_and_for_each() * self.size.0
    }

    /// Bytes of DynamoDB's table.
    pub(crate) fn records(&self, records: &Records) -> f64 {
        // Each image has a config of its own.
        let blobs = self.images + self.once_and_for_each() * self.layers;
        self.images * (records.image + self.layers * records.layer) + blobs * records.new_blob
    }

    /// How often the bytes of an image are stored.
    fn once_and_for_each(&self) -> f64 {
        self.images.min(1.0) * self.shared.0 + self.images * (1.0 - self.shared.0)
    }

    /// Bytes of layers that are pulled.
    pub(crate) fn pulled(&self) -> f64 {
        self.pulls * self.size.0 * (1.0 - self.cached.0)
    }

    /// Bytes of those that leave AWS.
    pub(crate) fn leaving(&self) -> f64 {
        match self.egress {
            Egress::Share(share) => self.pulled() * share.0,
            Egress::Bytes(bytes) => bytes.0,
        }
    }

    /// Layers that a push brings, and those that are there already.
    pub(crate) fn pushed_layers(&self) -> (f64, f64) {
        (self.layers * (1.0 - self.shared.0), self.layers * self.shared.0)
    }

    /// Layers that a pull fetches.
    pub(crate) fn fetched_layers(&self) -> f64 {
        self.layers * (1.0 - self.cached.0)
    }

    /// The mean size of a layer in bytes.
    pub(crate) fn layer_size(&self) -> f64 {
        self.size.0 / self.layers
    }
}

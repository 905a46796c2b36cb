//! Everything odd that an image may have, one oddity at a time.

mod config;
mod history;
mod layers;
mod manifest;
mod spelling;

use fastrand::Rng;

use crate::draft::Draft;
use crate::image::Format;

/// An oddity of an image.
pub(crate) struct Edge {
    pub(crate) name: &'static str,
    /// The one format that has it; None for both.
    pub(crate) only: Option<Format>,
    pub(crate) apply: fn(&mut Draft, &mut Rng),
}

pub(crate) const fn edge(name: &'static str, apply: fn(&mut Draft, &mut Rng)) -> Edge {
    Edge { name, only: None, apply }
}

pub(crate) const fn oci(name: &'static str, apply: fn(&mut Draft, &mut Rng)) -> Edge {
    Edge { name, only: Some(Format::Oci), apply }
}

pub(crate) const fn schema2(name: &'static str, apply: fn(&mut Draft, &mut Rng)) -> Edge {
    Edge { name, only: Some(Format::Schema2), apply }
}

/// Every edge.
pub(crate) fn all() -> impl Iterator<Item = &'static Edge> {
    [layers::EDGES, manifest::EDGES, config::EDGES, history::EDGES, spelling::EDGES].into_iter().flatten()
}

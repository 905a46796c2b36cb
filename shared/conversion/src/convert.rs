//! Conversion of images.

use std::collections::BTreeMap;

use protocol::{Compression, Digest, RepositoryName, Tag};

use crate::{Manifest, Refusal, Target, table};

/// What a conversion reads besides the manifest; [`Target::needs`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// The config blob.
    Config,
    /// What is in each of [`Manifest::schema1_layers`].
    Layers,
}

/// What schema 1 doesn't say about a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerContent {
    /// Length of the blob in bytes.
    pub size: u64,
    /// How the blob is compressed.
    pub compression: Compression,
    /// Digest of the uncompressed content (image specification, "Layer DiffID").
    pub diff_id: Digest,
}

/// What a conversion may read besides the manifest.
#[derive(Clone, Copy, Debug)]
pub struct ImageInputs<'a> {
    /// The config blob, when the conversion [needs it](Needs::Config).
    pub config: Option<&'a [u8]>,
    /// The layers by digest, when the conversion [needs them](Needs::Layers).
    pub layers: &'a BTreeMap<Digest, LayerContent>,
    /// The repository; schema 1 contains it.
    pub name: &'a RepositoryName,
    /// The tag; schema 1 contains it, empty when there is none.
    pub tag: Option<&'a Tag>,
}

/// A manifest that was made from another one.
#[derive(Clone, Debug)]
pub struct Converted {
    /// The manifest.
    pub manifest: Manifest,
    /// Blobs that it refers to and its source doesn't; they must become pullable from the repository.
    pub blobs: Vec<ConvertedBlob>,
}

/// A blob that a conversion brings along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvertedBlob {
    /// Its digest.
    pub digest: Digest,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Converts an image. The result depends on the arguments alone, byte for byte.
///
/// # Errors
/// When the target can't express the source, or the table has no such conversion.
pub fn convert_image(source: &Manifest, target: &Target, inputs: &ImageInputs<'_>) -> Result<Converted, Refusal> {
    let from = source.media_type();
    let edge = table::find(from, target)
        .ok_or_else(|| Refusal::NoConversion { from: from.clone(), to: target.media_type() })?;
    (edge.convert)(source, inputs)
}

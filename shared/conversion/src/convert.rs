//! Conversion of images.

use protocol::{Digest, RepositoryName, Tag};

use crate::{Manifest, Refusal, Target, table};

/// What a conversion may read besides the manifest.
#[derive(Clone, Copy, Debug)]
pub struct ImageInputs<'a> {
    /// The config blob, when [`Target::needs_config`].
    pub config: Option<&'a [u8]>,
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

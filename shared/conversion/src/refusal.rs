//! Why a conversion can't be had.

use std::fmt;

use protocol::{Accept, ApiError, Digest, ErrorCode, MediaType};

use crate::ParseError;

/// Why a manifest can't become what a client asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The table of conversions has no such row.
    NoConversion {
        /// What is stored.
        from: MediaType,
        /// What was asked.
        to: MediaType,
    },
    /// Not a container image but an artifact of this kind.
    Artifact(String),
    /// A layer is encrypted, which only OCI can say.
    EncryptedLayer {
        /// Its place in the manifest.
        layer: usize,
        /// Its type.
        media_type: MediaType,
    },
    /// A layer's type has no counterpart in the target.
    UnknownLayer {
        /// Its place in the manifest.
        layer: usize,
        /// Its type.
        media_type: MediaType,
    },
    /// A layer is compressed with zstd, which clients of the target mostly can't unpack.
    ZstdLayer {
        /// Its place in the manifest.
        layer: usize,
        /// What was asked.
        to: MediaType,
    },
    /// A layer lies elsewhere, and schema 1 can't say where.
    ForeignLayer {
        /// Its place in the manifest.
        layer: usize,
    },
    /// The config blob can't be read; the problem in words.
    Config(String),
    /// The conversion reads the config, and it wasn't given.
    ConfigMissing,
    /// An entry of the history of schema 1 can't be read.
    Compatibility {
        /// Its place in `history`.
        entry: usize,
        /// The problem in words.
        problem: String,
    },
    /// What is in the layers of schema 1 isn't known yet; it is being found out.
    Pending,
    /// What is in a layer of schema 1 can't be found out.
    UnreadableLayer {
        /// Its digest.
        digest: Digest,
        /// The problem in words.
        problem: String,
    },
    /// The config has no `rootfs`.
    NoRootfs,
    /// The config has no `history`.
    NoHistory,
    /// The config names more or fewer layers than the manifest.
    DiffIds {
        /// In the manifest.
        layers: usize,
        /// In the config's `rootfs.diff_ids`.
        diff_ids: usize,
    },
    /// The config's history has more or fewer entries with a layer than there are layers.
    History {
        /// In the manifest.
        layers: usize,
        /// Entries of the history that aren't `empty_layer`.
        entries: usize,
    },
    /// An index that names a blob among its children, as BuildKit's cache does.
    BlobChild {
        /// Its digest.
        digest: Digest,
        /// Its type.
        media_type: MediaType,
    },
    /// None of the children of a list could be converted, or it has none.
    NoChildren {
        /// What was asked.
        to: MediaType,
    },
    /// A list without a child that a client gets which knows no lists.
    NoDefaultPlatform,
    /// A list that already says what the target would say: serve it, or leave it in the list that names it, as it is.
    Unchanged,
    /// The conversion led to something that isn't a manifest.
    Result(ParseError),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoConversion { from, to } => write!(f, "{from} can't be converted to {to}"),
            Self::Artifact(kind) => write!(f, "it is not a container image but an artifact of type {kind}"),
            Self::EncryptedLayer { layer, media_type } => {
                write!(f, "layers[{layer}] is encrypted ({media_type}), which only OCI can say")
            }
            Self::UnknownLayer { layer, media_type } => {
                write!(f, "layers[{layer}] has the type {media_type}, which has no counterpart")
            }
            Self::ZstdLayer { layer, to } => write!(
                f,
                "layers[{layer}] is compressed with zstd, which clients of {to} can't unpack; push the image with gzip"
            ),
            Self::ForeignLayer { layer } => {
                write!(f, "layers[{layer}] lies outside of the registry, and schema 1 can't say where")
            }
            Self::Config(problem) => write!(f, "the image config {problem}"),
            Self::ConfigMissing => write!(f, "the image config can't be read"),
            Self::Compatibility { entry, problem } => {
                write!(f, "history[{entry}].v1Compatibility is malformed: {problem}")
            }
            Self::Pending => write!(f, "its layers are being read for the first time; try again in some seconds"),
            Self::UnreadableLayer { digest, problem } => write!(f, "the layer {digest} {problem}"),
            Self::NoRootfs => write!(f, "the image config has no rootfs"),
            Self::NoHistory => write!(f, "the image config has no history, which schema 1 is made of"),
            Self::DiffIds { layers, diff_ids } => {
                write!(f, "the manifest has {layers} layers and the image config {diff_ids} (rootfs.diff_ids)")
            }
            Self::History { layers, entries } => write!(
                f,
                "the manifest has {layers} layers and the image config's history {entries} entries that aren't empty_layer"
            ),
            Self::BlobChild { digest, media_type } => {
                write!(f, "the index names {digest} of type {media_type}, which is a blob and no manifest")
            }
            Self::NoChildren { to } => write!(f, "the list has no child that {to} can refer to"),
            Self::NoDefaultPlatform => {
                write!(f, "the list has no linux/amd64 image, and that is what a client gets which knows no lists")
            }
            Self::Unchanged => write!(f, "the list is already as the client wants it"),
            Self::Result(error) => write!(f, "the result would not be a manifest: {error}"),
        }
    }
}

impl std::error::Error for Refusal {}

/// The answer when nothing fits the client: what is stored, what the client accepts, and why the one can't become the
/// other. `reason` is the refusal of the best candidate, when there was one to try.
pub fn not_acceptable(stored: &MediaType, accept: &Accept, reason: Option<&Refusal>) -> ApiError {
    let reason = reason.map_or_else(|| "there is no conversion between them".to_owned(), Refusal::to_string);
    ApiError::new(
        ErrorCode::ManifestUnknown,
        format!("the manifest is stored as {stored} and the client accepts {accept}: {reason}"),
    )
}

//! Why a conversion is refused.

/// A reason, as the corpus knows it. Of several in a config the last of this order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Obstacle {
    Artifact,
    Encrypted,
    UnknownLayer,
    Zstd,
    Foreign,
    NotUnicode,
    AmbiguousConfig,
    MalformedConfig,
    NoRootfs,
    NoHistory,
    OtherNumberOfDiffIds,
    OtherNumberOfEntries,
    BlobChild,
    NoChildren,
    NoDefaultPlatform,
    NotAccepted,
}

impl Obstacle {
    /// Words that the refusal has to contain.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Artifact => "artifact of type",
            Self::Encrypted => "is encrypted",
            Self::UnknownLayer => "no counterpart",
            Self::Zstd => "compressed with zstd",
            Self::Foreign => "outside of the registry",
            Self::MalformedConfig | Self::AmbiguousConfig | Self::NotUnicode => "the image config is",
            Self::NoRootfs => "has no rootfs",
            Self::NoHistory => "has no history",
            Self::OtherNumberOfDiffIds => "(rootfs.diff_ids)",
            Self::OtherNumberOfEntries => "entries that aren't empty_layer",
            Self::BlobChild => "is a blob and no manifest",
            Self::NoChildren => "has no child",
            Self::NoDefaultPlatform => "no linux/amd64 image",
            Self::NotAccepted => "no conversion between them",
        }
    }
}

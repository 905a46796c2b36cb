//! What a scrub goes through.

use std::fmt;

use protocol::{Digest, Tag};
use storage::Range;

/// Something whose records belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The repository itself: settings, and a place in the catalog.
    Repository,
    /// A manifest: its record, its bytes, what it refers to.
    Manifest(Digest),
    /// The bytes of a manifest, which must have a record.
    ManifestBytes(Digest),
    /// A blob of the repository.
    Blob(Digest),
    /// A tag.
    Tag(Tag),
    /// The way back from a manifest to a tag.
    WayToTag(Digest, Tag),
    /// The way back from a manifest to a list that names it.
    WayToList {
        /// The manifest.
        child: Digest,
        /// The list.
        list: Digest,
    },
    /// A place in a list of referrers.
    Referrer {
        /// What is referred to.
        subject: Digest,
        /// What refers to it.
        digest: Digest,
    },
    /// An item of a range whose key makes no sense.
    Unknown(Range, String),
}

impl Subject {
    /// What an item of a range is about; None for items that are read with another.
    pub(crate) fn read(range: Range, key: &str) -> Option<Self> {
        let digest = || key.parse().ok();
        let pair = || key.split_once('#').and_then(|(first, second)| Some((first.parse().ok()?, second)));
        let digests = || pair().and_then(|(first, second)| Some((first, second.parse().ok()?)));
        let subject = match range {
            // More of what a manifest refers to.
            Range::Manifests if pair().is_some() => return None,
            Range::Manifests => digest().map(Self::Manifest),
            Range::ManifestBytes => digest().map(Self::ManifestBytes),
            Range::Blobs => digest().map(Self::Blob),
            Range::Tags => key.parse().ok().map(Self::Tag),
            Range::TagsOfManifests => pair().and_then(|(digest, tag)| Some(Self::WayToTag(digest, tag.parse().ok()?))),
            Range::ListsOfManifests => digests().map(|(child, list)| Self::WayToList { child, list }),
            Range::Referrers => digests().map(|(subject, digest)| Self::Referrer { subject, digest }),
        };
        Some(subject.unwrap_or_else(|| Self::Unknown(range, key.to_owned())))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repository => f.write_str("repository"),
            Self::Manifest(digest) | Self::ManifestBytes(digest) => write!(f, "manifest {digest}"),
            Self::Blob(digest) => write!(f, "blob {digest}"),
            Self::Tag(tag) => write!(f, "tag {tag}"),
            Self::WayToTag(digest, tag) => write!(f, "way back from {digest} to tag {tag}"),
            Self::WayToList { child, list } => write!(f, "way back from {child} to list {list}"),
            Self::Referrer { subject, digest } => write!(f, "referrer {digest} of {subject}"),
            Self::Unknown(range, key) => write!(f, "item {key:?} of {range:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_what_its_item_is_about() {
        let (one, other) = (Digest::sha256(b"one"), Digest::sha256(b"other"));
        let pair = format!("{one}#{other}");
        for (range, key, subject) in [
            (Range::Manifests, one.to_string(), Subject::Manifest(one.clone())),
            (Range::ManifestBytes, one.to_string(), Subject::ManifestBytes(one.clone())),
            (Range::Blobs, one.to_string(), Subject::Blob(one.clone())),
            (Range::Tags, "v1".to_owned(), Subject::Tag("v1".parse().unwrap())),
            (Range::TagsOfManifests, format!("{one}#v1"), Subject::WayToTag(one.clone(), "v1".parse().unwrap())),
            (Range::ListsOfManifests, pair.clone(), Subject::WayToList { child: one.clone(), list: other.clone() }),
            (Range::Referrers, pair, Subject::Referrer { subject: one.clone(), digest: other.clone() }),
            (Range::Blobs, "sha256:1".to_owned(), Subject::Unknown(Range::Blobs, "sha256:1".to_owned())),
            (Range::Tags, "a/b".to_owned(), Subject::Unknown(Range::Tags, "a/b".to_owned())),
        ] {
            assert_eq!(Subject::read(range, &key), Some(subject), "{key}");
        }
        assert_eq!(Subject::read(Range::Manifests, &format!("{one}#001")), None);
    }
}

//! What stands behind `/manifests/`: a tag or a digest.

use std::fmt;
use std::str::FromStr;

use crate::{Digest, InvalidDigest};

/// A tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}` (distribution specification, "Pulling manifests").
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

impl Tag {
    /// The longest tag, in characters.
    pub const MAX_LENGTH: usize = 128;

    /// The tag as it stands in a path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a reference is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidReference {
    /// Outside the grammar of tags.
    Tag(String),
    /// It has a colon, so it is meant as a digest, and isn't one.
    Digest(InvalidDigest),
}

impl fmt::Display for InvalidReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => write!(
                f,
                "{tag:?} is not a tag: use 1 to {} letters, digits, '_', '.' and '-', and start with none of '.' and '-'",
                Tag::MAX_LENGTH
            ),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

impl std::error::Error for InvalidReference {}

impl FromStr for Tag {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let first = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let rest = |b: u8| first(b) || b == b'.' || b == b'-';
        let well_formed =
            text.len() <= Self::MAX_LENGTH && text.bytes().next().is_some_and(first) && text.bytes().all(rest);
        if well_formed { Ok(Self(text.to_owned())) } else { Err(InvalidReference::Tag(text.to_owned())) }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A tag or a digest. Digests have a colon, tags can't.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A name that may point to another manifest tomorrow.
    Tag(Tag),
    /// The content itself.
    Digest(Digest),
}

impl FromStr for Reference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        if text.contains(':') {
            text.parse().map(Self::Digest).map_err(InvalidReference::Digest)
        } else {
            text.parse().map(Self::Tag)
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_tells_digests_from_tags() {
        assert!(matches!("latest".parse(), Ok(Reference::Tag(_))));
        assert!(matches!(Digest::sha256(b"").to_string().parse(), Ok(Reference::Digest(_))));
        assert!(matches!("sha256:short".parse::<Reference>(), Err(InvalidReference::Digest(_))));
    }

    #[test]
    fn tags_keep_to_the_grammar() {
        for good in ["a", "_", "V1.2-rc_3", &"a".repeat(128)] {
            assert!(good.parse::<Tag>().is_ok(), "{good}");
        }
        for bad in ["", ".a", "-a", "a b", "a/b", "ä", &"a".repeat(129)] {
            assert!(bad.parse::<Tag>().is_err(), "{bad}");
        }
    }
}

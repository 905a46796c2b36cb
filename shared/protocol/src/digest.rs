//! Content digests.

use std::fmt;
use std::str::FromStr;

use sha2::digest::common::hazmat::{DeserializeStateError, SerializableState};
use sha2::{Digest as _, Sha256, Sha512};

/// A digest algorithm that content may be addressed by (image specification, "Registered algorithms").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// `sha256`, what practically every client uses.
    Sha256,
    /// `sha512`.
    Sha512,
}

impl Algorithm {
    /// The name before the colon.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// The algorithm of a name; None for one that the registry doesn't know.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Sha256, Self::Sha512].into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    /// The length of the encoded part, in hexadecimal characters.
    pub fn encoded_length(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }

    /// The digest of `bytes`.
    pub fn digest(self, bytes: &[u8]) -> Digest {
        let encoded = match self {
            Self::Sha256 => hex(&Sha256::digest(bytes)),
            Self::Sha512 => hex(&Sha512::digest(bytes)),
        };
        Digest { algorithm: self, encoded }
    }
}

/// A content digest: `<algorithm>:<lower-case hexadecimal>` (image specification, "Digests").
///
/// ```
/// use protocol::Digest;
/// let empty = Digest::sha256(b"");
/// assert_eq!(empty.to_string(), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
/// assert_eq!(empty.to_string().parse(), Ok(empty));
/// assert!("md5:d41d8cd98f00b204e9800998ecf8427e".parse::<Digest>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algorithm: Algorithm,
    encoded: String,
}

impl Digest {
    /// The SHA-256 digest of `bytes`.
    pub fn sha256(bytes: &[u8]) -> Self {
        Algorithm::Sha256.digest(bytes)
    }

    /// The digest for a SHA-256 hash that was computed elsewhere.
    pub fn from_sha256(hash: [u8; 32]) -> Self {
        Self { algorithm: Algorithm::Sha256, encoded: hex(&hash) }
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The part after the colon, in lower-case hexadecimal.
    pub fn encoded(&self) -> &str {
        &self.encoded
    }

    /// The hash itself: 32 bytes or 64.
    pub fn raw(&self) -> Vec<u8> {
        let nibble = |c: u8| if c.is_ascii_digit() { c - b'0' } else { c - b'a' + 10 };
        self.encoded.as_bytes().chunks_exact(2).map(|pair| nibble(pair[0]) << 4 | nibble(pair[1])).collect()
    }

    /// The digest of a hash as [`raw`](Self::raw) gives it; its length tells the algorithm. None for other lengths.
    pub fn from_raw(hash: &[u8]) -> Option<Self> {
        let algorithm = match hash.len() {
            32 => Algorithm::Sha256,
            64 => Algorithm::Sha512,
            _ => return None,
        };
        Some(Self { algorithm, encoded: hex(hash) })
    }

    /// Whether `bytes` have this digest.
    pub fn matches(&self, bytes: &[u8]) -> bool {
        self.algorithm.digest(bytes) == *self
    }
}

/// Why a digest is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidDigest {
    /// There is no colon, or nothing on one side of it.
    Form(String),
    /// The algorithm isn't one of [`Algorithm`].
    Algorithm(String),
    /// The encoded part has the wrong length or a character outside `[0-9a-f]`.
    Encoded(String),
}

impl fmt::Display for InvalidDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(text) => {
                write!(f, "{text:?} is not a digest; one looks like sha256:<64 hexadecimal characters>")
            }
            Self::Algorithm(name) => write!(f, "the digest algorithm {name:?} is not supported; use sha256 or sha512"),
            Self::Encoded(text) => {
                write!(f, "the digest {text:?} must have 64 (sha256) or 128 (sha512) lower-case hexadecimal characters")
            }
        }
    }
}

impl std::error::Error for InvalidDigest {}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let (name, encoded) = text.split_once(':').ok_or_else(|| InvalidDigest::Form(text.to_owned()))?;
        let algorithm = match Algorithm::from_name(name) {
            Some(algorithm) => algorithm,
            None if name.is_empty() => return Err(InvalidDigest::Form(text.to_owned())),
            None => return Err(InvalidDigest::Algorithm(name.to_owned())),
        };
        let well_formed = encoded.len() == algorithm.encoded_length()
            && encoded.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !well_formed {
            return Err(InvalidDigest::Encoded(text.to_owned()));
        }
        Ok(Self { algorithm, encoded: encoded.to_owned() })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.as_str(), self.encoded)
    }
}

impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Computes both digests while content passes.
///
/// An upload names its algorithm only when it ends, so both are computed; the state can be saved between two requests
/// ([`Hasher::state`]) and an upload of any size is never read back.
#[derive(Clone, Default)]
pub struct Hasher {
    sha256: Sha256,
    sha512: Sha512,
}

/// The saved state of a [`Hasher`]: opaque bytes, one string for each algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HasherState {
    /// State of SHA-256.
    pub sha256: Vec<u8>,
    /// State of SHA-512.
    pub sha512: Vec<u8>,
}

impl Hasher {
    /// Takes more content.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.sha512.update(bytes);
    }

    /// The digest of everything taken so far.
    pub fn digest(&self, algorithm: Algorithm) -> Digest {
        let encoded = match algorithm {
            Algorithm::Sha256 => hex(&self.sha256.clone().finalize()),
            Algorithm::Sha512 => hex(&self.sha512.clone().finalize()),
        };
        Digest { algorithm, encoded }
    }

    /// The state, to go on later.
    pub fn state(&self) -> HasherState {
        HasherState { sha256: self.sha256.serialize().to_vec(), sha512: self.sha512.serialize().to_vec() }
    }

    /// Goes on from a saved state.
    ///
    /// # Errors
    /// When the bytes aren't a state that [`Hasher::state`] gave.
    pub fn resume(state: &HasherState) -> Result<Self, DeserializeStateError> {
        let sha256 = state.sha256.as_slice().try_into().map_err(|_| DeserializeStateError)?;
        let sha512 = state.sha512.as_slice().try_into().map_err(|_| DeserializeStateError)?;
        Ok(Self { sha256: Sha256::deserialize(sha256)?, sha512: Sha512::deserialize(sha512)? })
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_registered_algorithms_with_lower_case_hexadecimal_are_digests() {
        let sha512 = Algorithm::Sha512.digest(b"x").to_string();
        assert!(sha512.parse::<Digest>().is_ok());
        for bad in ["", "sha256", "sha256:", ":abc", "sha256:abc", "sha384:abc"] {
            assert!(bad.parse::<Digest>().is_err(), "{bad:?}");
        }
        assert!(Digest::sha256(b"").to_string().to_uppercase().parse::<Digest>().is_err());
        assert!(format!("sha256:{}", "A".repeat(64)).parse::<Digest>().is_err());
    }

    #[test]
    fn a_hasher_goes_on_from_its_saved_state() {
        let mut hasher = Hasher::default();
        hasher.update(b"one, ");
        let mut resumed = Hasher::resume(&hasher.state()).unwrap();
        resumed.update(b"two");
        assert_eq!(resumed.digest(Algorithm::Sha256), Digest::sha256(b"one, two"));
        assert_eq!(resumed.digest(Algorithm::Sha512), Algorithm::Sha512.digest(b"one, two"));
        assert!(Hasher::resume(&HasherState { sha256: vec![1], sha512: vec![] }).is_err());
    }
}

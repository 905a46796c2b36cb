//! Secrets, and what is kept of them.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A password or a token. `Debug` doesn't show it.
#[derive(Clone)]
pub struct Secret(String);

/// No randomness can be had from the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRandomness;

impl fmt::Display for NoRandomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the system gives no random numbers")
    }
}

impl std::error::Error for NoRandomness {}

impl Secret {
    /// What every secret that is made here begins with, so that scanners recognise one that got lost.
    pub const PREFIX: &str = "lr_";

    /// Something somebody sent.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A new one: the prefix and 256 random bits in base64url. There is no colon in it.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut random = [0; 32];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| NoRandomness)?;
        Ok(Self(format!("{}{}", Self::PREFIX, URL_SAFE_NO_PAD.encode(random))))
    }

    /// The secret itself: for whoever it belongs to, and for nothing that is kept.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the two are the same. Takes the same time wherever they differ, and whatever their lengths.
    pub fn is(&self, other: &Self) -> bool {
        SecretHash::of(self).is_of(other)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The SHA-256 of a secret, in lower-case hexadecimal. A secret has 256 random bits, so there is nothing to guess that a
/// slow hash would have to protect; and a slow one would make every wrong password cost the registry's owner money.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretHash(String);

impl SecretHash {
    /// The hash of a secret.
    pub fn of(secret: &Secret) -> Self {
        Self(hex(&Sha256::digest(secret.0.as_bytes())))
    }

    /// Whether it is the hash of this secret, in constant time.
    pub fn is_of(&self, secret: &Secret) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), Self::of(secret).0.as_bytes()).is_ok()
    }
}

/// In lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_all_different_and_go_through_a_password_field() {
        let (one, two) = (Secret::generate().unwrap(), Secret::generate().unwrap());
        assert!(!one.is(&two) && one.is(&one.clone()));
        assert_eq!(one.expose().len(), 46);
        assert!(one.expose().bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')));
    }

    #[test]
    fn a_hash_knows_its_secret_and_no_other() {
        let secret = Secret::new("lr_secret");
        let hash = SecretHash::of(&secret);
        assert!(hash.is_of(&secret));
        for other in ["lr_secre", "lr_secret ", "", "LR_SECRET"] {
            assert!(!hash.is_of(&Secret::new(other)), "{other}");
        }
    }

    #[test]
    fn nothing_shows_a_secret_by_accident() {
        let secret = Secret::new("lr_secret");
        assert_eq!(format!("{secret:?} {:?}", SecretHash::of(&secret)), "Secret SecretHash");
    }
}

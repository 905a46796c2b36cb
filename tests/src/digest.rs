//! Digests, computed here and not by the code under test.

use sha2::{Digest as _, Sha256, Sha512};

/// The digest of these bytes as registries write it: `sha256:` and 64 hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", in_hex(&Sha256::digest(bytes)))
}

/// The same with the other algorithm that registries know: `sha512:` and 128 digits.
pub fn sha512(bytes: &[u8]) -> String {
    format!("sha512:{}", in_hex(&Sha512::digest(bytes)))
}

pub(crate) fn in_hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The hexadecimal part of a digest: blobs are filed under it.
pub fn hex(digest: &str) -> &str {
    digest.strip_prefix("sha256:").unwrap_or_else(|| panic!("not a sha256 digest: {digest}"))
}

//! The key that signs converted schema 1 manifests.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// The private key, published here on purpose: it carries no trust.
///
/// Docker wants every schema 1 manifest signed and never asks by whom, and docker-registry makes up a new key whenever
/// it starts. A key that everybody knows and that never changes makes the conversion a function of its input alone:
/// every deployment gives the same bytes for the same image. It is the SHA-256 digest of
/// `lambda-registry: this key signs converted schema 1 manifests and carries no trust`.
const PRIVATE_KEY: [u8; 32] = [
    0xb5, 0x63, 0xf7, 0xf6, 0x47, 0x11, 0x2f, 0x2e, 0x01, 0xb5, 0x9a, 0xdc, 0xa1, 0x25, 0xcd, 0xeb, 0x8e, 0xe4, 0x37,
    0x7a, 0xd9, 0x50, 0x2c, 0xac, 0x59, 0xa4, 0xe8, 0x53, 0x9e, 0xd2, 0xb5, 0xcc,
];

/// The key in the form that signs: making it of the constant costs as much as a signature.
static SIGNING_KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::from_slice(&PRIVATE_KEY).expect("the constant is a number below the order of P-256"));

/// The public key in the words of a JSON web key.
pub(super) struct Jwk {
    pub(super) id: String,
    pub(super) x: String,
    pub(super) y: String,
}

/// An ES256 signature; the nonce comes from key and message (RFC 6979), so there is only one.
pub(super) fn sign(message: &[u8]) -> Signature {
    SIGNING_KEY.sign(message)
}

/// The public half of the key.
pub(super) fn public_jwk() -> Jwk {
    let key = *SIGNING_KEY.verifying_key();
    let point = key.to_sec1_point(false);
    // 0x04, x, y (SEC 1, section 2.3.3).
    let (x, y) = point.as_bytes()[1..].split_at(32);
    Jwk { id: id(&key), x: URL_SAFE_NO_PAD.encode(x), y: URL_SAFE_NO_PAD.encode(y) }
}

/// A coordinate in its full length; libtrust writes it so, others leave zeros in front out. None when it is too long.
pub(super) fn coordinate(bytes: &[u8]) -> Option<[u8; 32]> {
    let mut padded = [0; 32];
    let start = padded.len().checked_sub(bytes.len())?;
    padded[start..].copy_from_slice(bytes);
    Some(padded)
}

/// libtrust's id of a key (`keyIDFromCryptoKey`): 240 bits of the SHA-256 digest of its DER form, in base32, by fours.
pub(super) fn id(key: &VerifyingKey) -> String {
    /// SubjectPublicKeyInfo of a P-256 key, up to the point (RFC 5480, section 2).
    const DER_PREFIX: &[u8] = &[
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
        0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    ];
    let digest = Sha256::new().chain_update(DER_PREFIX).chain_update(key.to_sec1_point(false).as_bytes()).finalize();
    let groups = digest[..30].chunks(5).map(base32).collect::<String>();
    let characters: Vec<char> = groups.chars().collect();
    characters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join(":")
}

/// Five bytes as eight characters (RFC 4648, section 6).
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits = bytes.iter().fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
    (0..8).rev().map(|place| char::from(ALPHABET[(bits >> (5 * place)) as usize & 31])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_the_digest_of_what_it_says_about_itself() {
        let sentence = "lambda-registry: this key signs converted schema 1 manifests and carries no trust";
        assert_eq!(Sha256::digest(sentence)[..], PRIVATE_KEY);
    }

    #[test]
    fn coordinates_are_padded_in_front() {
        assert_eq!(coordinate(&[7]).map(|padded| padded[30..].to_vec()), Some(vec![0, 7]));
        assert_eq!(coordinate(&[1; 33]), None);
    }

    #[test]
    fn base32_has_no_padding_to_need() {
        assert_eq!(base32(b"fooba"), "MZXW6YTB");
    }
}

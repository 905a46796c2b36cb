//! Reading.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use conversion::{Manifest, Required};
use protocol::{Algorithm, ApiError, Digest, MediaType};
use serde::Deserialize;

/// The base64 that libtrust reads.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A push of these bytes under every Content-Type.
pub fn parse(bytes: &[u8]) {
    let types = MediaType::KNOWN.iter().map(MediaType::as_str).chain(["application/json", ""]).map(Some);
    for content_type in types.chain([None]) {
        match Manifest::parse(bytes.to_vec(), content_type) {
            Ok(manifest) => check(&manifest, bytes),
            Err(error) => {
                let status = ApiError::from(error).code.status();
                assert!((400..500).contains(&status), "{status}");
            }
        }
    }
}

/// What holds for a manifest that was read from these bytes.
pub(crate) fn check(manifest: &Manifest, bytes: &[u8]) {
    assert_eq!(manifest.bytes(), bytes, "bytes are kept verbatim");
    let is_signed = manifest.media_type() == &MediaType::DockerSchema1Signed;
    let content = if is_signed { signed_payload(bytes) } else { bytes.to_vec() };
    assert_eq!(manifest.digest(), Digest::sha256(&content));
    assert_eq!(manifest.digest_with(Algorithm::Sha512), Algorithm::Sha512.digest(&content));

    let Required { blobs, manifests, optional } = manifest.required();
    assert!([&blobs, &manifests, &optional].into_iter().all(|digests| are_different(digests)), "{manifest:?}");

    let stored = Manifest::stored(bytes.to_vec(), manifest.media_type()).expect("what was let in can be read again");
    assert!(is_same(manifest, &stored), "{manifest:?} and {stored:?}");
}

/// Whether two manifests read the same.
pub(crate) fn is_same(one: &Manifest, other: &Manifest) -> bool {
    let view = |manifest: &Manifest| {
        let Required { blobs, manifests, optional } = manifest.required();
        let parts = [manifest.layers(), manifest.children()].map(<[_]>::to_vec);
        let about = (manifest.config().cloned(), manifest.subject().cloned(), manifest.annotations().clone());
        (manifest.media_type().clone(), manifest.digest(), blobs, manifests, optional, parts, about)
    };
    one.bytes() == other.bytes() && view(one) == view(other)
}

pub(crate) fn are_different(digests: &[Digest]) -> bool {
    digests.iter().collect::<HashSet<_>>().len() == digests.len()
}

/// What the first signature covers, read in another way than the crate's.
fn signed_payload(bytes: &[u8]) -> Vec<u8> {
    #[derive(Deserialize)]
    struct Signed {
        signatures: Vec<Signature>,
    }
    #[derive(Deserialize)]
    struct Signature {
        protected: String,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Protected {
        format_length: usize,
        format_tail: String,
    }

    let signed: Signed = serde_json::from_slice(bytes).expect("a signed manifest");
    let protected = LENIENT.decode(&signed.signatures[0].protected).expect("base64");
    let protected: Protected = serde_json::from_slice(&protected).expect("a protected header");
    let tail = LENIENT.decode(protected.format_tail).expect("base64");
    [&bytes[..protected.format_length], &tail].concat()
}

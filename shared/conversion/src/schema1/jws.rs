//! The signatures of schema 1: JSON web signatures in the form of Docker's libtrust.
//!
//! The signed payload is a document of its own, spread over the manifest: its first `formatLength` bytes, and then
//! `formatTail`. What stands between them in the manifest, `signatures` above all, isn't signed and isn't believed.

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose::URL_SAFE_NO_PAD};
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use serde::Serialize;

use super::key;
use crate::json::{Node, Object};
use crate::{ParseError, go_json};

/// The base64 that libtrust reads: with or without padding, and with stray bits at the end.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A signed manifest whose signatures are well formed.
#[derive(Debug)]
pub(super) struct Signed {
    payload: Vec<u8>,
    signatures: Vec<BlockSignature>,
}

/// One entry of `signatures`.
#[derive(Debug)]
struct BlockSignature {
    protected: String,
    signature: Vec<u8>,
    key: SignatureKey,
}

/// What a signature says it can be verified with.
#[derive(Debug)]
enum SignatureKey {
    Es256(VerifyingKey),
    /// Something that this registry doesn't verify, in words.
    Unsupported(String),
}

impl Signed {
    /// Reads `signatures` of the manifest `bytes`.
    pub(super) fn parse(bytes: &[u8], signatures: &Node<'_>) -> Result<Self, ParseError> {
        let mut payload = None;
        let mut parsed = Vec::new();
        for node in signatures.array()? {
            let block = node.object()?;
            let protected = block.require("protected")?;
            let this_payload = payload_of(bytes, &protected)?;
            if payload.get_or_insert_with(|| this_payload.clone()) != &this_payload {
                return Err(protected.error("covers another payload than the signatures before it"));
            }
            parsed.push(BlockSignature {
                protected: protected.string()?,
                signature: decode(&block.require("signature")?)?,
                key: signature_key(&block)?,
            });
        }
        let payload = payload.ok_or_else(|| signatures.error("must have at least one entry, or be left out"))?;
        Ok(Self { payload, signatures: parsed })
    }

    /// Verifies every signature.
    pub(super) fn verify(&self) -> Result<(), ParseError> {
        let payload = URL_SAFE_NO_PAD.encode(&self.payload);
        for (index, block) in self.signatures.iter().enumerate() {
            let unverified = |problem: String| ParseError::Unverified { signature: index, problem };
            let key = match &block.key {
                SignatureKey::Es256(key) => key,
                SignatureKey::Unsupported(what) => {
                    return Err(unverified(format!("{what} can't be verified, only ES256 with a key in header.jwk")));
                }
            };
            let message = format!("{}.{payload}", block.protected);
            let holds = Signature::from_slice(&block.signature)
                .is_ok_and(|signature| key.verify(message.as_bytes(), &signature).is_ok());
            if !holds {
                return Err(unverified("the ES256 signature is not one of this content by this key".to_owned()));
            }
        }
        Ok(())
    }

    pub(super) fn into_payload(self) -> Vec<u8> {
        self.payload
    }
}

fn decode(node: &Node<'_>) -> Result<Vec<u8>, ParseError> {
    LENIENT.decode(node.string()?).map_err(|_| node.error("must be base64 with the alphabet for URLs"))
}

/// The payload that a `protected` header describes.
fn payload_of(bytes: &[u8], protected: &Node<'_>) -> Result<Vec<u8>, ParseError> {
    let header = decode(protected)?;
    let inner = |error: ParseError| protected.error(format!("when decoded: {error}"));
    let header = Node::document(&header).and_then(|header| header.object()).map_err(inner)?;
    let length = header.require("formatLength").and_then(|length| length.size()).map_err(inner)?;
    let tail = header.require("formatTail").and_then(|tail| decode(&tail)).map_err(inner)?;
    let head = usize::try_from(length).ok().and_then(|length| bytes.get(..length));
    let head = head.ok_or_else(|| protected.error(format!("formatLength {length} is more than the manifest has")))?;
    Ok([head, &tail].concat())
}

/// The key in a signature's header.
fn signature_key(block: &Object<'_>) -> Result<SignatureKey, ParseError> {
    let header = block.require("header")?.object()?;
    let algorithm = header.require("alg")?.string()?;
    if header.get("x5c")?.is_some() {
        return Ok(SignatureKey::Unsupported("a chain of certificates (header.x5c)".to_owned()));
    }
    let jwk_node = header.require("jwk")?;
    let jwk = jwk_node.object()?;
    let kind = jwk.require("kty")?.string()?;
    if algorithm != "ES256" || kind != "EC" {
        return Ok(SignatureKey::Unsupported(format!("{algorithm} with a key of type {kind}")));
    }
    if jwk.require("crv")?.string()? != "P-256" {
        return Err(jwk.error("crv", "must be P-256 for ES256"));
    }
    let (x, y) = (decode(&jwk.require("x")?)?, decode(&jwk.require("y")?)?);
    // Big-endian numbers; a leading zero may be missing. 4 says that both coordinates follow (SEC 1, section 2.3.3).
    let (Some(x), Some(y)) = (key::coordinate(&x), key::coordinate(&y)) else {
        return Err(jwk_node.error("x and y must have at most 32 bytes"));
    };
    let point = [&[4], &x[..], &y[..]].concat();
    let verifying_key =
        VerifyingKey::from_sec1_bytes(&point).map_err(|_| jwk_node.error("x and y are no point of the curve P-256"))?;
    // libtrust refuses a key whose id is another one, so Docker couldn't pull what we let in.
    let id = jwk.read("kid", Node::string)?;
    if id.is_some_and(|id| id != key::id(&verifying_key)) {
        return Err(jwk.error("kid", "is not the id of this key"));
    }
    Ok(SignatureKey::Es256(verifying_key))
}

/// Signs a JSON object and writes the signature into it, as libtrust's `PrettySignature` does.
///
/// The result is a function of its input: the key is [fixed](key::SIGNING_KEY), ECDSA takes its nonce from key and
/// message (RFC 6979), and the time is the caller's.
pub(super) fn sign(payload: &str, time: &str) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Protected<'a> {
        format_length: usize,
        format_tail: String,
        time: &'a str,
    }

    // The signature goes before the closing brace and the white space around it.
    let head = payload.rfind('}').map_or(payload, |brace| payload[..brace].trim_end());
    let format_tail = URL_SAFE_NO_PAD.encode(&payload[head.len()..]);
    let protected = go_json::compact(&Protected { format_length: head.len(), format_tail, time });
    let protected = URL_SAFE_NO_PAD.encode(protected);
    let signature = key::sign(format!("{protected}.{}", URL_SAFE_NO_PAD.encode(payload)).as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(signature.to_bytes());
    let key::Jwk { id, x, y } = key::public_jwk();
    let signatures = format!(
        r#",
   "signatures": [
      {{
         "header": {{
            "jwk": {{
               "crv": "P-256",
               "kid": "{id}",
               "kty": "EC",
               "x": "{x}",
               "y": "{y}"
            }},
            "alg": "ES256"
         }},
         "signature": "{signature}",
         "protected": "{protected}"
      }}
   ]
}}"#
    );
    [head, &signatures].concat().into_bytes()
}

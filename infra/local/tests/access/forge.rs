//! Tokens as nobody should make them, with the registry's own key in hand.

use access::SigningKey;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::{Value, json};
use storage::Storage;

pub(crate) struct Forge {
    pub(crate) kid: String,
    /// The public half, 32 bytes.
    pub(crate) public: Vec<u8>,
    pair: Ed25519KeyPair,
    service: String,
}

impl Forge {
    /// With the key that the registry signs with now.
    pub(crate) async fn of(storage: &Storage, service: String) -> Self {
        let key = storage.private_key().await.unwrap().unwrap();
        Self::with(&SigningKey::from_pkcs8(&key.id, &key.key).unwrap(), service)
    }

    /// With a key of nobody's, under the name of this one.
    pub(crate) fn foreign(&self) -> Self {
        let key = SigningKey::generate().unwrap();
        Self { kid: self.kid.clone(), ..Self::with(&key, self.service.clone()) }
    }

    fn with(key: &SigningKey, service: String) -> Self {
        let pair = Ed25519KeyPair::from_pkcs8(key.pkcs8()).unwrap();
        Self { kid: key.id().to_owned(), public: key.public().to_vec(), pair, service }
    }

    /// The header of what the registry signs.
    pub(crate) fn header(&self) -> Value {
        json!({"typ": "JWT", "alg": "EdDSA", "kid": self.kid})
    }

    /// What a token says that lets a user pull and push `team/app`.
    pub(crate) fn claims(&self) -> Value {
        let now = runtime::now();
        json!({
            "use": "access",
            "aud": self.service,
            "sub": "user:somebody",
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            "jti": "0123456789abcdef",
            "access": [{"type": "repository", "name": "team/app", "actions": ["pull", "push"]}],
        })
    }

    /// The same with something else in it.
    pub(crate) fn claims_with(&self, name: &str, value: Value) -> Value {
        let mut claims = self.claims();
        claims[name] = value;
        claims
    }

    /// The same without something.
    pub(crate) fn claims_without(&self, name: &str) -> Value {
        let mut claims = self.claims();
        claims.as_object_mut().unwrap().remove(name);
        claims
    }

    pub(crate) fn header_with(&self, name: &str, value: Value) -> Value {
        let mut header = self.header();
        header[name] = value;
        header
    }

    /// Signed with the key.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let signature = self.pair.sign(message.as_bytes());
        format!("{message}.{}", encode(signature.as_ref()))
    }

    /// Signed as RS256's cousin HS256 would be, where the key is a secret.
    pub(crate) fn sign_with_hmac(&self, secret: &[u8]) -> String {
        let message = message(&self.header_with("alg", json!("HS256")), &self.claims());
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        format!("{message}.{}", encode(tag.as_ref()))
    }
}

/// What is signed of a token.
pub(crate) fn message(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()))
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The claims of a token, whoever signed it.
pub(crate) fn claims_of(token: &str) -> Value {
    let claims = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&claims).unwrap()
}

/// The name of the key that it is signed with.
pub(crate) fn kid_of(token: &str) -> String {
    let header = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

//! Signed tokens: JSON Web Tokens (RFC 7519) with Ed25519 signatures (RFC 8037).
//!
//! Two kinds are signed with the same keys and say which they are: *access tokens*, which live for minutes and carry what
//! was granted (Docker token specification, "Token Authentication Implementation"), and *passwords*, which live for
//! hours and say no more than who somebody is.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use protocol::RepositoryName;
use serde::{Deserialize, Serialize};

use crate::secret::hex;
use crate::{Actions, NoRandomness, Principal, RepositoryPattern, Secret};

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Usage {
    /// A Bearer token of the registry's routes.
    Access,
    /// The password of user `AWS`.
    Password,
}

/// What a token says. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// What it is for.
    #[serde(rename = "use")]
    pub usage: Usage,
    /// The registry that it is for: its host name. It is also the one that issued it.
    #[serde(rename = "aud")]
    pub service: String,
    /// Who it was issued to.
    #[serde(rename = "sub")]
    pub principal: Principal,
    /// When.
    #[serde(rename = "iat")]
    pub issued_at: u64,
    /// Not valid before.
    #[serde(rename = "nbf")]
    pub not_before: u64,
    /// Not valid from then on.
    #[serde(rename = "exp")]
    pub expires_at: u64,
    /// Tells it from others in the log.
    #[serde(rename = "jti")]
    pub id: String,
    /// What was granted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access: Vec<AccessEntry>,
}

/// One granted thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum AccessEntry {
    /// Actions on a repository.
    Repository {
        /// Its name.
        name: RepositoryName,
        /// What may be done.
        actions: Actions,
    },
    /// Listing these repositories.
    Catalog {
        /// Those that are shown.
        repositories: Vec<RepositoryPattern>,
    },
}

impl AccessEntry {
    /// How many bytes it takes in a token, before base64.
    pub fn size(&self) -> usize {
        serde_json::to_string(self).map_or(usize::MAX, |json| json.len() + 1)
    }
}

/// How far the clocks of two functions may be apart, in seconds, for a token that was just issued.
const CLOCK_SKEW: u64 = 30;

/// Why a token is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// It isn't a token of this registry: another form, another algorithm, no key named.
    Malformed,
    /// It is signed with a key that isn't known, perhaps not yet.
    UnknownKey,
    /// It was altered, or signed by somebody else.
    BadSignature,
    /// Its time is over.
    Expired,
    /// Its time hasn't come.
    NotYetValid,
    /// It was issued for another registry.
    WrongService,
    /// It was issued for another use.
    WrongUse,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "it is not a token of this registry",
            Self::UnknownKey => "it is signed with a key that this registry does not know",
            Self::BadSignature => "its signature does not match",
            Self::Expired => "it has expired",
            Self::NotYetValid => "it is not valid yet",
            Self::WrongService => "it was issued for another registry",
            Self::WrongUse => "it was issued for another use",
        })
    }
}

impl std::error::Error for TokenError {}

/// A private key. `Debug` doesn't show it.
pub struct SigningKey {
    id: String,
    pkcs8: Vec<u8>,
    public: Vec<u8>,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.id)
    }
}

/// The key can't be used: what is kept of it isn't one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKey;

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is no Ed25519 key")
    }
}

impl std::error::Error for InvalidKey {}

impl SigningKey {
    /// A new key with a random name.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn generate() -> Result<Self, NoRandomness> {
        let pair = Ed25519KeyPair::generate().map_err(|_| NoRandomness)?;
        let pkcs8 = pair.to_pkcs8().map_err(|_| NoRandomness)?;
        Self::from_pkcs8(&random_id()?, pkcs8.as_ref()).map_err(|_| NoRandomness)
    }

    /// The key that is kept under a name.
    ///
    /// # Errors
    /// When it isn't one.
    pub fn from_pkcs8(id: &str, pkcs8: &[u8]) -> Result<Self, InvalidKey> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| InvalidKey)?;
        Ok(Self { id: id.to_owned(), pkcs8: pkcs8.to_vec(), public: pair.public_key().as_ref().to_vec() })
    }

    /// Its name, the `kid` of what it signs.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What is kept of it (RFC 8410).
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public half: 32 bytes.
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// Signs a token.
    ///
    /// # Errors
    /// When the key can't be used.
    pub fn sign(&self, claims: &Claims) -> Result<Secret, InvalidKey> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.id.clone());
        let token = jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(&self.pkcs8));
        token.map(Secret::new).map_err(|_| InvalidKey)
    }
}

/// A name that nobody else chooses: 64 random bits in hexadecimal.
///
/// # Errors
/// When the system gives no random numbers.
pub fn random_id() -> Result<String, NoRandomness> {
    let mut random = [0; 8];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| NoRandomness)?;
    Ok(hex(&random))
}

/// The public keys of a registry, by name.
#[derive(Clone, Default)]
pub struct PublicKeys(BTreeMap<String, DecodingKey>);

impl PublicKeys {
    /// Adds a key: 32 bytes.
    pub fn insert(&mut self, id: &str, public: &[u8]) {
        self.0.insert(id.to_owned(), DecodingKey::from_ed_der(public));
    }

    /// Reads a token that is for this service and use, at this time (seconds since 1970).
    ///
    /// # Errors
    /// When it isn't valid. [`TokenError::UnknownKey`] may be answered by reading the keys again.
    pub fn verify(&self, token: &Secret, usage: Usage, service: &str, now: u64) -> Result<Claims, TokenError> {
        let header = jsonwebtoken::decode_header(token.expose()).map_err(|_| TokenError::Malformed)?;
        if header.alg != Algorithm::EdDSA {
            return Err(TokenError::Malformed);
        }
        let key = self.0.get(&header.kid.ok_or(TokenError::Malformed)?).ok_or(TokenError::UnknownKey)?;
        let claims = match jsonwebtoken::decode::<Claims>(token.expose(), key, &signature_only()) {
            Ok(decoded) => decoded.claims,
            Err(error) if matches!(error.kind(), jsonwebtoken::errors::ErrorKind::InvalidSignature) => {
                return Err(TokenError::BadSignature);
            }
            Err(_) => return Err(TokenError::Malformed),
        };
        if claims.usage != usage {
            Err(TokenError::WrongUse)
        } else if claims.service != service {
            Err(TokenError::WrongService)
        } else if claims.expires_at <= now {
            Err(TokenError::Expired)
        } else if claims.not_before > now + CLOCK_SKEW {
            Err(TokenError::NotYetValid)
        } else {
            Ok(claims)
        }
    }
}

/// The library checks form, algorithm and signature; what the claims mean is compared here, against a clock that is an
/// argument.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

//! What the token endpoint gives.

use std::fmt;

use access::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::HeaderValue;
use serde::Deserialize;

/// A token, as a client sees it. `Debug` doesn't show it.
pub(super) struct Token {
    secret: Secret,
    /// How many seconds a client may count on.
    pub(super) expires_in: Option<u64>,
    /// What is in it; None when it isn't a JWT.
    pub(super) claims: Option<Claims>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("expires_in", &self.expires_in)
            .field("claims", &self.claims)
            .finish_non_exhaustive()
    }
}

/// The times in a token, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Claims {
    pub(super) iat: u64,
    pub(super) exp: u64,
}

/// Docker token specification, "Token Response Fields".
#[derive(Deserialize)]
struct Fields {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

impl Token {
    /// Reads the endpoint's answer; None when there is no token in it.
    pub(super) fn read(body: &Bytes) -> Option<Self> {
        let fields: Fields = serde_json::from_slice(body).ok()?;
        let text = fields.token.or(fields.access_token).filter(|text| !text.is_empty())?;
        let claims = text.split('.').nth(1).and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
        let claims = claims.and_then(|claims| serde_json::from_slice(&claims).ok());
        Some(Self { secret: Secret::new(text), expires_in: fields.expires_in, claims })
    }

    /// What is sent with requests; None when it can't stand in a header.
    pub(super) fn bearer(&self) -> Option<HeaderValue> {
        sensitive(format!("Bearer {}", self.secret.expose()))
    }
}

/// A name and a password in a header (RFC 7617).
pub(super) fn basic(user: &str, password: &Secret) -> Option<HeaderValue> {
    sensitive(format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.expose()))))
}

fn sensitive(text: String) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_its_times_in_it_and_is_shown_nowhere() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"iat":100,"exp":400,"sub":"x"}"#);
        let body = format!(r#"{{"token":"h.{claims}.s","access_token":"h.{claims}.s","expires_in":240}}"#);
        let token = Token::read(&Bytes::from(body)).unwrap();
        assert_eq!((token.claims, token.expires_in), (Some(Claims { iat: 100, exp: 400 }), Some(240)));
        assert!(token.bearer().is_some_and(|value| value.is_sensitive()));
        assert!(!format!("{token:?}").contains(&claims));
        assert!(
            Token::read(&Bytes::from_static(b"{\"token\":\"opaque\"}")).is_some_and(|token| token.claims.is_none())
        );
        for none in ["", "{}", "{\"token\":\"\"}", "[]"] {
            assert!(Token::read(&Bytes::from_static(none.as_bytes())).is_none(), "{none}");
        }
    }
}

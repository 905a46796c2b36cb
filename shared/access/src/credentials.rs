//! What a request says of who it comes from (RFC 9110, section 11.4).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

use crate::Secret;

/// The header field `Authorization`.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// There is none.
    None,
    /// A token (RFC 6750).
    Bearer(Secret),
    /// A name and a password (RFC 7617).
    Basic {
        /// The name, which anybody may have written.
        user: String,
        /// The password.
        password: Secret,
    },
}

/// Why credentials can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MalformedCredentials {
    /// More than one, so that it isn't clear which counts. A gateway joins them with commas.
    Several,
    /// More than [`Credentials::MAX_LENGTH`] bytes.
    TooLong,
    /// Neither Bearer nor Basic.
    UnknownScheme,
    /// Not what the scheme wants.
    Malformed,
}

impl fmt::Display for MalformedCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Several => f.write_str("there is more than one Authorization header; send one"),
            Self::TooLong => {
                write!(f, "the Authorization header is longer than {} bytes", Credentials::MAX_LENGTH)
            }
            Self::UnknownScheme => f.write_str("the Authorization header is neither Bearer nor Basic"),
            Self::Malformed => f.write_str("the Authorization header is malformed"),
        }
    }
}

impl std::error::Error for MalformedCredentials {}

/// Some clients pad, some don't.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Credentials {
    /// The longest header field, in bytes. What the registry issues has at most two thirds of it.
    pub const MAX_LENGTH: usize = 8 * 1024;

    /// Reads the values of every `Authorization` field of a request.
    ///
    /// # Errors
    /// When they can't be read without guessing.
    pub fn read<'a>(fields: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, MalformedCredentials> {
        let mut fields = fields.into_iter();
        let Some(field) = fields.next() else { return Ok(Self::None) };
        if fields.next().is_some() {
            return Err(MalformedCredentials::Several);
        }
        if field.len() > Self::MAX_LENGTH {
            return Err(MalformedCredentials::TooLong);
        }
        let text = std::str::from_utf8(field).map_err(|_| MalformedCredentials::Malformed)?;
        let (scheme, value) = text.trim().split_once(' ').ok_or(MalformedCredentials::Malformed)?;
        let value = value.trim();
        // No scheme that is known here has a comma in its value.
        if value.contains(',') {
            return Err(MalformedCredentials::Several);
        }
        if scheme.eq_ignore_ascii_case("bearer") {
            let is_token = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic());
            return if is_token { Ok(Self::Bearer(Secret::new(value))) } else { Err(MalformedCredentials::Malformed) };
        }
        if scheme.eq_ignore_ascii_case("basic") {
            let decoded = BASE64.decode(value).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let pair = decoded.as_deref().and_then(|pair| pair.split_once(':'));
            let (user, password) = pair.ok_or(MalformedCredentials::Malformed)?;
            return Ok(Self::Basic { user: user.to_owned(), password: Secret::new(password) });
        }
        Err(MalformedCredentials::UnknownScheme)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[&str]) -> Result<String, MalformedCredentials> {
        Credentials::read(fields.iter().map(|field| field.as_bytes())).map(|credentials| match credentials {
            Credentials::None => String::new(),
            Credentials::Bearer(token) => format!("token {}", token.expose()),
            Credentials::Basic { user, password } => format!("{user} {}", password.expose()),
        })
    }

    #[test]
    fn both_schemes_are_read_in_any_case() {
        assert_eq!(read(&[]), Ok(String::new()));
        assert_eq!(read(&["Bearer a.b.c"]), Ok("token a.b.c".to_owned()));
        assert_eq!(read(&["bearer  a.b.c "]), Ok("token a.b.c".to_owned()));
        assert_eq!(read(&["Basic YTpiOmM="]), Ok("a b:c".to_owned()));
        assert_eq!(read(&["BASIC YTpiOmM"]), Ok("a b:c".to_owned()));
    }

    #[test]
    fn two_headers_are_refused_joined_or_not() {
        assert_eq!(read(&["Bearer a", "Bearer b"]), Err(MalformedCredentials::Several));
        assert_eq!(read(&["Bearer a,Bearer b"]), Err(MalformedCredentials::Several));
        assert_eq!(read(&["Basic YTpi, Bearer b"]), Err(MalformedCredentials::Several));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for malformed in ["", "Bearer", "Bearer ", "Bearer a b", "Basic %%%", "Basic YWI=", "Basic /w=="] {
            assert_eq!(read(&[malformed]), Err(MalformedCredentials::Malformed), "{malformed}");
        }
        assert_eq!(read(&["Digest x"]), Err(MalformedCredentials::UnknownScheme));
        assert_eq!(read(&[&format!("Bearer {}", "a".repeat(8 * 1024))]), Err(MalformedCredentials::TooLong));
    }

    #[test]
    fn passwords_do_not_show() {
        let credentials = Credentials::read(["Basic YTpzZWNyZXQ=".as_bytes()]);
        assert!(!format!("{credentials:?}").contains("secret"));
    }
}

//! What a 401 says about how to get in (RFC 9110, section 11.6.1).

use std::fmt;

/// Where a registry is, as its clients know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    host: String,
    is_secure: bool,
}

impl Origin {
    /// A host name, with its port if it isn't the usual one; what can't be part of one is left out. `is_secure` unless it
    /// is spoken to without TLS, which is for loopback only.
    pub fn new(host: &str, is_secure: bool) -> Self {
        let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        Self { host: host.chars().filter(allowed).map(|c| c.to_ascii_lowercase()).collect(), is_secure }
    }

    /// The name that tokens are issued for, `service` in a challenge and `aud` in a token.
    pub fn service(&self) -> &str {
        &self.host
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.is_secure { "https" } else { "http" }, self.host)
    }
}

/// Why a token that came wasn't enough (RFC 6750, section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenProblem {
    /// It isn't valid, or not any more.
    Invalid,
    /// It is valid and too narrow.
    InsufficientScope,
}

/// Sends a client to the token endpoint (Docker token specification, "How to authenticate").
pub fn bearer_challenge(origin: &Origin, scope: Option<&str>, problem: Option<TokenProblem>) -> String {
    let mut challenge = format!("Bearer realm=\"{origin}/token\",service=\"{}\"", origin.service());
    if let Some(scope) = scope {
        challenge.push_str(&format!(",scope=\"{scope}\""));
    }
    match problem {
        Some(TokenProblem::Invalid) => challenge.push_str(",error=\"invalid_token\""),
        Some(TokenProblem::InsufficientScope) => challenge.push_str(",error=\"insufficient_scope\""),
        None => {}
    }
    challenge
}

/// Asks for a name and a password: what the token endpoint wants.
pub fn basic_challenge(origin: &Origin) -> String {
    format!("Basic realm=\"{origin}/token\",service=\"{}\"", origin.service())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_names_the_endpoint_the_service_and_the_scope() {
        let origin = Origin::new("registry.example.com", true);
        assert_eq!(
            bearer_challenge(&origin, Some("repository:a:pull"), Some(TokenProblem::InsufficientScope)),
            "Bearer realm=\"https://registry.example.com/token\",service=\"registry.example.com\",\
             scope=\"repository:a:pull\",error=\"insufficient_scope\""
        );
        let local = Origin::new("127.0.0.1:5000", false);
        assert_eq!(
            bearer_challenge(&local, None, None),
            "Bearer realm=\"http://127.0.0.1:5000/token\",service=\"127.0.0.1:5000\""
        );
    }

    #[test]
    fn a_host_cannot_break_out_of_the_challenge() {
        let odd = Origin::new("A\", x=\"b\r\n", true);
        assert_eq!(basic_challenge(&odd), "Basic realm=\"https://axb/token\",service=\"axb\"");
    }
}

//! Who may do what.
//!
//! Every handler needs a [`Granted`] route, and only [`Access::grant`] makes one: nothing is read or written before it
//! has decided. The decision is made on the parsed route, the same one that the handler then works from.

use std::fmt;
use std::str::FromStr;

use protocol::{ApiError, ErrorCode, Route};

/// Who is let in.
///
/// There are no credentials yet: a registry is closed, or it is open to whoever reaches it. A function is closed unless
/// its environment says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Access {
    /// Nobody.
    #[default]
    Closed,
    /// Everybody who reaches it: a registry on loopback, or behind a network that lets nobody else in.
    Open,
}

/// The text is neither `closed` nor `open`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidAccess(String);

impl fmt::Display for InvalidAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no kind of access; use closed or open", self.0)
    }
}

impl std::error::Error for InvalidAccess {}

impl FromStr for Access {
    type Err = InvalidAccess;

    fn from_str(text: &str) -> Result<Self, InvalidAccess> {
        match text {
            "closed" => Ok(Self::Closed),
            "open" => Ok(Self::Open),
            other => Err(InvalidAccess(other.to_owned())),
        }
    }
}

/// A route that the caller may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    route: Route,
}

impl Granted {
    /// What was granted.
    pub fn route(&self) -> &Route {
        &self.route
    }
}

/// Why the caller may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The registry is closed.
    Closed,
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Closed => ApiError::new(
                ErrorCode::Unauthorized,
                "this registry is closed; its operator opens it with the deployment's parameter Access",
            ),
        }
    }
}

impl Access {
    /// Decides whether the caller may use a route.
    ///
    /// # Errors
    /// When it may not.
    pub fn grant(self, route: Route) -> Result<Granted, Denied> {
        match self {
            Self::Open => Ok(Granted { route }),
            Self::Closed => Err(Denied::Closed),
        }
    }
}

/// The challenge that goes with a 401 (RFC 9110, section 11.6.1): `docker login` and its like ask for a password then.
pub fn challenge(host: &str) -> String {
    let realm: String = host.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\')).collect();
    format!("Basic realm=\"https://{realm}/\", service=\"{realm}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_is_the_default_and_lets_nobody_in() {
        assert_eq!(Access::default().grant(Route::Base), Err(Denied::Closed));
        assert_eq!(ApiError::from(Denied::Closed).code.status(), 401);
    }

    #[test]
    fn nothing_but_its_two_names_is_read() {
        assert_eq!("open".parse(), Ok(Access::Open));
        assert_eq!("closed".parse(), Ok(Access::Closed));
        assert!("Open ".parse::<Access>().is_err());
    }

    #[test]
    fn a_host_cannot_break_out_of_the_challenge() {
        assert_eq!(challenge("a\", x=\"b\r\n"), "Basic realm=\"https://a,x=b/\", service=\"a,x=b\"");
    }
}

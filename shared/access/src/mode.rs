//! Whether a registry asks who somebody is.

use std::fmt;
use std::str::FromStr;

/// Who is let in. A function asks for a login unless its environment says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Access {
    /// Whoever logs in, to what was granted to them.
    #[default]
    Login,
    /// Everybody who reaches it: a registry on loopback, or behind a network that lets nobody else in.
    Open,
}

impl Access {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Open => "open",
        }
    }
}

/// The text is neither `login` nor `open`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidAccess(String);

impl fmt::Display for InvalidAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no kind of access; use login or open", self.0)
    }
}

impl std::error::Error for InvalidAccess {}

impl FromStr for Access {
    type Err = InvalidAccess;

    fn from_str(text: &str) -> Result<Self, InvalidAccess> {
        match text {
            "login" => Ok(Self::Login),
            "open" => Ok(Self::Open),
            other => Err(InvalidAccess(other.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_the_default_and_nothing_but_its_two_names_is_read() {
        assert_eq!(Access::default(), Access::Login);
        for access in [Access::Login, Access::Open] {
            assert_eq!(access.as_str().parse(), Ok(access));
        }
        assert!("Open ".parse::<Access>().is_err());
    }
}

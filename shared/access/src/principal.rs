//! Who somebody is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::IamPrincipal;

/// Who a request comes from. As text: what stands in tokens and in the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Principal {
    /// Nobody in particular, in a registry that is open to everybody.
    Anyone,
    /// Nobody in particular, where some repositories may be pulled without a password.
    Anonymous,
    /// A user of the registry.
    User(UserName),
    /// Somebody whom IAM knows.
    Iam(IamPrincipal),
    /// Whoever has the secret that ECS task definitions name in `repositoryCredentials`.
    PullSecret,
}

impl Principal {
    /// Who owns what this principal begins, upload sessions for instance. The sessions of a role are one: a job goes on
    /// with the next one when its credentials were renewed.
    pub fn owner(&self) -> String {
        match self {
            Self::Iam(principal) => format!("iam:{}", principal.identity()),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => f.write_str("anyone"),
            Self::Anonymous => f.write_str("anonymous"),
            Self::User(name) => write!(f, "user:{name}"),
            Self::Iam(principal) => write!(f, "iam:{principal}"),
            Self::PullSecret => f.write_str("pull-secret"),
        }
    }
}

/// The text names no principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidPrincipal;

impl fmt::Display for InvalidPrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this names no principal")
    }
}

impl std::error::Error for InvalidPrincipal {}

impl FromStr for Principal {
    type Err = InvalidPrincipal;

    fn from_str(text: &str) -> Result<Self, InvalidPrincipal> {
        match text.split_once(':') {
            Some(("user", name)) => name.parse().map(Self::User).map_err(|_| InvalidPrincipal),
            Some(("iam", arn)) => arn.parse().map(Self::Iam).map_err(|_| InvalidPrincipal),
            None if text == "anyone" => Ok(Self::Anyone),
            None if text == "anonymous" => Ok(Self::Anonymous),
            None if text == "pull-secret" => Ok(Self::PullSecret),
            _ => Err(InvalidPrincipal),
        }
    }
}

impl TryFrom<String> for Principal {
    type Error = InvalidPrincipal;

    fn try_from(text: String) -> Result<Self, InvalidPrincipal> {
        text.parse()
    }
}

impl From<Principal> for String {
    fn from(principal: Principal) -> Self {
        principal.to_string()
    }
}

/// The name of a user of the registry: 1 to 64 lower-case letters, digits, and `.`, `_`, `-` after the first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserName(String);

impl UserName {
    /// Names that aren't a user's: of IAM principals, and of the pull secret.
    pub const RESERVED: &[&str] = &["aws", "ecs"];

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a user's name is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidUserName {
    /// Outside the grammar.
    Malformed,
    /// One of [`UserName::RESERVED`].
    Reserved(String),
}

impl fmt::Display for InvalidUserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => {
                f.write_str("a user's name has 1 to 64 lower-case letters, digits, and . _ - after the first character")
            }
            Self::Reserved(name) => write!(f, "the name {name} is reserved; choose another one"),
        }
    }
}

impl std::error::Error for InvalidUserName {}

impl FromStr for UserName {
    type Err = InvalidUserName;

    fn from_str(name: &str) -> Result<Self, InvalidUserName> {
        let well_formed = (1..=64).contains(&name.len())
            && name.bytes().enumerate().all(|(i, b)| match b {
                b'a'..=b'z' | b'0'..=b'9' => true,
                b'.' | b'_' | b'-' => i > 0,
                _ => false,
            });
        if !well_formed {
            return Err(InvalidUserName::Malformed);
        }
        if Self::RESERVED.contains(&name) {
            return Err(InvalidUserName::Reserved(name.to_owned()));
        }
        Ok(Self(name.to_owned()))
    }
}

impl TryFrom<String> for UserName {
    type Error = InvalidUserName;

    fn try_from(name: String) -> Result<Self, InvalidUserName> {
        name.parse()
    }
}

impl From<UserName> for String {
    fn from(name: UserName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_are_read_back_as_they_were_written() {
        for text in
            ["anyone", "anonymous", "pull-secret", "user:ci", "iam:arn:aws:sts::123456789012:assumed-role/Deploy/run-7"]
        {
            assert_eq!(text.parse::<Principal>().map(|principal| principal.to_string()), Ok(text.to_owned()));
        }
        for bad in ["", "user:", "user:AWS", "user:aws", "iam:x", "user", "root", "anonymous:x"] {
            assert!(bad.parse::<Principal>().is_err(), "{bad}");
        }
    }

    #[test]
    fn sessions_of_a_role_own_the_same_things_and_others_do_not() {
        let owner = |text: &str| text.parse::<Principal>().unwrap().owner();
        let one = owner("iam:arn:aws:sts::123456789012:assumed-role/Deploy/run-7");
        assert_eq!(one, owner("iam:arn:aws:sts::123456789012:assumed-role/Deploy/run-8"));
        assert_ne!(one, owner("iam:arn:aws:sts::123456789012:assumed-role/Other/run-7"));
        assert_ne!(owner("user:a"), owner("user:b"));
    }

    #[test]
    fn names_of_users_have_a_grammar() {
        for good in ["ci", "a", "team-a.ci_1", "0"] {
            assert!(good.parse::<UserName>().is_ok(), "{good}");
        }
        for bad in ["", "CI", "-a", "a b", "a:b", "ü", "ecs", "aws", &"a".repeat(65)] {
            assert!(bad.parse::<UserName>().is_err(), "{bad}");
        }
    }
}

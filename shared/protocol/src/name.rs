//! Repository names.

use std::fmt;
use std::str::FromStr;

/// A repository name: 1 to [`RepositoryName::MAX_COMPONENTS`] components joined by `/`, at most
/// [`RepositoryName::MAX_LENGTH`] characters.
///
/// The grammar is the distribution specification's ("Pulling manifests", `<name>`):
/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*`.
///
/// ```
/// use protocol::RepositoryName;
/// assert!("team/base-image".parse::<RepositoryName>().is_ok());
/// assert!("Team".parse::<RepositoryName>().is_err());
/// assert!("a/../b".parse::<RepositoryName>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryName(String);

impl RepositoryName {
    /// The longest name, in characters; Amazon ECR's limit as well.
    pub const MAX_LENGTH: usize = 256;
    /// The deepest name. API Gateway needs one route for each depth.
    pub const MAX_COMPONENTS: usize = 8;

    /// The name as it stands in a path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a repository name is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidName {
    /// There is nothing between the slashes of the path.
    Empty,
    /// More than [`RepositoryName::MAX_LENGTH`] characters.
    TooLong(usize),
    /// More than [`RepositoryName::MAX_COMPONENTS`] components.
    TooDeep(usize),
    /// This component is outside the grammar.
    Component(String),
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "the repository name is empty"),
            Self::TooLong(length) => write!(
                f,
                "the repository name has {length} characters; at most {} are allowed",
                RepositoryName::MAX_LENGTH
            ),
            Self::TooDeep(depth) => write!(
                f,
                "the repository name has {depth} components; at most {} are allowed",
                RepositoryName::MAX_COMPONENTS
            ),
            Self::Component(component) => write!(
                f,
                "the repository name's component {component:?} must be lower-case letters and digits, \
                 joined by one '.', one or two '_', or any number of '-'"
            ),
        }
    }
}

impl std::error::Error for InvalidName {}

impl FromStr for RepositoryName {
    type Err = InvalidName;

    fn from_str(name: &str) -> Result<Self, InvalidName> {
        if name.is_empty() {
            return Err(InvalidName::Empty);
        }
        let length = name.chars().count();
        if length > Self::MAX_LENGTH {
            return Err(InvalidName::TooLong(length));
        }
        let depth = name.split('/').count();
        if depth > Self::MAX_COMPONENTS {
            return Err(InvalidName::TooDeep(depth));
        }
        match name.split('/').find(|component| !is_component(component)) {
            Some(component) => Err(InvalidName::Component(component.to_owned())),
            None => Ok(Self(name.to_owned())),
        }
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`: runs of letters and digits, and between two of them one separator.
fn is_component(component: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let starts_and_ends_well = component.starts_with(alphanumeric) && component.ends_with(alphanumeric);
    starts_and_ends_well
        && component.split(alphanumeric).all(|separator| match separator {
            "" | "." | "_" | "__" => true,
            dashes => dashes.bytes().all(|b| b == b'-'),
        })
}

impl serde::Serialize for RepositoryName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for RepositoryName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_of_the_specification_decides() {
        for good in ["a", "0", "a/b", "a.b", "a_b", "a__b", "a-b", "a---b", "a/b/c/d/e/f/g/h", "library/nginx"] {
            assert!(good.parse::<RepositoryName>().is_ok(), "{good}");
        }
        for bad in [
            "", "/", "a/", "/a", "a//b", "A", "a..b", "a___b", "a._b", "-a", "a-", ".a", "a b", "a%2fb", "ä", "a/..",
            "a\n",
        ] {
            assert!(bad.parse::<RepositoryName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn length_and_depth_have_limits() {
        assert!("a".repeat(256).parse::<RepositoryName>().is_ok());
        assert_eq!("a".repeat(257).parse::<RepositoryName>(), Err(InvalidName::TooLong(257)));
        assert_eq!("a/a/a/a/a/a/a/a/a".parse::<RepositoryName>(), Err(InvalidName::TooDeep(9)));
    }
}

//! Which repositories a permission is about.

use std::fmt;
use std::str::FromStr;

use protocol::{RepositoryName, glob};
use serde::{Deserialize, Serialize};

/// A repository's name, or a pattern of names: `*` stands for any run of characters, slashes too, as in IAM's policies.
/// `team/*` is everything below `team`, `*` is everything.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepositoryPattern(String);

/// Why a pattern is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPattern {
    pattern: String,
    reason: &'static str,
}

impl fmt::Display for InvalidPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no pattern of repository names: {}", self.pattern, self.reason)
    }
}

impl std::error::Error for InvalidPattern {}

impl RepositoryPattern {
    /// Every repository.
    pub fn everything() -> Self {
        Self("*".to_owned())
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the repository is one of those.
    pub fn matches(&self, name: &RepositoryName) -> bool {
        glob::matches(&self.0, name.as_str())
    }

    /// Whether whatever matches `other` matches this one. A star of the other is a character like any other here, and
    /// only a star of ours can take it.
    pub fn covers(&self, other: &Self) -> bool {
        glob::matches(&self.0, &other.0)
    }

    /// What every name that matches begins with.
    pub fn literal_prefix(&self) -> &str {
        self.0.split('*').next().unwrap_or_default()
    }
}

impl fmt::Display for RepositoryPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RepositoryPattern {
    type Err = InvalidPattern;

    fn from_str(pattern: &str) -> Result<Self, InvalidPattern> {
        let invalid = |reason| Err(InvalidPattern { pattern: pattern.to_owned(), reason });
        if pattern.is_empty() {
            return invalid("it is empty; use * for every repository");
        }
        if pattern.len() > RepositoryName::MAX_LENGTH {
            return invalid("it is longer than a name may be, 256 characters");
        }
        if !pattern.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'/' | b'*')) {
            return invalid("names consist of lower-case letters, digits, and . _ - /, and * stands for any of them");
        }
        if !pattern.contains('*') && pattern.parse::<RepositoryName>().is_err() {
            return invalid("without a * it has to be a repository's name, and no repository can have this one");
        }
        Ok(Self(pattern.to_owned()))
    }
}

impl TryFrom<String> for RepositoryPattern {
    type Error = InvalidPattern;

    fn try_from(pattern: String) -> Result<Self, InvalidPattern> {
        pattern.parse()
    }
}

impl From<RepositoryPattern> for String {
    fn from(pattern: RepositoryPattern) -> Self {
        pattern.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> RepositoryPattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_pattern_covers_what_all_of_its_names_are_in() {
        for (wide, narrow) in [("*", "team/*"), ("team/*", "team/app"), ("team/*", "team/*/x"), ("a*", "a*b*")] {
            assert!(pattern(wide).covers(&pattern(narrow)), "{wide} {narrow}");
        }
        for (wide, narrow) in [("team/app", "team/*"), ("team/*", "*"), ("a*b", "a*"), ("a*b*", "a*")] {
            assert!(!pattern(wide).covers(&pattern(narrow)), "{wide} {narrow}");
        }
    }

    #[test]
    fn what_no_name_can_match_is_refused() {
        for bad in ["", "Team/*", "a b", "ä*", "a//b", "/a", "team/", "a%2fb", "a?", "a,b", &"*".repeat(257)] {
            assert!(bad.parse::<RepositoryPattern>().is_err(), "{bad}");
        }
    }

    #[test]
    fn look_alikes_of_a_name_are_other_names() {
        let app: RepositoryName = "team/app".parse().unwrap();
        assert!(pattern("team/app").matches(&app));
        for other in ["team/ap", "team/app1", "team-app", "team/app.x", "eam/app"] {
            assert!(!pattern(other).matches(&app), "{other}");
        }
    }
}

//! What can be done with a repository.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Something that is done with a repository, as Docker's token specification names it ("Resource Scope").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Reading: manifests, blobs, tags, referrers.
    Pull,
    /// Storing blobs and manifests, and setting tags.
    Push,
    /// Taking away tags, manifests, blobs.
    Delete,
}

impl Action {
    /// Every action.
    pub const ALL: &[Action] = &[Self::Pull, Self::Push, Self::Delete];

    /// The name in scopes and grants.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text isn't the name of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownAction(String);

impl fmt::Display for UnknownAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no action; use pull, push or delete", self.0)
    }
}

impl std::error::Error for UnknownAction {}

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(text: &str) -> Result<Self, UnknownAction> {
        let found = Self::ALL.iter().find(|action| action.as_str() == text);
        found.copied().ok_or_else(|| UnknownAction(text.to_owned()))
    }
}

/// A set of actions. As text: names with commas between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Actions(u8);

impl Actions {
    /// Every action.
    pub const ALL: Self = Self(0b111);
    /// None.
    pub const NONE: Self = Self(0);

    /// Whether the action is among them.
    pub fn contains(self, action: Action) -> bool {
        self.0 & action.bit() != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those in both.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those in either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// In the order of [`Action::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL.iter().copied().filter(move |action| self.contains(*action))
    }
}

impl FromIterator<Action> for Actions {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        Self(actions.into_iter().fold(0, |bits, action| bits | action.bit()))
    }
}

impl fmt::Display for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().map(Action::as_str).collect::<Vec<_>>().join(","))
    }
}

impl FromStr for Actions {
    type Err = UnknownAction;

    fn from_str(text: &str) -> Result<Self, UnknownAction> {
        text.split(',').map(|name| name.trim().parse()).collect()
    }
}

impl TryFrom<Vec<String>> for Actions {
    type Error = UnknownAction;

    fn try_from(names: Vec<String>) -> Result<Self, UnknownAction> {
        names.iter().map(|name| name.parse()).collect()
    }
}

impl From<Actions> for Vec<String> {
    fn from(actions: Actions) -> Self {
        actions.iter().map(|action| action.as_str().to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_read_and_written_by_their_names() {
        assert_eq!("push,pull".parse::<Actions>().map(|actions| actions.to_string()), Ok("pull,push".to_owned()));
        assert_eq!(serde_json::to_string(&Actions::ALL).unwrap(), r#"["pull","push","delete"]"#);
        assert_eq!(serde_json::from_str::<Actions>(r#"["delete"]"#).unwrap(), [Action::Delete].into_iter().collect());
    }

    #[test]
    fn what_is_no_action_is_refused() {
        for bad in ["", "Pull", "pull,", "*", "pull push"] {
            assert!(bad.parse::<Actions>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn sets_know_their_members() {
        let pull: Actions = [Action::Pull].into_iter().collect();
        let push: Actions = [Action::Push].into_iter().collect();
        assert!(pull.contains(Action::Pull) && !pull.contains(Action::Push) && !pull.contains(Action::Delete));
        assert!(pull.intersection(push).is_empty());
        assert_eq!(pull.union(push).intersection(Actions::ALL), pull.union(push));
    }
}

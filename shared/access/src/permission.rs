//! What somebody may do.

use std::collections::BTreeMap;

use protocol::RepositoryName;
use serde::{Deserialize, Serialize};

use crate::{Action, Actions, RepositoryPattern};

/// Actions on repositories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permission {
    /// On any repository that one of these matches.
    pub repositories: Vec<RepositoryPattern>,
    /// What may be done there.
    pub actions: Actions,
}

/// Everything that somebody may do: what any of the permissions allows. None by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Permissions(Vec<Permission>);

impl Permissions {
    /// The longest JSON of [`Permissions::pullable`], in bytes: a token for the catalog carries it, base64 makes 4,000 of
    /// them, and the whole head of a request may have 10,240 at API Gateway.
    pub const MAX_PULLABLE: usize = 3_000;

    /// Every action on every repository.
    pub fn everything() -> Self {
        Self(vec![Permission { repositories: vec![RepositoryPattern::everything()], actions: Actions::ALL }])
    }

    /// Pulling what matches one of the patterns.
    pub fn pull(repositories: Vec<RepositoryPattern>) -> Self {
        [Permission { repositories, actions: [Action::Pull].into_iter().collect() }].into_iter().collect()
    }

    /// These and those.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = &Permission> {
        self.0.iter()
    }

    /// What may be done with a repository.
    pub fn on(&self, name: &RepositoryName) -> Actions {
        let about_it = self.0.iter().filter(|permission| permission.repositories.iter().any(|p| p.matches(name)));
        about_it.fold(Actions::NONE, |all, permission| all.union(permission.actions))
    }

    /// Whether there is nothing that may be done.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|permission| permission.repositories.is_empty() || permission.actions.is_empty())
    }

    /// The repositories that may be pulled, without patterns that another one covers.
    pub fn pullable(&self) -> Vec<RepositoryPattern> {
        let mut patterns: Vec<&RepositoryPattern> = Vec::new();
        let pulling = self.0.iter().filter(|permission| permission.actions.contains(Action::Pull));
        for pattern in pulling.flat_map(|permission| &permission.repositories) {
            if patterns.iter().any(|known| known.covers(pattern)) {
                continue;
            }
            patterns.retain(|known| !pattern.covers(known));
            patterns.push(pattern);
        }
        patterns.into_iter().cloned().collect()
    }

    /// How many bytes [`Permissions::pullable`] has as JSON, of at most [`Permissions::MAX_PULLABLE`].
    pub fn pullable_size(&self) -> usize {
        serde_json::to_string(&self.pullable()).map_or(usize::MAX, |json| json.len())
    }

    /// The patterns that may be pushed and not, or not all of what they match, pulled. Stock clients look what is there
    /// before they push, so a push there fails.
    pub fn push_only(&self) -> Vec<RepositoryPattern> {
        let pullable = self.pullable();
        let pushing = self.by_pattern().into_iter().filter(|(_, actions)| actions.contains(Action::Push));
        let patterns = pushing.map(|(pattern, _)| pattern);
        patterns.filter(|pattern| !pullable.iter().any(|known| known.covers(pattern))).collect()
    }

    /// What each pattern allows. Two that say the same in other words, or in another order, come to the same.
    pub fn by_pattern(&self) -> BTreeMap<RepositoryPattern, Actions> {
        let mut allowed = BTreeMap::new();
        for permission in self.0.iter().filter(|permission| !permission.actions.is_empty()) {
            for pattern in &permission.repositories {
                let actions: &mut Actions = allowed.entry(pattern.clone()).or_default();
                *actions = actions.union(permission.actions);
            }
        }
        allowed
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permissions(json: &str) -> Permissions {
        serde_json::from_str(json).unwrap()
    }

    fn on(permissions: &Permissions, name: &str) -> String {
        permissions.on(&name.parse().unwrap()).to_string()
    }

    #[test]
    fn permissions_add_up_and_nothing_is_allowed_by_default() {
        let some = permissions(
            r#"[{"repositories": ["team/*"], "actions": ["pull"]}, {"repositories": ["team/app", "x"], "actions": ["push"]}]"#,
        );
        assert_eq!(on(&some, "team/app"), "pull,push");
        assert_eq!(on(&some, "team/base"), "pull");
        assert_eq!(on(&some, "x"), "push");
        assert_eq!(on(&some, "teams/app"), "");
        assert_eq!(on(&Permissions::default(), "x"), "");
        assert!(Permissions::default().is_empty() && !some.is_empty());
        assert!(permissions(r#"[{"repositories": ["x"], "actions": []}]"#).is_empty());
    }

    #[test]
    fn what_can_be_pulled_names_no_pattern_that_another_covers() {
        let some = permissions(
            r#"[{"repositories": ["team/app", "team/*", "x", "team/b"], "actions": ["pull"]}, {"repositories": ["y"], "actions": ["push"]}]"#,
        );
        let pullable: Vec<_> = some.pullable().into_iter().map(String::from).collect();
        assert_eq!(pullable, ["team/*", "x"]);
    }

    #[test]
    fn what_can_be_pulled_is_measured_as_it_stands_in_a_token() {
        assert_eq!(Permissions::default().pullable_size(), "[]".len());
        assert_eq!(Permissions::everything().pullable_size(), r#"["*"]"#.len());
    }

    #[test]
    fn pushing_without_pulling_is_found_out() {
        let some = permissions(
            r#"[{"repositories": ["team/*"], "actions": ["pull", "delete"]},
                {"repositories": ["team/app", "other/*", "*/x"], "actions": ["push"]},
                {"repositories": ["both"], "actions": ["pull", "push"]}]"#,
        );
        let patterns: Vec<_> = some.push_only().into_iter().map(String::from).collect();
        assert_eq!(patterns, ["*/x", "other/*"]);
        assert_eq!(Permissions::everything().push_only(), []);
    }

    #[test]
    fn permissions_that_say_the_same_come_to_the_same() {
        let one = permissions(
            r#"[{"repositories": ["a", "b"], "actions": ["pull"]}, {"repositories": ["a"], "actions": ["push"]}]"#,
        );
        let other = permissions(
            r#"[{"repositories": ["b"], "actions": ["pull"]}, {"repositories": ["c"], "actions": []},
                {"repositories": ["a"], "actions": ["push", "pull"]}]"#,
        );
        assert_eq!(one.by_pattern(), other.by_pattern());
        let shown: Vec<_> = one.by_pattern().iter().map(|(pattern, actions)| format!("{pattern} {actions}")).collect();
        assert_eq!(shown, ["a pull,push", "b pull"]);
    }

    #[test]
    fn a_permission_with_a_field_nobody_knows_is_refused() {
        assert!(serde_json::from_str::<Permissions>(r#"[{"repositories": [], "actions": [], "deny": []}]"#).is_err());
    }
}

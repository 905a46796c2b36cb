//! What a file changes.

use std::collections::BTreeMap;

use access::{Actions, IamGrant, IamPattern, Permission, Permissions, RepositoryPattern, UserName};

use super::difference::{Difference, differences};
use super::file::{File, UserTerms};
use super::state::{State, terms};
use crate::moment::Moment;

/// What would be different. Compared by meaning: other words for the same grants are no difference.
pub(crate) struct Plan {
    pub(super) users: BTreeMap<UserName, Difference<Terms>>,
    pub(super) iam: BTreeMap<IamPattern, Difference<Reach>>,
    pub(super) anonymous: BTreeMap<RepositoryPattern, Difference<()>>,
}

/// What somebody may do, pattern by pattern.
pub(super) type Reach = BTreeMap<RepositoryPattern, Actions>;

/// What makes a user, apart from the secrets.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) reach: Reach,
    pub(super) expires: Option<Moment>,
}

impl From<&UserTerms> for Terms {
    fn from(terms: &UserTerms) -> Self {
        Self { reach: reach(&terms.grants), expires: terms.expires }
    }
}

fn permissions(grants: &[Permission]) -> Permissions {
    grants.iter().cloned().collect()
}

fn reach(grants: &[Permission]) -> Reach {
    permissions(grants).by_pattern()
}

/// A principal that stands there twice has both.
fn by_principal(grants: &[IamGrant]) -> BTreeMap<IamPattern, Reach> {
    let mut together: BTreeMap<_, Vec<Permission>> = BTreeMap::new();
    for grant in grants {
        together.entry(grant.principal.clone()).or_default().extend(grant.grants.iter().cloned());
    }
    together.into_iter().map(|(principal, grants)| (principal, reach(&grants))).collect()
}

impl Plan {
    /// Compares.
    pub(crate) fn new(file: &File, state: &State) -> Self {
        let before = state.grants();
        let users = file.users.as_ref().map(|after| {
            let before =
                state.users.iter().map(|(name, kept)| (name.clone(), Terms::from(&terms(&kept.value)))).collect();
            let after = after.iter().map(|(name, terms)| (name.clone(), Terms::from(terms))).collect();
            differences(&before, &after)
        });
        let iam = file.iam.as_ref().map(|after| differences(&by_principal(&before.iam), &by_principal(after)));
        let anonymous = file.anonymous.as_ref().map(|after| {
            let set = |patterns: &[RepositoryPattern]| patterns.iter().map(|pattern| (pattern.clone(), ())).collect();
            differences(&set(&before.anonymous), &set(after))
        });
        Self {
            users: users.unwrap_or_default(),
            iam: iam.unwrap_or_default(),
            anonymous: anonymous.unwrap_or_default(),
        }
    }

    /// Whether nothing changes.
    pub(crate) fn is_empty(&self) -> bool {
        self.users.is_empty() && self.iam.is_empty() && self.anonymous.is_empty()
    }

    /// Whether something changes for principals of IAM.
    pub(crate) fn changes_iam(&self) -> bool {
        !self.iam.is_empty()
    }

    /// The users who are made, changed or deleted.
    pub(crate) fn users(&self) -> impl Iterator<Item = &UserName> {
        self.users.keys()
    }

    /// What somebody should know before it happens, though it may be meant.
    pub(crate) fn warnings(&self, file: &File, state: &State, now: Moment) -> Vec<String> {
        let mut warnings = Vec::new();
        let users = file.users.iter().flatten().filter(|(name, _)| self.users.contains_key(*name));
        for (name, terms) in users {
            if let Some(expires) = terms.expires.filter(|expires| *expires <= now) {
                warnings.push(format!("{name} expired on {expires}: nobody can log in with that name"));
            }
            if state.users.get(name).is_some_and(|kept| !kept.value.enabled) {
                warnings.push(format!("{name} is disabled and stays so: lambda-registry user enable {name}"));
            }
            warnings.extend(push_only(name.as_str(), &terms.grants));
        }
        for grant in file.iam.iter().flatten().filter(|grant| self.iam.contains_key(&grant.principal)) {
            warnings.extend(push_only(grant.principal.as_str(), &grant.grants));
        }
        warnings
    }
}

fn push_only(who: &str, grants: &[Permission]) -> Option<String> {
    let patterns = permissions(grants).push_only();
    let patterns: Vec<_> = patterns.iter().map(RepositoryPattern::as_str).collect();
    let patterns = (!patterns.is_empty()).then(|| patterns.join(" "))?;
    Some(format!("{who} may push {patterns} and not pull it; docker and others want to, before they push"))
}

#[cfg(test)]
pub(super) mod tests {
    use access::{Grants, Secret, User};

    use super::*;
    use crate::kept::Kept;

    pub(in crate::grants) fn file(text: &str) -> File {
        File::parse(text).unwrap_or_else(|error| panic!("{error}"))
    }

    /// What is in force after a file was applied where nothing was.
    pub(in crate::grants) fn state(file: &File) -> State {
        let user = |terms: &UserTerms| {
            User::new(&Secret::new("secret"), terms.grants.clone(), terms.expires.map(Moment::seconds), 0)
        };
        let kept = |(name, terms): (&UserName, _)| (name.clone(), Kept { value: user(terms), revision: 1 });
        let users = file.users.iter().flatten().map(kept).collect();
        let (iam, anonymous) = (file.iam.clone().unwrap_or_default(), file.anonymous.clone().unwrap_or_default());
        State { users, grants: Some(Kept { value: Grants { iam, anonymous }, revision: 1 }) }
    }

    fn plan(before: &str, after: &str) -> Plan {
        Plan::new(&file(after), &state(&file(before)))
    }

    #[test]
    fn a_plan_has_a_line_for_each_thing_that_changes() {
        let before = "
users:
  ci:
    grants:
    - {repositories: [team/*, tools], actions: [pull]}
    - {repositories: [team/app], actions: [push]}
  old: {grants: [{repositories: [x], actions: [pull]}], expires: 2030-01-01}
  same: {grants: []}
iam:
- {principal: 'arn:aws:iam::123456789012:role/gone', grants: [{repositories: ['*'], actions: [pull, push, delete]}]}
- {principal: 'arn:aws:iam::123456789012:role/kept', grants: [{repositories: ['*'], actions: [pull]}]}
anonymous: [public/*, samples]";
        let after = "
users:
  ci:
    grants: [{repositories: [team/*], actions: [pull, push]}, {repositories: [base], actions: [pull]}]
    expires: 2027-01-31
  new: {grants: [{repositories: [y], actions: [pull]}], expires: 2027-01-31T18:00:00Z}
  same: {grants: []}
iam:
- {principal: 'arn:aws:iam::123456789012:role/kept', grants: [{repositories: ['*'], actions: [pull, push]}]}
anonymous: [samples, demo]";
        let expected = "
users
  ~ ci
      + base  pull
      ~ team/*  pull -> pull,push
      - team/app  push
      - tools  pull
      ~ expires never -> 2027-01-31
  + new  (new, gets a secret)
      + y  pull
      + expires 2027-01-31T18:00:00Z
  - old  (isn't in the file: DELETED, its secrets end)
      - x  pull
      - expires 2030-01-01

iam
  - arn:aws:iam::123456789012:role/gone
      - *  pull,push,delete
  ~ arn:aws:iam::123456789012:role/kept
      ~ *  pull -> pull,push

anonymous
  + demo  pull
  - public/*  pull

users: 1 to add, 1 to change, 1 to DELETE; iam: 1 to change, 1 to DELETE; anonymous: 1 to add, 1 to DELETE.
";
        assert_eq!(format!("\n{}", plan(before, after)), expected);
    }

    #[test]
    fn a_section_that_is_not_in_the_file_is_left_alone() {
        let before = "
users: {ci: {grants: []}}
iam: [{principal: 'arn:aws:iam::123456789012:role/x', grants: []}]
anonymous: [x]";
        let only_anonymous = plan(before, "anonymous: []");
        assert_eq!(only_anonymous.to_string(), "anonymous\n  - x  pull\n\nanonymous: 1 to DELETE.\n");
        assert!(!only_anonymous.changes_iam());
        assert_eq!(plan(before, "users: {}").users().count(), 1);
    }

    #[test]
    fn other_words_for_the_same_are_no_difference() {
        let before = "
users: {ci: {grants: [{repositories: [a, b], actions: [pull]}, {repositories: [a], actions: [push]}]}}
iam:
- {principal: 'arn:aws:iam::123456789012:role/x', grants: [{repositories: [a], actions: [pull, push]}]}
anonymous: [x, y]";
        let after = "
anonymous: [y, x, y]
iam:
- {principal: 'arn:aws:iam::123456789012:role/x', grants: [{repositories: [a], actions: [push]}]}
- {principal: 'arn:aws:iam::123456789012:role/x', grants: [{repositories: [a], actions: [pull]}]}
users: {ci: {grants: [{repositories: [b], actions: [pull]}, {repositories: [a], actions: [push, pull]}]}}";
        assert_eq!(plan(before, after).to_string(), "No changes: what the file says is in force.\n");
    }

    #[test]
    fn what_may_surprise_is_said() {
        let after = file(
            "
users:
  over: {grants: [{repositories: [x], actions: [pull]}], expires: 2020-01-01}
  off: {grants: [{repositories: [x], actions: [pull]}]}
  blind: {grants: [{repositories: [x, y], actions: [push]}, {repositories: [y], actions: [pull]}]}
iam:
- {principal: 'arn:aws:iam::123456789012:role/x', grants: [{repositories: ['*'], actions: [push]}]}",
        );
        let mut before = state(&file("users: {off: {grants: []}}"));
        before.users.values_mut().for_each(|kept| kept.value.enabled = false);
        let now = Moment::at(1_800_000_000);
        let warnings = Plan::new(&after, &before).warnings(&after, &before, now);
        let expected = [
            "blind may push x and not pull it;",
            "off is disabled and stays so:",
            "over expired on 2020-01-01:",
            "arn:aws:iam::123456789012:role/x may push * and not pull it;",
        ];
        assert_eq!(warnings.len(), expected.len(), "{warnings:#?}");
        for (warning, expected) in warnings.iter().zip(expected) {
            assert!(warning.starts_with(expected), "{warning}");
        }
        let applied = state(&after);
        assert_eq!(Plan::new(&after, &applied).warnings(&after, &applied, now), Vec::<String>::new(), "once is enough");
    }
}

//! What a file changes.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use access::{Actions, IamGrant, IamPattern, Permission, Permissions, RepositoryPattern, UserName};

use super::difference::{Difference, differences};
use super::file::{File, UserTerms};
use super::state::{State, terms};
use crate::moment::Moment;

/// What would be different. Compared by meaning: other words for the same grants are no difference.
pub(crate) struct Plan {
    users: BTreeMap<UserName, Difference<Terms>>,
    iam: BTreeMap<IamPattern, Difference<Reach>>,
    anonymous: BTreeMap<RepositoryPattern, Difference<()>>,
}

/// What somebody may do, pattern by pattern.
type Reach = BTreeMap<RepositoryPattern, Actions>;

/// What makes a user, apart from the secrets.
#[derive(Clone, PartialEq, Eq)]
struct Terms {
    reach: Reach,
    expires: Option<Moment>,
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

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("No changes: what the file says is in force.\n");
        }
        section(f, "users", &self.users, |f, name, difference| match difference {
            Difference::Added(terms) => {
                writeln!(f, "{name}  (new, gets a secret)")?;
                write_terms(f, '+', terms)
            }
            Difference::Removed(terms) => {
                writeln!(f, "{name}  (isn't in the file: DELETED, its secrets end)")?;
                write_terms(f, '-', terms)
            }
            Difference::Changed { before, after } => {
                writeln!(f, "{name}")?;
                write_reach(f, &before.reach, &after.reach)?;
                match (before.expires, after.expires) {
                    (same, other) if same == other => Ok(()),
                    (before, after) => writeln!(f, "      ~ expires {} -> {}", or_never(before), or_never(after)),
                }
            }
        })?;
        section(f, "iam", &self.iam, |f, principal, difference| {
            writeln!(f, "{principal}")?;
            let nothing = Reach::new();
            match difference {
                Difference::Added(after) => write_reach(f, &nothing, after),
                Difference::Removed(before) => write_reach(f, before, &nothing),
                Difference::Changed { before, after } => write_reach(f, before, after),
            }
        })?;
        section(f, "anonymous", &self.anonymous, |f, pattern, _| writeln!(f, "{pattern}  pull"))?;
        let counts = [count("users", &self.users), count("iam", &self.iam), count("anonymous", &self.anonymous)];
        writeln!(f, "{}.", counts.into_iter().flatten().collect::<Vec<_>>().join("; "))
    }
}

fn section<K, V>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    differences: &BTreeMap<K, Difference<V>>,
    write: impl Fn(&mut fmt::Formatter<'_>, &K, &Difference<V>) -> fmt::Result,
) -> fmt::Result {
    if differences.is_empty() {
        return Ok(());
    }
    writeln!(f, "{title}")?;
    for (key, difference) in differences {
        write!(f, "  {} ", difference.mark())?;
        write(f, key, difference)?;
    }
    f.write_char('\n')
}

fn write_terms(f: &mut fmt::Formatter<'_>, mark: char, terms: &Terms) -> fmt::Result {
    for (pattern, actions) in &terms.reach {
        writeln!(f, "      {mark} {pattern}  {actions}")?;
    }
    match terms.expires {
        Some(expires) => writeln!(f, "      {mark} expires {expires}"),
        None => Ok(()),
    }
}

fn write_reach(f: &mut fmt::Formatter<'_>, before: &Reach, after: &Reach) -> fmt::Result {
    for (pattern, difference) in differences(before, after) {
        let mark = difference.mark();
        match difference {
            Difference::Added(actions) | Difference::Removed(actions) => {
                writeln!(f, "      {mark} {pattern}  {actions}")?;
            }
            Difference::Changed { before, after } => writeln!(f, "      {mark} {pattern}  {before} -> {after}")?,
        }
    }
    Ok(())
}

fn or_never(expires: Option<Moment>) -> String {
    expires.map_or_else(|| "never".to_owned(), |moment| moment.to_string())
}

fn count<K, V>(title: &str, differences: &BTreeMap<K, Difference<V>>) -> Option<String> {
    let of = |mark| differences.values().filter(|difference| difference.mark() == mark).count();
    let counts = [(of('+'), "to add"), (of('~'), "to change"), (of('-'), "to DELETE")];
    let counts: Vec<_> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    (!counts.is_empty()).then(|| format!("{title}: {}", counts.join(", ")))
}

#[cfg(test)]
mod tests {
    use access::{Grants, Secret, User};
    use proptest::prelude::*;

    use super::*;
    use crate::kept::Kept;

    fn file(text: &str) -> File {
        File::parse(text).unwrap_or_else(|error| panic!("{error}"))
    }

    /// What is in force after a file was applied where nothing was.
    fn state(file: &File) -> State {
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

    fn pattern() -> impl Strategy<Value = String> {
        let odd =
            prop::sample::select(vec!["*", "0x1", "1e3", "null", "true", "no", "~*", "-*", ".*", "2027-01-31", "y"]);
        let any = prop_oneof!["[a-z0-9._/*-]{1,20}", odd.prop_map(str::to_owned)];
        any.prop_filter("a pattern", |text| text.parse::<RepositoryPattern>().is_ok())
    }

    fn grants() -> impl Strategy<Value = serde_json::Value> {
        let actions = prop::sample::subsequence(vec!["pull", "push", "delete"], 1..=3);
        let grant = (prop::collection::vec(pattern(), 1..4), actions);
        let grant = grant
            .prop_map(|(repositories, actions)| serde_json::json!({"repositories": repositories, "actions": actions}));
        prop::collection::vec(grant, 0..4).prop_map(serde_json::Value::Array)
    }

    /// Any file. JSON is YAML, so the parser makes it.
    fn files() -> impl Strategy<Value = File> {
        let name = prop_oneof!["[a-z0-9][a-z0-9._-]{0,12}", Just("null".to_owned()), Just("0x1".to_owned())];
        let name = name.prop_filter("a name", |text| text.parse::<UserName>().is_ok());
        let expires = prop::option::of(any::<u32>().prop_map(|seconds| Moment::at(seconds.into()).to_string()));
        let user = (grants(), expires).prop_map(|(grants, expires)| match expires {
            Some(expires) => serde_json::json!({"grants": grants, "expires": expires}),
            None => serde_json::json!({"grants": grants}),
        });
        let role = ("[A-Za-z0-9+=,.@_-]{1,12}", grants()).prop_map(|(role, grants)| {
            serde_json::json!({"principal": format!("arn:aws:iam::123456789012:role/{role}"), "grants": grants})
        });
        let users = prop::collection::btree_map(name, user, 0..5);
        let sections = (users, prop::collection::vec(role, 0..5), prop::collection::vec(pattern(), 0..5));
        sections.prop_map(|(users, iam, anonymous)| {
            file(&serde_json::json!({"users": users, "iam": iam, "anonymous": anonymous}).to_string())
        })
    }

    proptest! {
        #[test]
        fn what_is_shown_can_be_applied_and_changes_nothing(file in files()) {
            let state = state(&file);
            let shown = state.to_file();
            let yaml = shown.to_yaml().unwrap_or_else(|error| panic!("{error}"));
            let read = File::parse(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
            prop_assert_eq!(&read, &shown, "{}", yaml);
            prop_assert!(Plan::new(&read, &state).is_empty());
        }

        #[test]
        fn what_was_applied_is_in_force(before in files(), after in files()) {
            let (plan, back) = (Plan::new(&after, &state(&before)), Plan::new(&before, &state(&after)));
            prop_assert_eq!(plan.is_empty(), back.is_empty());
            prop_assert!(Plan::new(&after, &state(&after)).is_empty());
        }
    }
}

//! What holds for every file.

use access::{RepositoryPattern, UserName};
use proptest::prelude::*;

use super::file::File;
use super::plan::Plan;
use super::plan::tests::{file, state};
use crate::moment::Moment;

fn pattern() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec!["*", "0x1", "1e3", "null", "true", "no", "~*", "-*", ".*", "2027-01-31", "y"]);
    let any = prop_oneof!["[a-z0-9._/*-]{1,20}", odd.prop_map(str::to_owned)];
    any.prop_filter("a pattern", |text| text.parse::<RepositoryPattern>().is_ok())
}

fn grants() -> impl Strategy<Value = serde_json::Value> {
    let actions = prop::sample::subsequence(vec!["pull", "push", "delete"], 1..=3);
    let grant = (prop::collection::vec(pattern(), 1..4), actions);
    let grant =
        grant.prop_map(|(repositories, actions)| serde_json::json!({"repositories": repositories, "actions": actions}));
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

//! The examples of our own documentation.

use lifecycle::Policy;
use serde_json::Value;

use crate::support::{document, rule};

const PAGE: &str = include_str!("../../../../docs/lifecycle.md");

/// What stands between one line and the next that is like another.
fn between(begin: &str, end: &str) -> Vec<&'static str> {
    PAGE.split(begin).skip(1).map(|rest| rest.split(end).next().unwrap()).collect()
}

#[test]
fn the_policy_of_the_first_minutes_is_one() {
    let policies = between("<<'END'\n", "END\n");
    assert_eq!(policies.len(), 1);
    assert!(Policy::parse(policies[0]).is_ok(), "{:?}", Policy::parse(policies[0]));
}

#[test]
fn the_selections_of_the_three_examples_are_those_of_rules() {
    let selections = between("```json\n", "```");
    assert_eq!(selections.len(), 3);
    for selection in selections {
        let selection: Value = serde_json::from_str(selection).unwrap();
        let policy = document(&[rule(1, selection)]);
        assert!(Policy::parse(&policy).is_ok(), "{:?}", Policy::parse(&policy));
    }
}

#[test]
fn the_message_that_is_shown_is_the_one_that_is_given() {
    let policy = between("<<'END'\n", "END\n")[0].replace(r#""countUnit": "days", "#, "");
    let message = Policy::parse(&policy).unwrap_err().to_string();
    assert!(PAGE.contains(&format!("`{message}`")), "{message}");
}

//! A whole policy.

use serde_json::value::RawValue;

use crate::fields::{Fields, Object};
use crate::rule::{Rule, Selection};
use crate::{InvalidPolicy, InvalidRule};

/// A lifecycle policy that holds to every rule for one, and the text that it was written as.
///
/// ```
/// let policy = lifecycle::Policy::parse(r#"{"rules": [{
///     "rulePriority": 10,
///     "description": "Keep the newest twenty",
///     "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 20},
///     "action": {"type": "expire"}
/// }]}"#)?;
/// assert!(policy.as_str().contains("newest twenty"));
/// # Ok::<(), lifecycle::InvalidPolicy>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    text: String,
    /// By priority, the rule whose turn is first at the beginning.
    rules: Vec<Rule>,
}

impl Policy {
    /// The longest text, in characters (ECR's service quota "Lifecycle policy length").
    pub const MAX_LENGTH: usize = 30_720;
    /// The most rules (ECR's service quota "Rules per lifecycle policy").
    pub const MAX_RULES: usize = 50;

    /// Reads a policy.
    ///
    /// # Errors
    /// The first thing that is wrong with it, with what to do.
    pub fn parse(text: &str) -> Result<Self, InvalidPolicy> {
        let length = text.chars().count();
        if length > Self::MAX_LENGTH {
            return Err(InvalidPolicy::TooLong(length));
        }
        let document: &RawValue =
            serde_json::from_str(text).map_err(|error| InvalidPolicy::NotJson(error.to_string()))?;
        let rules = read_document(document).map_err(InvalidPolicy::Document)?;
        if rules.is_empty() || rules.len() > Self::MAX_RULES {
            return Err(InvalidPolicy::RuleCount(rules.len()));
        }
        let rules = rules.into_iter().enumerate().map(|(place, rule)| Rule::read(place, rule));
        let mut rules =
            rules.collect::<Result<Vec<_>, _>>().map_err(|(rule, problem)| InvalidPolicy::Rule { rule, problem })?;
        rules.sort_by_key(|rule| rule.priority);
        check_together(&rules)?;
        Ok(Self { text: text.to_owned(), rules })
    }

    /// The text, as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

/// `{"rules": […]}` and nothing else.
fn read_document(document: &RawValue) -> Result<Vec<Object<'_>>, InvalidRule> {
    const DOCUMENT: &str = "an object with a list of rules in it: {\"rules\": […]}";
    const RULES: &str = "a list of objects, one for each rule";
    let object = serde_json::from_str(document.get()).map_err(|_| InvalidRule::Wrong {
        field: "the document".to_owned(),
        expected: DOCUMENT,
        found: crate::fields::shortened(document.get()),
    })?;
    let mut fields = Fields::new("", object)?;
    let rules = fields.required("rules", RULES)?;
    fields.end()?;
    Ok(rules)
}

/// What no rule can be checked for alone; the rules are sorted by priority.
fn check_together(rules: &[Rule]) -> Result<(), InvalidPolicy> {
    let pairs =
        || rules.iter().enumerate().flat_map(|(index, first)| rules[index + 1..].iter().map(move |r| (first, r)));
    if let Some((first, _)) = pairs().find(|(first, second)| first.priority == second.priority) {
        return Err(InvalidPolicy::SamePriority(first.priority));
    }
    if let Some((first, second)) = pairs().find(|(first, second)| first.selection == second.selection) {
        let (status, first, second) = (&first.selection, first.priority, second.priority);
        return Err(match status {
            Selection::Tagged(_) => InvalidPolicy::SameTags { first, second },
            Selection::Untagged => InvalidPolicy::SameStatus { status: "untagged", first, second },
            Selection::Any => InvalidPolicy::SameStatus { status: "any", first, second },
        });
    }
    match pairs().find(|(first, _)| first.selection == Selection::Any) {
        Some((any, _)) => {
            let highest = rules.last().map_or(any.priority, |rule| rule.priority);
            Err(InvalidPolicy::AnyBeforeOthers { any: any.priority, highest })
        }
        None => Ok(()),
    }
}

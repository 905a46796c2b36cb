//! Why a policy is refused.

use std::fmt;

use protocol::InvalidTagPattern;

use crate::Policy;

/// Why a text is refused as a policy.
///
/// Two rules that select the same tags are refused, as ECR demands "a unique set of prefixes": the second one could never
/// expire anything. What ECR has and this registry hasn't, classes of storage, is refused by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidPolicy {
    /// More than [`Policy::MAX_LENGTH`] characters.
    TooLong(usize),
    /// The text isn't JSON; the parser's words.
    NotJson(String),
    /// The document isn't an object with nothing but a list `rules` in it; what else it is.
    Document(InvalidRule),
    /// No rule, or more than [`Policy::MAX_RULES`]; how many.
    RuleCount(usize),
    /// Something is wrong with one rule.
    Rule {
        /// Which one.
        rule: RuleName,
        /// What.
        problem: InvalidRule,
    },
    /// Two rules have this priority.
    SamePriority(u32),
    /// A rule for any image isn't the last.
    AnyBeforeOthers {
        /// The priority of the rule for any image.
        any: u32,
        /// The highest priority number of the policy.
        highest: u32,
    },
    /// Two rules are for untagged images, or two for any: the second would never expire anything.
    SameStatus {
        /// `untagged` or `any`.
        status: &'static str,
        /// The priority of one.
        first: u32,
        /// The priority of the other.
        second: u32,
    },
    /// Two rules list the same tags: the second would never expire anything.
    SameTags {
        /// The priority of one.
        first: u32,
        /// The priority of the other.
        second: u32,
    },
}

/// Which rule of a policy something is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleName {
    /// The one with this `rulePriority`.
    Priority(u32),
    /// The one at this place of the list, counted from 0, because it has no priority that could be read.
    Place(usize),
}

/// What is wrong with one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidRule {
    /// A field that has to be there isn't.
    Missing {
        /// `selection.countType`.
        field: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A field has a value that it can't have.
    Wrong {
        /// `selection.countType`.
        field: String,
        /// What it must be.
        expected: &'static str,
        /// What it is, as JSON, cut off after 60 characters.
        found: String,
    },
    /// A field that no rule has.
    Unknown {
        /// `selection.tagPatterns`.
        field: String,
    },
    /// A field stands there twice.
    Repeated {
        /// `selection.tagStatus`.
        field: String,
    },
    /// It is about classes of storage.
    StorageClass {
        /// The field, or the word that is its value.
        what: &'static str,
    },
    /// A rule for tagged images says neither by patterns nor by prefixes which.
    NoTags,
    /// It says so by both.
    PatternsAndPrefixes,
    /// A rule that isn't for tagged images lists tags.
    TagsNotAllowed {
        /// `selection.tagPatternList` or `selection.tagPrefixList`.
        field: String,
        /// What the rule's `tagStatus` is.
        status: &'static str,
    },
    /// An entry of a list of tags isn't a pattern, or a prefix, which is one without `*`.
    Tag {
        /// `selection.tagPatternList` or `selection.tagPrefixList`.
        field: String,
        /// What is wrong with it.
        invalid: InvalidTagPattern,
    },
    /// A rule that counts images has a unit.
    UnitNotAllowed,
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Priority(priority) => write!(f, "rule {priority}"),
            Self::Place(index) => write!(f, "rules[{index}]"),
        }
    }
}

impl fmt::Display for InvalidRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { field, expected } => write!(f, "{field} is missing; it must be {expected}"),
            Self::Wrong { field, expected, found } => write!(f, "{field} must be {expected}, and is {found}"),
            Self::Unknown { field } => write!(f, "there is no field {field}; correct its name or remove it"),
            Self::Repeated { field } => write!(f, "{field} stands there twice; remove one"),
            Self::StorageClass { what } => write!(
                f,
                "{what} isn't supported: there are no storage classes here, and nothing to move an image to; \
                 remove it and let the rule expire images by imageCountMoreThan, sinceImagePushed or sinceImagePulled"
            ),
            Self::NoTags => write!(
                f,
                "selection.tagStatus is tagged, so say which tags: add selection.tagPatternList, like [\"prod*\"], \
                 or selection.tagPrefixList"
            ),
            Self::PatternsAndPrefixes => write!(
                f,
                "it has both selection.tagPatternList and selection.tagPrefixList; use one, \
                 and write a prefix p as the pattern p* if both are needed"
            ),
            Self::TagsNotAllowed { field, status } => write!(
                f,
                "{field} goes with the tagStatus tagged only, and selection.tagStatus is {status}; \
                 remove the list or change the status"
            ),
            Self::Tag { field, invalid } => write!(f, "{field}: {invalid}"),
            Self::UnitNotAllowed => write!(
                f,
                "selection.countUnit goes with sinceImagePushed and sinceImagePulled only; imageCountMoreThan counts \
                 images, so remove it"
            ),
        }
    }
}

impl fmt::Display for InvalidPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(length) => {
                write!(f, "the policy has {length} characters; use at most {}", Policy::MAX_LENGTH)
            }
            Self::NotJson(problem) => write!(f, "the policy is not JSON: {problem}"),
            Self::Document(problem) => write!(f, "the policy: {problem}"),
            Self::RuleCount(0) => write!(f, "the policy has no rules; add one, or remove the policy"),
            Self::RuleCount(count) => {
                write!(f, "the policy has {count} rules; use at most {}", Policy::MAX_RULES)
            }
            Self::Rule { rule, problem } => write!(f, "{rule}: {problem}"),
            Self::SamePriority(priority) => {
                write!(f, "rule {priority}: two rules have this rulePriority; give each its own")
            }
            Self::AnyBeforeOthers { any, highest } => write!(
                f,
                "rule {any}: a rule with the tagStatus any must come last; give it a rulePriority above {highest}"
            ),
            Self::SameStatus { status, first, second } => write!(
                f,
                "rule {second}: only one rule may have the tagStatus {status}, and rule {first} has it already; \
                 remove one of the two"
            ),
            Self::SameTags { first, second } => write!(
                f,
                "rule {second}: it lists the same tags as rule {first}, so it would never expire anything; \
                 remove one of the two or change its tags"
            ),
        }
    }
}

impl std::error::Error for InvalidRule {}

impl std::error::Error for InvalidPolicy {}

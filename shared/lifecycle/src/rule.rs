//! One rule of a policy.

use std::collections::BTreeSet;

use protocol::{InvalidTagPattern, Tag, TagPattern};

use crate::fields::{Fields, Object};
use crate::{InvalidRule, RuleName};

/// The most `*` in one pattern (user guide, "Lifecycle policy properties", `tagPatternList`).
const MAX_WILDCARDS: usize = 4;

const PATTERNS: &str = "tagPatternList";
const PREFIXES: &str = "tagPrefixList";

// What fields must be, for complaints.
const PRIORITY: &str = "a whole number from 1 to 2147483647, which no other rule has";
const NUMBER: &str = "a whole number from 1 to 2147483647";
const STATUS: &str = "\"tagged\", \"untagged\" or \"any\"";
const TYPE: &str = "\"imageCountMoreThan\", \"sinceImagePushed\" or \"sinceImagePulled\"";
const UNIT: &str = "\"days\"";
const ACTION: &str = "\"expire\"";
const TAGS: &str = "a list of at least one text";
const OBJECT: &str = "an object";

/// A rule: the images that it is about, and those of them that it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// The lower the number, the earlier the rule's turn.
    pub(crate) priority: u32,
    pub(crate) selection: Selection,
    pub(crate) limit: Limit,
}

/// Which images a rule is about: ECR's "tagging requirements".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// Those with tags of which each of these matches at least one. A prefix `p` is kept as `p*`.
    Tagged(Vec<TagPattern>),
    Untagged,
    Any,
}

/// What an image mustn't exceed to stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// How many of the selected images, youngest first.
    Count(u32),
    /// Days since it was pushed.
    Pushed(u32),
    /// Days since it was pulled or, never pulled, pushed.
    Pulled(u32),
}

impl Selection {
    /// Whether an image with these tags is one of those.
    pub(crate) fn matches(&self, tags: &[Tag]) -> bool {
        match self {
            Self::Tagged(patterns) => patterns.iter().all(|pattern| tags.iter().any(|tag| pattern.matches(tag))),
            Self::Untagged => tags.is_empty(),
            Self::Any => true,
        }
    }
}

impl Rule {
    /// Reads the rule at this place of the list.
    pub(crate) fn read(place: usize, rule: Object<'_>) -> Result<Self, (RuleName, InvalidRule)> {
        let nameless = |problem| (RuleName::Place(place), problem);
        let mut fields = Fields::new("", rule).map_err(nameless)?;
        let priority = fields.positive("rulePriority", PRIORITY).map_err(nameless)?;
        Self::read_named(priority, fields).map_err(|problem| (RuleName::Priority(priority), problem))
    }

    fn read_named(priority: u32, mut fields: Fields<'_>) -> Result<Self, InvalidRule> {
        // It is for people, and the policy's text keeps it.
        let _: Option<String> = fields.optional("description", "a text")?;
        let selection = fields.required("selection", OBJECT)?;
        let (selection, limit) = read_selection(Fields::new("selection.", selection)?)?;
        let action = fields.required("action", OBJECT)?;
        read_action(Fields::new("action.", action)?)?;
        fields.end()?;
        Ok(Self { priority, selection, limit })
    }
}

fn read_selection(mut fields: Fields<'_>) -> Result<(Selection, Limit), InvalidRule> {
    if fields.has("storageClass") {
        return Err(InvalidRule::StorageClass { what: "selection.storageClass" });
    }
    let limit = read_limit(&mut fields)?;
    let selection = read_tags(&mut fields)?;
    fields.end()?;
    Ok((selection, limit))
}

fn read_tags(fields: &mut Fields<'_>) -> Result<Selection, InvalidRule> {
    let statuses = [("tagged", None), ("untagged", Some(Selection::Untagged)), ("any", Some(Selection::Any))];
    let (status, tagless) = fields.word("tagStatus", statuses, STATUS)?;
    let patterns = read_list(fields, PATTERNS, |text| TagPattern::new(text, MAX_WILDCARDS))?;
    let prefixes = read_list(fields, PREFIXES, prefix)?;
    match (tagless, patterns, prefixes) {
        (None, None, None) => Err(InvalidRule::NoTags),
        (None, Some(_), Some(_)) => Err(InvalidRule::PatternsAndPrefixes),
        (None, Some(patterns), None) | (None, None, Some(patterns)) => Ok(Selection::Tagged(patterns)),
        (Some(selection), None, None) => Ok(selection),
        (Some(_), Some(_), _) => Err(InvalidRule::TagsNotAllowed { field: fields.path(PATTERNS), status }),
        (Some(_), None, Some(_)) => Err(InvalidRule::TagsNotAllowed { field: fields.path(PREFIXES), status }),
    }
}

/// A list of tags, sorted and each of them once, so that equal lists are told by comparing them.
fn read_list(
    fields: &mut Fields<'_>,
    name: &'static str,
    pattern: impl Fn(&str) -> Result<TagPattern, InvalidTagPattern>,
) -> Result<Option<Vec<TagPattern>>, InvalidRule> {
    let Some(texts) = fields.optional::<Vec<String>>(name, TAGS)? else { return Ok(None) };
    if texts.is_empty() {
        return Err(fields.wrong(name, TAGS, "[]"));
    }
    let patterns = texts.iter().map(|text| pattern(text)).collect::<Result<BTreeSet<_>, _>>();
    match patterns {
        Ok(patterns) => Ok(Some(patterns.into_iter().collect())),
        Err(invalid) => Err(InvalidRule::Tag { field: fields.path(name), invalid }),
    }
}

/// The pattern of what begins with this.
fn prefix(text: &str) -> Result<TagPattern, InvalidTagPattern> {
    TagPattern::new(text, 0)?;
    TagPattern::new(&format!("{text}*"), 1)
}

fn read_limit(fields: &mut Fields<'_>) -> Result<Limit, InvalidRule> {
    type OfNumber = fn(u32) -> Limit;
    let types: [(_, Option<OfNumber>); 4] = [
        ("imageCountMoreThan", Some(Limit::Count)),
        ("sinceImagePushed", Some(Limit::Pushed)),
        ("sinceImagePulled", Some(Limit::Pulled)),
        ("sinceImageTransitioned", None),
    ];
    let (what, limit) = fields.word("countType", types, TYPE)?;
    let Some(limit) = limit else { return Err(InvalidRule::StorageClass { what }) };
    let limit = limit(fields.positive("countNumber", NUMBER)?);
    match limit {
        Limit::Count(_) if fields.has("countUnit") => return Err(InvalidRule::UnitNotAllowed),
        Limit::Count(_) => {}
        Limit::Pushed(_) | Limit::Pulled(_) => {
            fields.word("countUnit", [("days", ())], UNIT)?;
        }
    }
    Ok(limit)
}

fn read_action(mut fields: Fields<'_>) -> Result<(), InvalidRule> {
    let (what, is_known) = fields.word("type", [("expire", true), ("transition", false)], ACTION)?;
    if !is_known {
        return Err(InvalidRule::StorageClass { what });
    }
    if fields.has("targetStorageClass") {
        return Err(InvalidRule::StorageClass { what: "action.targetStorageClass" });
    }
    fields.end()
}

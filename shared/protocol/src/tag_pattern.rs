//! Patterns of tags.

use std::fmt;

use crate::{Tag, glob};

/// A tag, or a pattern of tags: `*` stands for any run of characters, none included. `prod*` is `prod`, `prod-1` and
/// `production`; `*` is every tag.
///
/// How many `*` are allowed depends on what the pattern is for, so that whoever makes one says it. The rest is what
/// Amazon ECR takes as a filter of tags (API reference, `ImageTagMutabilityExclusionFilter`): `[0-9a-zA-Z._*-]{1,128}`.
///
/// ```
/// use protocol::TagPattern;
/// let pattern = TagPattern::new("prod*", 2)?;
/// assert!("production".parse().is_ok_and(|tag| pattern.matches(&tag)));
/// assert!(TagPattern::new("a*b*c*", 2).is_err());
/// # Ok::<(), protocol::InvalidTagPattern>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagPattern(String);

/// Why a pattern of tags is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidTagPattern {
    /// Nothing stands in it.
    Empty,
    /// More characters than a tag may have.
    TooLong {
        /// The pattern.
        pattern: String,
        /// Its length, in characters.
        length: usize,
    },
    /// A character that no tag has.
    Character {
        /// The pattern.
        pattern: String,
        /// The first such character.
        character: char,
    },
    /// More `*` than are allowed.
    TooManyWildcards {
        /// The pattern.
        pattern: String,
        /// How many are allowed.
        most: usize,
    },
}

impl fmt::Display for InvalidTagPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "a pattern of tags is empty; use * for every tag"),
            Self::TooLong { pattern, length } => write!(
                f,
                "the pattern {pattern:?} has {length} characters; use at most {}, as many as a tag may have",
                TagPattern::MAX_LENGTH
            ),
            Self::Character { pattern, character } => write!(
                f,
                "the pattern {pattern:?} has {character:?} in it, which no tag has; \
                 use letters, digits, '_', '.', '-', and '*' for any run of them"
            ),
            Self::TooManyWildcards { pattern, most: 0 } => {
                write!(f, "{pattern:?} has a '*' in it, and no wildcard is allowed here; remove it")
            }
            Self::TooManyWildcards { pattern, most } => {
                write!(f, "the pattern {pattern:?} has more than {most} '*'; use at most {most}")
            }
        }
    }
}

impl std::error::Error for InvalidTagPattern {}

impl TagPattern {
    /// The longest pattern, in characters, each `*` included.
    pub const MAX_LENGTH: usize = Tag::MAX_LENGTH;

    /// A pattern with at most `wildcards` `*` in it.
    ///
    /// # Errors
    /// When the text is empty or too long, has a character that no tag has, or more `*` than that.
    pub fn new(pattern: &str, wildcards: usize) -> Result<Self, InvalidTagPattern> {
        let length = pattern.chars().count();
        if length == 0 {
            return Err(InvalidTagPattern::Empty);
        }
        if length > Self::MAX_LENGTH {
            return Err(InvalidTagPattern::TooLong { pattern: pattern.to_owned(), length });
        }
        let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '*');
        if let Some(character) = pattern.chars().find(|c| !is_known(*c)) {
            return Err(InvalidTagPattern::Character { pattern: pattern.to_owned(), character });
        }
        if pattern.matches('*').count() > wildcards {
            return Err(InvalidTagPattern::TooManyWildcards { pattern: pattern.to_owned(), most: wildcards });
        }
        Ok(Self(pattern.to_owned()))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the tag, from its first character to its last, is one of those. Case counts.
    pub fn matches(&self, tag: &Tag) -> bool {
        glob::matches(&self.0, tag.as_str())
    }
}

impl fmt::Display for TagPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tag(text: &str) -> Tag {
        text.parse().unwrap()
    }

    #[test]
    fn a_pattern_covers_the_whole_tag_and_case_counts() {
        for (pattern, text) in [("prod*", "prod"), ("prod*", "prod-1"), ("*prod*", "repo-production"), ("v1", "v1")] {
            assert!(TagPattern::new(pattern, 4).unwrap().matches(&tag(text)), "{pattern} {text}");
        }
        for (pattern, text) in [("prod*", "preprod"), ("prod", "prod-1"), ("prod*", "Prod"), ("v1.0", "v1x0")] {
            assert!(!TagPattern::new(pattern, 4).unwrap().matches(&tag(text)), "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_what_to_do() {
        let long = "a".repeat(129);
        for (pattern, problem) in [
            ("", "use * for every tag"),
            (long.as_str(), "has 129 characters; use at most 128"),
            ("a/b", "'/' in it, which no tag has"),
            ("é", "'é' in it, which no tag has"),
            ("a*b*c*d", "use at most 2"),
        ] {
            let error = TagPattern::new(pattern, 2).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
        assert!(TagPattern::new(&"*".repeat(2), 2).is_ok());
        assert!(TagPattern::new(&"a".repeat(128), 0).is_ok());
        assert!(TagPattern::new("_.-", 0).is_ok());
    }

    proptest! {
        #[test]
        fn a_tag_is_matched_by_itself_and_with_any_of_its_parts_replaced_by_a_star(
            text in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,126}", from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(),
        ) {
            let (from, to) = (from.index(text.len() + 1), to.index(text.len() + 1));
            let (from, to) = (from.min(to), from.max(to));
            let starred = format!("{}*{}", &text[..from], &text[to..]);
            prop_assert!(TagPattern::new(&text, 0).unwrap().matches(&tag(&text)));
            prop_assert!(TagPattern::new(&starred, 1).unwrap().matches(&tag(&text)), "{starred}");
        }

        // The definition, word for word; far too slow for patterns that somebody else writes.
        #[test]
        fn matching_is_what_its_definition_says(pattern in "[ab*]{1,8}", text in "[ab]{1,8}") {
            fn defined(pattern: &[u8], text: &[u8]) -> bool {
                match pattern.split_first() {
                    None => text.is_empty(),
                    Some((b'*', rest)) => (0..=text.len()).any(|taken| defined(rest, &text[taken..])),
                    Some((first, rest)) => text.split_first().is_some_and(|(c, left)| c == first && defined(rest, left)),
                }
            }
            let matched = TagPattern::new(&pattern, 8).unwrap().matches(&tag(&text));
            prop_assert_eq!(matched, defined(pattern.as_bytes(), text.as_bytes()));
        }
    }
}

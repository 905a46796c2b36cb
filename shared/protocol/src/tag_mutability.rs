//! Which tags of a repository may be moved to another manifest.

use std::fmt;
use std::str::FromStr;

use crate::{InvalidTagPattern, Tag, TagPattern};

/// How tags are treated that no filter names; Amazon ECR's `imageTagMutability`, with its names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MutabilityMode {
    /// `MUTABLE`: every tag may be moved.
    #[default]
    Mutable,
    /// `IMMUTABLE`: no tag may be moved.
    Immutable,
    /// `MUTABLE_WITH_EXCLUSION`: tags may be moved, but for those that a filter matches.
    MutableWithExclusion,
    /// `IMMUTABLE_WITH_EXCLUSION`: tags may not be moved, but for those that a filter matches.
    ImmutableWithExclusion,
}

impl MutabilityMode {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::Mutable, Self::Immutable, Self::MutableWithExclusion, Self::ImmutableWithExclusion];

    /// ECR's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mutable => "MUTABLE",
            Self::Immutable => "IMMUTABLE",
            Self::MutableWithExclusion => "MUTABLE_WITH_EXCLUSION",
            Self::ImmutableWithExclusion => "IMMUTABLE_WITH_EXCLUSION",
        }
    }

    /// Whether it takes filters, and then needs at least one.
    pub fn has_exclusions(self) -> bool {
        match self {
            Self::Mutable | Self::Immutable => false,
            Self::MutableWithExclusion | Self::ImmutableWithExclusion => true,
        }
    }
}

impl fmt::Display for MutabilityMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for MutabilityMode {
    type Err = InvalidTagMutability;

    fn from_str(name: &str) -> Result<Self, InvalidTagMutability> {
        let mode = Self::ALL.into_iter().find(|mode| mode.as_str() == name);
        mode.ok_or_else(|| InvalidTagMutability::Mode(name.to_owned()))
    }
}

/// A repository's setting for its tags: a mode, and with two of the modes 1 to [`TagMutability::MAX_FILTERS`] filters.
///
/// The rules are Amazon ECR's: number of filters, their characters and length by its API reference
/// (`PutImageTagMutability`, `ImageTagMutabilityExclusionFilter`, whose only `filterType` is `WILDCARD`), the number of
/// `*` in one by what the Terraform provider says.
///
/// ```
/// use protocol::{MutabilityMode, TagMutability};
/// let setting = TagMutability::new(MutabilityMode::ImmutableWithExclusion, ["latest", "dev-*"])?;
/// assert!("dev-7".parse().is_ok_and(|tag| setting.allows_moving(&tag)));
/// assert!("v1.0".parse().is_ok_and(|tag| !setting.allows_moving(&tag)));
/// # Ok::<(), protocol::InvalidTagMutability>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagMutability {
    mode: MutabilityMode,
    exclusions: Vec<TagPattern>,
}

/// Why a setting for tags is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidTagMutability {
    /// There is no mode of this name.
    Mode(String),
    /// The mode is about filters, and there are none.
    NoFilters(MutabilityMode),
    /// The mode takes no filters, and there are some.
    FiltersNotAllowed(MutabilityMode),
    /// More than [`TagMutability::MAX_FILTERS`].
    TooManyFilters(usize),
    /// This filter isn't a pattern of tags.
    Filter(InvalidTagPattern),
}

impl fmt::Display for InvalidTagMutability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mode(name) => {
                let names = MutabilityMode::ALL.map(MutabilityMode::as_str).join(", ");
                write!(f, "{name:?} is not a mode of tag mutability; use one of {names}")
            }
            Self::NoFilters(mode) => write!(
                f,
                "{mode} needs 1 to {} filters that say which tags are excluded; add some, or use {}",
                TagMutability::MAX_FILTERS,
                if *mode == MutabilityMode::MutableWithExclusion { "MUTABLE" } else { "IMMUTABLE" }
            ),
            Self::FiltersNotAllowed(mode) => {
                write!(f, "{mode} is for all tags; remove the filters, or use {mode}_WITH_EXCLUSION")
            }
            Self::TooManyFilters(count) => {
                write!(f, "there are {count} filters; use at most {}", TagMutability::MAX_FILTERS)
            }
            Self::Filter(invalid) => invalid.fmt(f),
        }
    }
}

impl std::error::Error for InvalidTagMutability {}

impl From<InvalidTagPattern> for InvalidTagMutability {
    fn from(invalid: InvalidTagPattern) -> Self {
        Self::Filter(invalid)
    }
}

impl TagMutability {
    /// The most filters of one repository.
    pub const MAX_FILTERS: usize = 5;
    /// The most `*` in one filter.
    pub const MAX_WILDCARDS: usize = 2;

    /// A setting.
    ///
    /// # Errors
    /// When the mode and the filters don't go together, or one of the filters isn't one.
    pub fn new<F: AsRef<str>>(
        mode: MutabilityMode,
        filters: impl IntoIterator<Item = F>,
    ) -> Result<Self, InvalidTagMutability> {
        let filters = filters.into_iter().map(|filter| TagPattern::new(filter.as_ref(), Self::MAX_WILDCARDS));
        let exclusions = filters.collect::<Result<Vec<_>, _>>()?;
        match exclusions.len() {
            0 if mode.has_exclusions() => Err(InvalidTagMutability::NoFilters(mode)),
            1.. if !mode.has_exclusions() => Err(InvalidTagMutability::FiltersNotAllowed(mode)),
            count if count > Self::MAX_FILTERS => Err(InvalidTagMutability::TooManyFilters(count)),
            _ => Ok(Self { mode, exclusions }),
        }
    }

    /// The mode.
    pub fn mode(&self) -> MutabilityMode {
        self.mode
    }

    /// The filters, in the order they were given in.
    pub fn exclusions(&self) -> &[TagPattern] {
        &self.exclusions
    }

    /// Whether a tag that points to one manifest may be pointed to another. It says nothing about a new tag, about
    /// pushing the same manifest again, and about deleting the tag: these are always allowed.
    pub fn allows_moving(&self, tag: &Tag) -> bool {
        let is_excluded = || self.exclusions.iter().any(|filter| filter.matches(tag));
        match self.mode {
            MutabilityMode::Mutable => true,
            MutabilityMode::Immutable => false,
            MutabilityMode::MutableWithExclusion => !is_excluded(),
            MutabilityMode::ImmutableWithExclusion => is_excluded(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::MutabilityMode::{Immutable, ImmutableWithExclusion, Mutable, MutableWithExclusion};
    use super::*;

    const NONE: [&str; 0] = [];

    fn tag(text: &str) -> Tag {
        text.parse().unwrap()
    }

    #[test]
    fn the_filters_turn_the_mode_round() {
        let filters = ["latest", "dev-*"];
        for (setting, latest, dev, release) in [
            (TagMutability::new(Mutable, NONE), true, true, true),
            (TagMutability::new(Immutable, NONE), false, false, false),
            (TagMutability::new(MutableWithExclusion, filters), false, false, true),
            (TagMutability::new(ImmutableWithExclusion, filters), true, true, false),
        ] {
            let setting = setting.unwrap();
            assert_eq!(setting.allows_moving(&tag("latest")), latest, "{}", setting.mode());
            assert_eq!(setting.allows_moving(&tag("dev-7")), dev, "{}", setting.mode());
            assert_eq!(setting.allows_moving(&tag("v1.0")), release, "{}", setting.mode());
        }
    }

    #[test]
    fn tags_may_be_moved_where_nothing_was_set() {
        assert_eq!(TagMutability::default(), TagMutability::new(Mutable, NONE).unwrap());
    }

    #[test]
    fn modes_are_read_as_they_are_written() {
        for mode in MutabilityMode::ALL {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        for bad in ["", "mutable", "IMMUTABLE ", "MUTABLE_WITH_EXCLUSIONS"] {
            assert_eq!(bad.parse::<MutabilityMode>(), Err(InvalidTagMutability::Mode(bad.to_owned())));
        }
    }

    #[test]
    fn a_setting_that_is_none_is_refused_with_what_to_do() {
        let six = ["a", "b", "c", "d", "e", "f"];
        let refused: [(MutabilityMode, &[&str], &str); 7] = [
            (Mutable, &six[..1], "remove the filters, or use MUTABLE_WITH_EXCLUSION"),
            (Immutable, &six, "remove the filters, or use IMMUTABLE_WITH_EXCLUSION"),
            (MutableWithExclusion, &[], "add some, or use MUTABLE"),
            (ImmutableWithExclusion, &[], "add some, or use IMMUTABLE"),
            (ImmutableWithExclusion, &six, "there are 6 filters; use at most 5"),
            (ImmutableWithExclusion, &["a*b*c*"], "use at most 2"),
            (MutableWithExclusion, &["latest", ""], "is empty"),
        ];
        for (mode, filters, problem) in refused {
            let error = TagMutability::new(mode, filters).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
        assert!(TagMutability::new(ImmutableWithExclusion, &six[..5]).is_ok());
        let error = "immutable".parse::<MutabilityMode>().unwrap_err().to_string();
        assert!(error.contains("IMMUTABLE_WITH_EXCLUSION"), "{error}");
    }

    proptest! {
        #[test]
        fn the_two_modes_with_filters_never_agree(
            filters in prop::collection::vec("[ab]{0,2}\\*?[ab]{1,2}\\*?", 1..=5), text in "[ab]{1,6}",
        ) {
            let mutable = TagMutability::new(MutableWithExclusion, &filters).unwrap();
            let immutable = TagMutability::new(ImmutableWithExclusion, &filters).unwrap();
            prop_assert_ne!(mutable.allows_moving(&tag(&text)), immutable.allows_moving(&tag(&text)));
        }
    }
}

//! Removing a manifest, with its tags and its conversion: `removal.rs` and `references.rs`. A client's DELETE and the
//! collector have the same steps, but for the mark: the one sets it, the other found it.

use storage::Guard;

use crate::actor::{At as Where, Rules, Task};
use crate::world::{Item, Manifest, Repository, State};
use crate::{collect, delete};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum At {
    Marks,
    LooksForParents,
    ReadsParents,
    DropsStrays,
    ListsTags,
    Untags,
    ListsConversions,
    ReadsOutcome,
    ForgetsConversion {
        is_derived: bool,
    },
    DropsOutcome,
    DropsManifest,
    /// Only without [`Guard::LookAfterMark`].
    MarksLate,
}

impl At {
    pub(crate) fn step(self) -> (&'static str, &'static str) {
        match self {
            Self::Marks | Self::MarksLate => ("put_mark", "sets a mark and counts it"),
            Self::LooksForParents => ("parents", "looks for lists that name it"),
            Self::ReadsParents => ("parents", "reads the list"),
            Self::DropsStrays => ("parents", "deletes the way back to a list that isn't there"),
            Self::ListsTags => ("drop_tags", "lists its tags"),
            Self::Untags => ("untag", "deletes the tag"),
            Self::ListsConversions => ("drop_conversions", "lists its conversions"),
            Self::ReadsOutcome => ("forget_conversion", "reads what it came to"),
            Self::ForgetsConversion { .. } => {
                ("forget_conversion", "deletes the conversion, and marks what it came to")
            }
            Self::DropsOutcome => ("drop_manifest", "deletes what it came to"),
            Self::DropsManifest => ("drop_manifest", "deletes the manifest"),
        }
    }
}

/// How a removal ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Removed,
    MarkGone,
    ReferredTo,
}

/// For who has yet to set the mark.
pub(crate) fn begin_unmarked(rules: &Rules, repository: Repository, manifest: Manifest) -> Where {
    let first = if rules.guards.has(Guard::LookAfterMark) { At::Marks } else { At::LooksForParents };
    Where::Removes(first, repository, manifest)
}

pub(crate) fn go(
    state: &mut State,
    rules: &Rules,
    who: usize,
    task: Task,
    at: At,
    (repository, manifest): (Repository, Manifest),
) -> Where {
    let item = Item::Manifest(repository, manifest);
    let outcome = Item::Manifest(repository, Manifest::Derived);
    let is_list = manifest == Manifest::List;
    let here = |at| Where::Removes(at, repository, manifest);
    let marks_late = matches!(task, Task::DeleteManifest { .. }) && !rules.guards.has(Guard::LookAfterMark);
    let looked = if marks_late { At::MarksLate } else { At::ListsTags };
    let is_marked = state.knows_mark(who, item);
    let allowed = rules.guards.allow(Guard::StillMarked, is_marked);
    let end = |state: &mut State, outcome| ends(state, rules, (who, task), (repository, item), outcome);
    match at {
        At::Marks | At::MarksLate => match delete::mark(state, who, repository, item) {
            true => here(if marks_late { At::ListsTags } else { At::LooksForParents }),
            false => end(state, Outcome::MarkGone),
        },
        At::LooksForParents => {
            let has_way_back = manifest == Manifest::Image && state.world.contents(repository).way_back;
            here(if has_way_back { At::ReadsParents } else { looked })
        }
        At::ReadsParents => match state.world.record(repository, Manifest::List) {
            Some(_) => end(state, Outcome::ReferredTo),
            None => here(At::DropsStrays),
        },
        At::DropsStrays => {
            if !allowed && !marks_late {
                return end(state, Outcome::MarkGone);
            }
            state.contents(repository).way_back = false;
            here(looked)
        }
        At::ListsTags => {
            let is_tagged = state.world.contents(repository).tagged & manifest.bit() != 0;
            here(if is_tagged { At::Untags } else { At::ListsConversions })
        }
        At::Untags => {
            let is_tagged = state.world.contents(repository).tagged & manifest.bit() != 0;
            if allowed && is_tagged {
                state.contents(repository).tagged &= !manifest.bit();
                return here(At::ListsConversions);
            }
            if is_marked { here(At::ListsTags) } else { end(state, Outcome::MarkGone) }
        }
        At::ListsConversions => {
            let is_converted = manifest == Manifest::Image && state.world.contents(repository).conversion;
            here(if is_converted { At::ReadsOutcome } else { At::DropsManifest })
        }
        At::ReadsOutcome => {
            let record = state.world.record(repository, Manifest::Derived);
            here(At::ForgetsConversion { is_derived: record.is_some_and(|record| record.derived) })
        }
        At::ForgetsConversion { is_derived } => {
            let record = state.world.record(repository, Manifest::Derived);
            if !allowed || (is_derived && !record.is_some_and(|record| record.derived)) {
                return if is_marked { here(At::ReadsOutcome) } else { end(state, Outcome::MarkGone) };
            }
            state.contents(repository).conversion = false;
            if !is_derived {
                return here(At::DropsManifest);
            }
            delete::mark(state, who, repository, outcome);
            here(At::DropsOutcome)
        }
        At::DropsOutcome => {
            if rules.guards.allow(Guard::StillMarked, state.knows_mark(who, outcome)) {
                state.delete_record(repository, Manifest::Derived);
            }
            here(At::DropsManifest)
        }
        At::DropsManifest => {
            if !allowed {
                return end(state, Outcome::MarkGone);
            }
            state.delete_record(repository, manifest);
            if is_list {
                state.contents(repository).way_back = false;
            }
            end(state, Outcome::Removed)
        }
    }
}

fn ends(
    state: &mut State,
    rules: &Rules,
    (who, task): (usize, Task),
    (repository, item): (Repository, Item),
    outcome: Outcome,
) -> Where {
    let Task::DeleteManifest { .. } = task else { return collect::after_manifest(state, rules, who, repository) };
    match outcome {
        Outcome::Removed => {
            state.excuse(item);
            Where::Ended
        }
        Outcome::MarkGone => Where::DeleteManifest(delete::At::Reads),
        Outcome::ReferredTo => Where::DeleteManifest(delete::At::Unmarks),
    }
}

//! Storing a conversion: `derived.rs`.

use storage::Guard;

use crate::actor::{At as Where, Rules, Task};
use crate::push::{Seen, references};
use crate::upload;
use crate::world::{Blob, Item, Manifest, Repository, State};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum At {
    ReadsSource,
    ReadsCount(Option<Seen>),
    ReadsReferences,
    Spares(Seen),
    Commits(Seen),
}

impl At {
    pub(crate) fn step(self) -> (&'static str, &'static str) {
        match self {
            Self::ReadsSource => ("tagged_manifest", "reads the manifest that is to be converted"),
            Self::ReadsCount(_) => ("try_put_derived", "reads the count of deletions"),
            Self::ReadsReferences => ("try_put_derived", "reads the source and what the outcome refers to"),
            Self::Spares(_) => ("spare", "takes marks away"),
            Self::Commits(_) => ("try_put_derived", "stores the conversion"),
        }
    }
}

/// What follows when the config is there.
pub(crate) fn with_blobs(rules: &Rules) -> Where {
    Where::Convert(match rules.guards.has(Guard::CountFirst) {
        true => At::ReadsCount(None),
        false => At::ReadsReferences,
    })
}

pub(crate) fn go(state: &mut State, rules: &Rules, who: usize, task: Task, at: At) -> Where {
    let Task::Convert { repository } = task else { return Where::Ended };
    let again = with_blobs(rules);
    match at {
        At::ReadsSource => match state.world.record(repository, Manifest::Image) {
            Some(_) => Where::Upload(upload::At::Asks, Blob::Config),
            None => Where::Ended,
        },
        At::ReadsReferences => {
            if state.world.record(repository, Manifest::Image).is_none() {
                return Where::Ended;
            }
            if !references(repository, Manifest::Derived).all(|item| state.world.is_there(item)) {
                return if state.actors[who].excused { Where::Ended } else { Where::Refused };
            }
            let marked = spared(repository).any(|item| state.world.mark(item).is_some());
            let exists = state.world.record(repository, Manifest::Derived).is_some();
            let seen = Seen { marked, exists };
            match rules.guards.has(Guard::CountFirst) {
                true => with_references(seen),
                false => Where::Convert(At::ReadsCount(Some(seen))),
            }
        }
        At::ReadsCount(seen) => {
            state.actors[who].counted = Some(repository);
            match seen {
                Some(seen) => with_references(seen),
                None => Where::Convert(At::ReadsReferences),
            }
        }
        At::Spares(seen) => {
            let there = spared(repository).all(|item| state.world.is_there(item));
            if !rules.guards.allow(Guard::Spared, there) {
                return again;
            }
            for item in spared(repository) {
                state.take_mark_away(item);
            }
            with_references(Seen { marked: false, ..seen })
        }
        At::Commits(seen) => {
            let unchanged = state.actors[who].counted == Some(repository);
            let outcome = state.world.record(repository, Manifest::Derived);
            if outcome.is_some() != seen.exists || !rules.guards.allow(Guard::NothingMarkedSince, unchanged) {
                return again;
            }
            state.put_record(repository, Manifest::Derived, outcome.is_none_or(|outcome| outcome.derived));
            state.contents(repository).conversion = true;
            Where::Ended
        }
    }
}

/// What a conversion relies on: what its outcome refers to, and its source.
fn spared(repository: Repository) -> impl Iterator<Item = Item> {
    references(repository, Manifest::Derived).chain([Item::Manifest(repository, Manifest::Image)])
}

fn with_references(seen: Seen) -> Where {
    Where::Convert(if seen.marked { At::Spares(seen) } else { At::Commits(seen) })
}

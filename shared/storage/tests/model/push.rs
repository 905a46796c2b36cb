//! Storing a manifest: `push.rs`.

use storage::Guard;

use crate::actor::{At as Where, Rules, Task};
use crate::world::{Item, Manifest, Repository, State};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum At {
    AsksForChild,
    SparesChild,
    ReadsCount(Option<Seen>),
    ReadsReferences,
    Spares(Seen),
    WritesWaysBack(Seen),
    Commits(Seen),
}

/// What the batch read found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    /// Whether something that it refers to is marked.
    pub(crate) marked: bool,
    /// Whether the manifest is there.
    pub(crate) exists: bool,
}

impl At {
    pub(crate) fn step(self) -> (&'static str, &'static str) {
        match self {
            Self::AsksForChild => ("wanted_manifest", "asks for the child"),
            Self::SparesChild => ("spare_one", "takes the child's mark away"),
            Self::ReadsCount(_) => ("try_put_manifest", "reads the count of deletions"),
            Self::ReadsReferences => ("try_put_manifest", "reads what the manifest refers to"),
            Self::Spares(_) => ("spare", "takes marks away"),
            Self::WritesWaysBack(_) => ("parent_writes", "writes the way back before the list"),
            Self::Commits(_) => ("try_put_manifest", "stores the manifest"),
        }
    }
}

/// What follows when the blobs are there; also what follows when the transaction didn't go through.
pub(crate) fn with_blobs(rules: &Rules) -> Where {
    Where::Push(match rules.guards.has(Guard::CountFirst) {
        true => At::ReadsCount(None),
        false => At::ReadsReferences,
    })
}

pub(crate) fn go(state: &mut State, rules: &Rules, who: usize, task: Task, at: At) -> Where {
    let Task::Push { repository, manifest, .. } = task else { return Where::Ended };
    let again = with_blobs(rules);
    match at {
        At::AsksForChild => {
            state.begins(who);
            let Some(child) = manifest.child() else { return again };
            match state.world.record(repository, child) {
                None => Where::Ended,
                Some(record) if record.mark.is_some() => Where::Push(At::SparesChild),
                Some(_) => again,
            }
        }
        At::SparesChild => {
            let Some(item) = manifest.child().map(|child| Item::Manifest(repository, child)) else { return again };
            match rules.guards.allow(Guard::Spared, state.world.is_there(item)) {
                true => {
                    state.take_mark_away(item);
                    again
                }
                false => Where::Ended,
            }
        }
        At::ReadsReferences => {
            if !references(repository, manifest).all(|item| state.world.is_there(item)) {
                return if state.actors[who].excused { Where::Ended } else { Where::Refused };
            }
            let marked = references(repository, manifest).any(|item| state.world.mark(item).is_some());
            let exists = state.world.record(repository, manifest).is_some();
            let seen = Seen { marked, exists };
            match rules.guards.has(Guard::CountFirst) {
                true => with_references(rules, manifest, seen),
                false => Where::Push(At::ReadsCount(Some(seen))),
            }
        }
        At::ReadsCount(seen) => {
            state.actors[who].counted = Some(repository);
            match seen {
                Some(seen) => with_references(rules, manifest, seen),
                None => Where::Push(At::ReadsReferences),
            }
        }
        At::Spares(seen) => {
            let there = references(repository, manifest).all(|item| state.world.is_there(item));
            if !rules.guards.allow(Guard::Spared, there) {
                return again;
            }
            for item in references(repository, manifest) {
                state.take_mark_away(item);
            }
            with_references(rules, manifest, Seen { marked: false, ..seen })
        }
        At::WritesWaysBack(seen) => {
            let child = manifest.child().and_then(|child| state.world.record(repository, child));
            if !rules.guards.allow(Guard::ChildStays, child.is_some_and(|child| child.mark.is_none())) {
                return again;
            }
            state.contents(repository).way_back = true;
            Where::Push(At::Commits(seen))
        }
        At::Commits(seen) => {
            let unchanged = state.actors[who].counted == Some(repository);
            let bytes = state.world.record(repository, manifest).is_some() == seen.exists;
            if !bytes || !rules.guards.allow(Guard::NothingMarkedSince, unchanged) {
                return again;
            }
            state.put_record(repository, manifest, false);
            let contents = state.contents(repository);
            contents.tagged |= manifest.bit();
            contents.acknowledged |= manifest.bit();
            contents.way_back |= manifest == Manifest::List;
            Where::Ended
        }
    }
}

fn with_references(rules: &Rules, manifest: Manifest, seen: Seen) -> Where {
    Where::Push(match seen.marked {
        true => At::Spares(seen),
        false if rules.large_lists && manifest == Manifest::List => At::WritesWaysBack(seen),
        false => At::Commits(seen),
    })
}

/// What a manifest refers to.
pub(crate) fn references(repository: Repository, manifest: Manifest) -> impl Iterator<Item = Item> {
    let blobs = manifest.blobs().iter().map(move |blob| Item::Blob(repository, *blob));
    blobs.chain(manifest.child().map(|child| Item::Manifest(repository, child)))
}

//! A client's DELETE of a blob or a manifest: `removal.rs`.

use storage::Guard;

use crate::actor::{At as Where, Rules, Task};
use crate::removal;
use crate::world::{Blob, Item, Manifest, Object, Repository, State};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum At {
    Reads,
    Marks(Object),
    /// At each manifest in turn: a page may end behind any.
    Looks(Object, Manifest),
    Unmarks,
    Drops(Object),
}

impl At {
    pub(crate) fn step(self, function: &'static str) -> (&'static str, &'static str) {
        match self {
            Self::Reads => (function, "reads what is to be deleted"),
            Self::Marks(_) => ("put_mark", "sets a mark and counts it"),
            Self::Looks(..) => ("who_names", "looks at what the next manifest refers to"),
            Self::Unmarks => ("unmark", "takes its mark back"),
            Self::Drops(_) => ("drop_blob", "deletes right and link, and notes the orphan"),
        }
    }
}

pub(crate) fn go_blob(state: &mut State, rules: &Rules, who: usize, task: Task, at: At) -> Where {
    let Task::DeleteBlob { repository, blob } = task else { return Where::Ended };
    let item = Item::Blob(repository, blob);
    let (here, again) = (Where::DeleteBlob, Where::DeleteBlob(At::Reads));
    let looks_first = !rules.guards.has(Guard::LookAfterMark);
    match at {
        At::Reads => match state.world.right(repository, blob) {
            None => Where::Ended,
            Some(right) if looks_first => here(At::Looks(right.object, rules.manifests[0])),
            Some(right) => here(At::Marks(right.object)),
        },
        At::Marks(object) => {
            if !mark(state, who, repository, item) {
                return again;
            }
            here(if looks_first { At::Drops(object) } else { At::Looks(object, rules.manifests[0]) })
        }
        At::Looks(object, manifest) => {
            let names_it = state.world.record(repository, manifest).is_some() && manifest.blobs().contains(&blob);
            match next(rules, manifest) {
                _ if names_it => here(At::Unmarks),
                Some(manifest) => here(At::Looks(object, manifest)),
                None if looks_first => here(At::Marks(object)),
                None => here(At::Drops(object)),
            }
        }
        At::Unmarks => {
            unmark(state, rules, who, item);
            Where::Ended
        }
        At::Drops(object) => {
            if !drop_blob(state, rules, who, (repository, blob), object) {
                return again;
            }
            state.excuse(item);
            Where::Ended
        }
    }
}

pub(crate) fn go_manifest(state: &mut State, rules: &Rules, who: usize, task: Task, at: At) -> Where {
    let Task::DeleteManifest { repository, manifest } = task else { return Where::Ended };
    let item = Item::Manifest(repository, manifest);
    match at {
        At::Reads => match state.world.record(repository, manifest) {
            None => Where::Ended,
            Some(_) => removal::begin_unmarked(rules, repository, manifest),
        },
        At::Unmarks => {
            unmark(state, rules, who, item);
            Where::Ended
        }
        // Steps of a blob's.
        At::Marks(_) | At::Looks(..) | At::Drops(_) => Where::Ended,
    }
}

/// `put_mark`, of one thing.
pub(crate) fn mark(state: &mut State, who: usize, repository: Repository, item: Item) -> bool {
    if !state.world.is_there(item) {
        return false;
    }
    state.put_mark(who, item);
    state.count_deletion(repository);
    true
}

pub(crate) fn unmark(state: &mut State, rules: &Rules, who: usize, item: Item) {
    if rules.guards.allow(Guard::StillMarked, state.knows_mark(who, item)) {
        state.take_mark_away(item);
    }
}

/// `drop_blob`.
pub(crate) fn drop_blob(
    state: &mut State,
    rules: &Rules,
    who: usize,
    (repository, blob): (Repository, Blob),
    object: Object,
) -> bool {
    let is_marked = state.knows_mark(who, Item::Blob(repository, blob));
    let is_same = state.world.right(repository, blob).is_some_and(|right| right.object == object);
    if !rules.guards.allow(Guard::StillMarked, is_marked) || !rules.guards.allow(Guard::SameObject, is_same) {
        return false;
    }
    state.delete_right(repository, blob);
    state.put_orphan(object, blob);
    true
}

/// The manifest after one, in the order of digests.
pub(crate) fn next(rules: &Rules, manifest: Manifest) -> Option<Manifest> {
    rules.manifests.iter().copied().find(|next| *next as u8 > manifest as u8)
}

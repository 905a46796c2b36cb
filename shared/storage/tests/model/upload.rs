//! How a blob comes into a repository: `blobs.rs` and `uploads/finish.rs`.

use storage::Guard;

use crate::actor::{At as Where, Rules, Task};
use crate::convert;
use crate::push;
use crate::world::{Blob, Item, Known, Object, Phase, Repository, Session, State};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum At {
    Asks,
    Spares,
    ReadsMountSource,
    Mounts(Object),
    Opens,
    Sends,
    ReadsShelf,
    Adopts(Option<Object>),
    Tidies,
}

impl At {
    pub(crate) fn step(self, converts: bool) -> (&'static str, &'static str) {
        match self {
            Self::Asks if converts => ("put_blob", "asks for the blob"),
            Self::Asks => ("wanted_blob", "asks for the blob"),
            Self::Spares => ("spare_one", "takes the mark away"),
            Self::ReadsMountSource => ("mount", "reads the other repository's right"),
            Self::Mounts(_) => ("mount", "writes the right, the link and the revision"),
            Self::Opens => ("start_upload", "opens a session"),
            Self::Sends => ("complete", "stores the object"),
            Self::ReadsShelf => ("shelf", "reads which object has the blob"),
            Self::Adopts(None) => ("adopt", "writes right, link and the object's record"),
            Self::Adopts(Some(_)) => ("adopt", "writes right and link to the object that is there, and its revision"),
            Self::Tidies => ("tidy", "deletes the object that isn't needed"),
        }
    }
}

pub(crate) fn go(state: &mut State, rules: &Rules, who: usize, task: Task, at: At, blob: Blob) -> Where {
    let (repository, mounts, then) = match task {
        Task::Push { repository, mounts, .. } => (repository, mounts, push::with_blobs(rules)),
        Task::Convert { repository } => (repository, false, convert::with_blobs(rules)),
        Task::DeleteBlob { .. } | Task::DeleteManifest { .. } | Task::Collect => return Where::Ended,
    };
    let here = |at| Where::Upload(at, blob);
    let absent = if mounts { here(At::ReadsMountSource) } else { here(At::Opens) };
    let own = object_of(who);
    match at {
        At::Asks => {
            state.begins(who);
            match state.world.right(repository, blob) {
                None => absent,
                Some(right) if right.mark.is_some() => here(At::Spares),
                Some(_) => then,
            }
        }
        At::Spares => {
            let item = Item::Blob(repository, blob);
            match rules.guards.allow(Guard::Spared, state.world.is_there(item)) {
                true => {
                    state.take_mark_away(item);
                    then
                }
                false => absent,
            }
        }
        At::ReadsMountSource => match state.world.right(repository.other(), blob) {
            Some(source) => here(At::Mounts(source.object)),
            None => here(At::Opens),
        },
        At::Mounts(object) => {
            if !shelve(state, rules, (repository, blob), object, Some(object)) {
                return here(At::ReadsMountSource);
            }
            state.world.sessions[who] = Some(Session { repository, blob, phase: Phase::Finished });
            then
        }
        At::Opens => {
            state.world.sessions[who] = Some(Session { repository, blob, phase: Phase::Open });
            here(At::Sends)
        }
        At::Sends => {
            state.world.bucket |= 1 << own;
            here(At::ReadsShelf)
        }
        At::ReadsShelf => here(At::Adopts(state.world.known[blob as usize].map(|known| known.object))),
        At::Adopts(existing) => {
            if !state.world.sessions[who].is_some_and(|session| session.phase == Phase::Open) {
                return Where::Ended;
            }
            if !shelve(state, rules, (repository, blob), existing.unwrap_or(own), existing) {
                return here(At::ReadsShelf);
            }
            state.world.sessions[who] = Some(Session { repository, blob, phase: Phase::Finished });
            if existing.is_some() { here(At::Tidies) } else { then }
        }
        At::Tidies => {
            state.world.bucket &= !(1 << own);
            then
        }
    }
}

/// The object that `who` stores.
pub(crate) fn object_of(who: usize) -> Object {
    2 + who as Object
}

/// `Storage::shelve`, and the transaction that it is part of.
fn shelve(
    state: &mut State,
    rules: &Rules,
    (repository, blob): (Repository, Blob),
    object: Object,
    existing: Option<Object>,
) -> bool {
    let known = state.world.known[blob as usize];
    let holds = match existing {
        Some(existing) => rules.guards.allow(Guard::ObjectStays, known.is_some_and(|known| known.object == existing)),
        None => known.is_none(),
    };
    if !holds {
        return false;
    }
    let known = known.unwrap_or(Known { object, revision: 0 });
    state.world.known[blob as usize] = Some(Known { revision: known.revision + 1, ..known });
    state.put_right(repository, blob, object);
    true
}

//! A run of the collector: `functions/collector`, and what it calls in `collection.rs`, `marks.rs`, `uploads/sweep.rs` and
//! `orphans.rs`.

use storage::Guard;

use crate::actor::{Actor, At as Where, Rules, Task};
use crate::delete::{self, drop_blob};
use crate::removal;
use crate::upload::object_of;
use crate::world::{ACTORS, Blob, Item, Manifest, OBJECTS, Object, Phase, Repository, Session, State};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum At {
    ReadsState(Repository),
    ListsSessions(Repository),
    Looks(Repository, Manifest),
    ReadsTags(Repository),
    ReadsSources(Repository),
    TakesManifests(Repository),
    ReadsBlobs(Repository),
    TakesBlobs(Repository),
    TakesBack(Repository),
    ReadsUnmarked(Repository),
    Marks(Repository),
    NotesClean(Repository),
    Sweeps(Repository, usize),
    ReadsKept(Repository, usize),
    DeletesLeftOver(Repository, usize),
    ForgetsSession(Repository, usize),
    ListsOrphans(Object),
    ReadsObject(Object),
    CountsLinks(Object, u8),
    KeepsOrphan(Object),
    ForgetsObject(Object, u8),
    DeletesObject(Object),
    RemovesOrphan(Object),
}

/// What a run knows of the repository that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Survey {
    /// Blobs that manifests refer to.
    blobs: u8,
    /// Manifests that are there, those that are derived, those that have a tag.
    manifests: u8,
    derived: u8,
    tagged: u8,
    ownerless: bool,
    /// Items that had a mark when they were read: blobs, and two bits higher manifests.
    marked: u8,
    /// Those that are to be marked, and those to be taken.
    mark: u8,
    take: u8,
    /// Those whose mark nothing came of.
    spare: u8,
    blobs_read: bool,
    had_sessions: bool,
    /// Sessions that nobody worked on any more when they were listed, by who opened them.
    idle: u8,
    /// Whether there was anything to do or to wait for.
    dirty: bool,
}

impl Survey {
    pub(crate) const NONE: Self = Self {
        blobs: 0,
        manifests: 0,
        derived: 0,
        tagged: 0,
        ownerless: false,
        marked: 0,
        mark: 0,
        take: 0,
        spare: 0,
        blobs_read: false,
        had_sessions: false,
        idle: 0,
        dirty: false,
    };
}

impl At {
    pub(crate) fn step(self) -> (&'static str, &'static str) {
        match self {
            Self::ReadsState(_) => ("collection_states", "reads the count of deletions, and whether it is clean"),
            Self::ListsSessions(_) => ("sessions", "lists the sessions"),
            Self::Looks(..) => ("each_manifest", "looks at what the next manifest refers to"),
            Self::ReadsTags(_) => ("each_tag", "reads the tags"),
            Self::ReadsSources(_) => ("ownerless", "asks for the sources of what is derived"),
            Self::TakesManifests(_) => ("collect_manifest", "reads the next manifest that is to go"),
            Self::ReadsBlobs(_) => ("each_blob", "reads the rights and their marks"),
            Self::TakesBlobs(_) => ("drop_blob", "deletes right and link, and notes the orphan"),
            Self::TakesBack(_) => ("unmark", "takes a mark back that nothing came of"),
            Self::ReadsUnmarked(_) => ("try_mark", "reads what is to be marked"),
            Self::Marks(_) => ("put_mark", "sets a mark and counts it"),
            Self::NotesClean(_) => ("note_clean", "notes that nothing is left"),
            Self::Sweeps(..) => ("end_idle", "ends a session that nobody works on"),
            Self::ReadsKept(..) => ("sweep_session", "reads which object has the blob"),
            Self::DeletesLeftOver(..) => ("sweep_session", "deletes the session's object"),
            Self::ForgetsSession(..) => ("forget_session", "deletes the session"),
            Self::ListsOrphans(_) => ("orphans", "reads the next orphan"),
            Self::ReadsObject(_) => ("remove_orphan", "reads which object has the blob"),
            Self::CountsLinks(..) => ("has_links", "looks for links"),
            Self::KeepsOrphan(_) => ("remove_orphan", "notes that it is none"),
            Self::ForgetsObject(..) => ("forget_object", "deletes the record of the object"),
            Self::DeletesObject(_) => ("remove_orphan", "deletes the object"),
            Self::RemovesOrphan(_) => ("remove_orphan", "deletes the note of the orphan"),
        }
    }
}

pub(crate) fn begin() -> At {
    At::ReadsState(Repository::A)
}

pub(crate) fn go(state: &mut State, rules: &Rules, who: usize, at: At) -> Where {
    Where::Collect(match at {
        At::ReadsState(repository) => {
            state.actors[who].survey = Survey { dirty: !state.world.contents(repository).clean, ..Survey::NONE };
            state.actors[who].counted = Some(repository);
            At::ListsSessions(repository)
        }
        At::ListsSessions(repository) => {
            let here = |session: Option<Session>| session.is_some_and(|session| session.repository == repository);
            let sessions = (0..ACTORS).filter(|whose| here(state.world.sessions[*whose]));
            let had_sessions = sessions.clone().next().is_some();
            let idle =
                sessions.filter(|whose| !state.actors[*whose].is_there()).fold(0, |bits, whose| bits | 1 << whose);
            let may_have_left_overs = state.actors[who].survey.dirty || had_sessions || rules.collects_untagged;
            state.actors[who].survey = Survey { had_sessions, idle, ..Survey::NONE };
            if !may_have_left_overs {
                return leaves(state, rules, who, repository);
            }
            state.begins(who);
            At::Looks(repository, rules.manifests[0])
        }
        At::Looks(repository, manifest) => {
            look(state, who, repository, manifest);
            match delete::next(rules, manifest) {
                Some(next) => At::Looks(repository, next),
                None if rules.collects_untagged => At::ReadsTags(repository),
                None => return judged(state, rules, who, repository),
            }
        }
        At::ReadsTags(repository) => {
            state.actors[who].survey.tagged = state.world.contents(repository).tagged;
            return judged(state, rules, who, repository);
        }
        At::ReadsSources(repository) => {
            state.actors[who].survey.ownerless = !state.world.contents(repository).conversion;
            judge(state, rules, who, repository);
            return next(state, rules, who, repository);
        }
        At::TakesManifests(repository) => {
            let take = state.actors[who].survey.take;
            let Some(item) = chosen(repository, take & MANIFESTS).next() else {
                return next(state, rules, who, repository);
            };
            state.actors[who].survey.take &= !bit(item);
            match item {
                Item::Manifest(_, manifest) if state.knows_mark(who, item) => {
                    return Where::Removes(removal::At::LooksForParents, repository, manifest);
                }
                _ => return next(state, rules, who, repository),
            }
        }
        At::ReadsBlobs(repository) => {
            state.actors[who].survey.blobs_read = true;
            read_blobs(state, rules, who, repository);
            return next(state, rules, who, repository);
        }
        At::TakesBlobs(repository) => {
            let take = state.actors[who].survey.take;
            if let Some(blob) = Blob::ALL.into_iter().find(|blob| take & blob.bit() != 0) {
                state.actors[who].survey.take &= !blob.bit();
                if let Some(right) = state.world.right(repository, blob) {
                    drop_blob(state, rules, who, (repository, blob), right.object);
                }
            }
            return next(state, rules, who, repository);
        }
        At::TakesBack(repository) => {
            if let Some(item) = chosen(repository, state.actors[who].survey.spare).next() {
                state.actors[who].survey.spare &= !bit(item);
                delete::unmark(state, rules, who, item);
            }
            return next(state, rules, who, repository);
        }
        At::ReadsUnmarked(repository) => {
            let unmarked = chosen(repository, state.actors[who].survey.mark)
                .filter(|item| state.world.is_there(*item) && state.world.mark(*item).is_none())
                .fold(0, |bits, item| bits | bit(item));
            state.actors[who].survey.mark = unmarked;
            if unmarked == 0 {
                return next(state, rules, who, repository);
            }
            At::Marks(repository)
        }
        At::Marks(repository) => {
            let mark = state.actors[who].survey.mark;
            if !chosen(repository, mark).all(|item| state.world.is_there(item)) {
                return Where::Collect(At::ReadsUnmarked(repository));
            }
            chosen(repository, mark).for_each(|item| state.put_mark(who, item));
            state.count_deletion(repository);
            state.actors[who].survey.mark = 0;
            return next(state, rules, who, repository);
        }
        At::NotesClean(repository) => {
            if state.actors[who].counted == Some(repository) {
                state.contents(repository).clean = true;
            }
            return leaves(state, rules, who, repository);
        }
        At::Sweeps(repository, whose) => {
            let Some(session) = state.world.sessions[whose] else {
                return sweeps(state, rules, who, repository, whose + 1);
            };
            match session.phase {
                Phase::Open => {
                    state.world.sessions[whose] = Some(Session { phase: Phase::Cancelled, ..session });
                    At::DeletesLeftOver(repository, whose)
                }
                Phase::Cancelled => At::DeletesLeftOver(repository, whose),
                Phase::Finished => At::ReadsKept(repository, whose),
            }
        }
        At::ReadsKept(repository, whose) => match state.world.known[blob_in(state, object_of(whose)) as usize] {
            Some(known) if known.object == object_of(whose) => At::ForgetsSession(repository, whose),
            _ => At::DeletesLeftOver(repository, whose),
        },
        At::DeletesLeftOver(repository, whose) => {
            state.world.bucket &= !(1 << object_of(whose));
            At::ForgetsSession(repository, whose)
        }
        At::ForgetsSession(repository, whose) => {
            state.world.sessions[whose] = None;
            return sweeps(state, rules, who, repository, whose + 1);
        }
        At::ListsOrphans(_)
        | At::ReadsObject(_)
        | At::CountsLinks(..)
        | At::KeepsOrphan(_)
        | At::ForgetsObject(..)
        | At::DeletesObject(_)
        | At::RemovesOrphan(_) => return orphan(state, rules, who, at),
    })
}

/// What comes next in a repository.
fn next(state: &mut State, rules: &Rules, who: usize, repository: Repository) -> Where {
    let Survey { take, spare, mark, blobs_read, had_sessions, dirty, .. } = state.actors[who].survey;
    Where::Collect(match () {
        () if take & MANIFESTS != 0 => At::TakesManifests(repository),
        () if take != 0 => At::TakesBlobs(repository),
        () if spare != 0 => At::TakesBack(repository),
        () if mark != 0 => At::ReadsUnmarked(repository),
        () if !blobs_read => At::ReadsBlobs(repository),
        () if !dirty && !had_sessions && !rules.collects_untagged => At::NotesClean(repository),
        () => return sweeps(state, rules, who, repository, 0),
    })
}

/// A manifest was removed, or somebody refers to it.
pub(crate) fn after_manifest(state: &mut State, rules: &Rules, who: usize, repository: Repository) -> Where {
    next(state, rules, who, repository)
}

/// The next repository, and after the last one the orphans.
fn leaves(state: &mut State, rules: &Rules, who: usize, repository: Repository) -> Where {
    state.ends(who);
    state.actors[who] = Actor { task: Some(Task::Collect), ..Actor::NOBODY };
    match repository == rules.last {
        true => lists_orphans(state, rules, 0),
        false => Where::Collect(At::ReadsState(repository.other())),
    }
}

/// The next session that is to be swept. They go last: a repository that has one is looked into, whatever happens to this
/// run.
fn sweeps(state: &mut State, rules: &Rules, who: usize, repository: Repository, from: usize) -> Where {
    let idle = state.actors[who].survey.idle;
    match (from..ACTORS).find(|whose| idle & (1 << whose) != 0) {
        Some(whose) => Where::Collect(At::Sweeps(repository, whose)),
        None => leaves(state, rules, who, repository),
    }
}

fn look(state: &mut State, who: usize, repository: Repository, manifest: Manifest) {
    let Some(record) = state.world.record(repository, manifest) else { return };
    let survey = &mut state.actors[who].survey;
    survey.manifests |= manifest.bit();
    if record.derived {
        survey.derived |= manifest.bit();
    }
    survey.blobs |= manifest.blobs().iter().fold(0, |bits, blob| bits | blob.bit());
    if record.mark.is_some() {
        sees_mark(state, who, Item::Manifest(repository, manifest));
    }
}

fn sees_mark(state: &mut State, who: usize, item: Item) {
    state.actors[who].survey.marked |= bit(item);
    state.learns_mark(who, item);
}

fn judged(state: &mut State, rules: &Rules, who: usize, repository: Repository) -> Where {
    if state.actors[who].survey.derived != 0 {
        return Where::Collect(At::ReadsSources(repository));
    }
    judge(state, rules, who, repository);
    next(state, rules, who, repository)
}

/// Which manifests are to go.
fn judge(state: &mut State, rules: &Rules, who: usize, repository: Repository) {
    let survey = state.actors[who].survey;
    let is_in = |set: u8, manifest: Manifest| set & manifest.bit() != 0;
    for manifest in Manifest::ALL.into_iter().filter(|manifest| is_in(survey.manifests, *manifest)) {
        let is_child =
            Manifest::ALL.iter().any(|list| list.child() == Some(manifest) && is_in(survey.manifests, *list));
        let goes = match is_in(survey.derived, manifest) {
            true => survey.ownerless,
            false => rules.collects_untagged && !is_in(survey.tagged, manifest) && !is_child,
        };
        due(state, rules, who, Item::Manifest(repository, manifest), goes);
    }
}

/// Which blobs are to go.
fn read_blobs(state: &mut State, rules: &Rules, who: usize, repository: Repository) {
    for blob in Blob::ALL {
        let item = Item::Blob(repository, blob);
        if !state.world.is_there(item) {
            continue;
        }
        if state.world.mark(item).is_some() {
            sees_mark(state, who, item);
        }
        let goes = state.actors[who].survey.blobs & blob.bit() == 0;
        due(state, rules, who, item, goes);
    }
}

/// `step` of the collector. What goes is marked, taken, or left to a later run; a mark on what stays is taken back, when
/// nobody can be at work on it any more.
fn due(state: &mut State, rules: &Rules, who: usize, item: Item, goes: bool) {
    let is_old = state.knows_mark(who, item) && is_old(state, rules, who, item);
    let survey = &mut state.actors[who].survey;
    let is_marked = survey.marked & bit(item) != 0;
    survey.dirty |= goes || is_marked;
    match goes {
        true if is_old => survey.take |= bit(item),
        true if !is_marked => survey.mark |= bit(item),
        false if is_old => survey.spare |= bit(item),
        true | false => {}
    }
}

/// Whether a mark is as old as the grace period, which is longer than any push, and was set before the look.
fn is_old(state: &State, rules: &Rules, who: usize, item: Item) -> bool {
    let Some(mark) = state.world.mark(item) else { return false };
    let pushes = (0..ACTORS)
        .filter(|&actor| !matches!(state.actors[actor].task, None | Some(Task::Collect)))
        .fold(0, |bits, actor| bits | 1 << actor);
    rules.guards.allow(Guard::Grace, mark.during & pushes == 0)
        && rules.guards.allow(Guard::LookAfterMark, mark.during & (1 << who) == 0)
}

/// Those of a set that are manifests.
const MANIFESTS: u8 = 0b11_1100;

fn bit(item: Item) -> u8 {
    match item {
        Item::Blob(_, blob) => blob.bit(),
        Item::Manifest(_, manifest) => manifest.bit() << 2,
        Item::Orphan(_) => 0,
    }
}

fn chosen(repository: Repository, set: u8) -> impl Iterator<Item = Item> {
    let blobs = Blob::ALL.into_iter().map(move |blob| Item::Blob(repository, blob));
    let items = blobs.chain(Manifest::ALL.into_iter().map(move |manifest| Item::Manifest(repository, manifest)));
    items.filter(move |item| set & bit(*item) != 0)
}

fn lists_orphans(state: &State, rules: &Rules, from: Object) -> Where {
    let more = (from..OBJECTS as Object).any(|object| state.world.is_there(Item::Orphan(object)));
    match more {
        true => Where::Collect(At::ListsOrphans(from)),
        false if rules.one_run => Where::Ended,
        false => Where::Collect(begin()),
    }
}

/// `remove_orphan`.
fn orphan(state: &mut State, rules: &Rules, who: usize, at: At) -> Where {
    let here = Where::Collect;
    match at {
        At::ListsOrphans(from) => {
            let found =
                (from..OBJECTS as Object).find_map(|object| Some((object, state.world.orphans[usize::from(object)]?)));
            let Some((object, orphan)) = found else { return lists_orphans(state, rules, OBJECTS as Object) };
            state.learns_mark(who, Item::Orphan(object));
            here(if orphan.forgotten { At::DeletesObject(object) } else { At::ReadsObject(object) })
        }
        At::ReadsObject(object) => match state.world.known[blob_in(state, object) as usize] {
            Some(known) if known.object == object => here(At::CountsLinks(object, known.revision)),
            _ => here(At::DeletesObject(object)),
        },
        At::CountsLinks(object, revision) => {
            let is_linked = state.world.is_linked(blob_in(state, object));
            here(if is_linked { At::KeepsOrphan(object) } else { At::ForgetsObject(object, revision) })
        }
        At::KeepsOrphan(object) => {
            if rules.guards.allow(Guard::SameOrphan, is_same(state, who, object)) {
                state.delete_orphan(object);
            }
            lists_orphans(state, rules, object + 1)
        }
        At::ForgetsObject(object, revision) => {
            let blob = blob_in(state, object);
            let known = state.world.known[blob as usize];
            let unchanged = known.is_some_and(|known| known.revision == revision);
            let is_same = is_same(state, who, object);
            if !rules.guards.allow(Guard::NotLinkedSince, unchanged) || !rules.guards.allow(Guard::SameOrphan, is_same)
            {
                return lists_orphans(state, rules, object + 1);
            }
            state.world.known[blob as usize] = None;
            if let Some(orphan) = &mut state.world.orphans[usize::from(object)] {
                orphan.forgotten = true;
            }
            here(At::DeletesObject(object))
        }
        At::DeletesObject(object) => {
            state.world.bucket &= !(1 << object);
            here(At::RemovesOrphan(object))
        }
        At::RemovesOrphan(object) => {
            state.delete_orphan(object);
            lists_orphans(state, rules, object + 1)
        }
        _ => Where::Ended,
    }
}

fn is_same(state: &State, who: usize, object: Object) -> bool {
    let orphan = state.world.orphans[usize::from(object)];
    state.knows_mark(who, Item::Orphan(object)) && orphan.is_some_and(|orphan| !orphan.forgotten)
}

/// The blob that is in an object, as the orphan's record says.
fn blob_in(state: &State, object: Object) -> Blob {
    match object {
        0 => Blob::Layer,
        1 => Blob::Config,
        sent => match state.actors[usize::from(sent) - 2].task {
            Some(Task::Convert { .. }) => Blob::Config,
            _ => Blob::Layer,
        },
    }
}

//! Who does something, and where it is.

use std::fmt;

use crate::guards::InForce;
use crate::world::{Blob, Item, Manifest, Repository, State};
use crate::{collect, convert, delete, push, removal, upload};

/// What somebody does, once; a collector for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Task {
    /// Asks for what the manifest refers to, sends a layer that isn't there, or mounts it from the other repository, and
    /// then stores the manifest.
    Push { repository: Repository, manifest: Manifest, mounts: bool },
    /// Makes the derived manifest of the image, with its config.
    Convert { repository: Repository },
    /// A client's DELETE.
    DeleteBlob { repository: Repository, blob: Blob },
    /// A client's DELETE.
    DeleteManifest { repository: Repository, manifest: Manifest },
    /// Run after run.
    Collect,
}

/// Where somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum At {
    /// It is done, or died.
    Ended,
    /// It was told that something isn't there which it had found to be there.
    Refused,
    Upload(upload::At, Blob),
    Push(push::At),
    Convert(convert::At),
    DeleteBlob(delete::At),
    DeleteManifest(delete::At),
    Removes(removal::At, Repository, Manifest),
    Collect(collect::At),
}

/// Somebody, and what it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Actor {
    pub(crate) task: Option<Task>,
    pub(crate) at: At,
    /// The repository whose count it has read, while it is still that.
    pub(crate) counted: Option<Repository>,
    /// Items whose mark it has read or set, while it is still that.
    pub(crate) marks: u32,
    /// See [`Mark`](crate::world::Mark).
    pub(crate) busy: bool,
    /// Whether something that it asks for was deleted by a client.
    pub(crate) excused: bool,
    /// The collector's.
    pub(crate) survey: collect::Survey,
}

/// A step: what the code calls it, and what it does there. Each is one call of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Step {
    pub(crate) function: &'static str,
    pub(crate) does: &'static str,
}

/// A scenario as all steps see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) guards: InForce,
    /// Manifests that there may be, and where the last repository is: nobody looks for others.
    pub(crate) manifests: &'static [Manifest],
    pub(crate) last: Repository,
    /// The list has so many children that their ways back don't fit into the transaction that stores it.
    pub(crate) large_lists: bool,
    /// Repositories have their untagged manifests collected.
    pub(crate) collects_untagged: bool,
    /// The collector is invoked once more and stops after its run.
    pub(crate) one_run: bool,
}

impl Task {
    pub(crate) fn begins_at(self) -> At {
        match self {
            Self::Push { manifest: Manifest::List, .. } => At::Push(push::At::AsksForChild),
            Self::Push { .. } => At::Upload(upload::At::Asks, Blob::Layer),
            Self::Convert { .. } => At::Convert(convert::At::ReadsSource),
            Self::DeleteBlob { .. } => At::DeleteBlob(delete::At::Reads),
            Self::DeleteManifest { .. } => At::DeleteManifest(delete::At::Reads),
            Self::Collect => At::Collect(collect::begin()),
        }
    }

    /// Whether it has to find the item where it is until it is done.
    pub(crate) fn asks_for(self, item: Item) -> bool {
        match self {
            Self::Push { repository, manifest, .. } => {
                let blobs = manifest.blobs().iter().map(|blob| Item::Blob(repository, *blob));
                blobs.chain(manifest.child().map(|child| Item::Manifest(repository, child))).any(|asked| asked == item)
            }
            Self::Convert { repository } => item == Item::Blob(repository, Blob::Config),
            Self::DeleteBlob { .. } | Self::DeleteManifest { .. } | Self::Collect => false,
        }
    }
}

impl Actor {
    pub(crate) const NOBODY: Self = Self {
        task: None,
        at: At::Ended,
        counted: None,
        marks: 0,
        busy: false,
        excused: false,
        survey: collect::Survey::NONE,
    };

    pub(crate) fn is_there(&self) -> bool {
        !matches!(self.at, At::Ended | At::Refused)
    }

    /// What it does next.
    pub(crate) fn next(&self) -> Step {
        let converts = matches!(self.task, Some(Task::Convert { .. }));
        let (function, does) = match self.at {
            At::Ended | At::Refused => Default::default(),
            At::Upload(at, _) => at.step(converts),
            At::Push(at) => at.step(),
            At::Convert(at) => at.step(),
            At::DeleteBlob(at) => at.step("delete_blob"),
            At::DeleteManifest(at) => at.step("delete_manifest"),
            At::Removes(at, ..) => at.step(),
            At::Collect(at) => at.step(),
        };
        Step { function, does }
    }
}

impl State {
    /// Lets `who` do its next step.
    pub(crate) fn go(&mut self, rules: &Rules, who: usize) {
        let Some(task) = self.actors[who].task else { return };
        let next = match self.actors[who].at {
            At::Ended | At::Refused => return,
            At::Upload(at, blob) => upload::go(self, rules, who, task, at, blob),
            At::Push(at) => push::go(self, rules, who, task, at),
            At::Convert(at) => convert::go(self, rules, who, task, at),
            At::DeleteBlob(at) => delete::go_blob(self, rules, who, task, at),
            At::DeleteManifest(at) => delete::go_manifest(self, rules, who, task, at),
            At::Removes(at, repository, manifest) => removal::go(self, rules, who, task, at, (repository, manifest)),
            At::Collect(at) => collect::go(self, rules, who, at),
        };
        self.actors[who].at = next;
        if !self.actors[who].is_there() {
            self.leaves(who, next);
        }
    }

    /// What was somebody is gone, with all that it knew.
    pub(crate) fn leaves(&mut self, who: usize, at: At) {
        self.ends(who);
        self.actors[who] = Actor { task: self.actors[who].task, at, ..Actor::NOBODY };
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Push { repository, manifest, mounts: false } => write!(f, "push of {manifest:?} to {repository:?}"),
            Self::Push { repository, manifest, mounts: true } => {
                write!(f, "push of {manifest:?} to {repository:?}, with a mount")
            }
            Self::Convert { repository } => write!(f, "conversion in {repository:?}"),
            Self::DeleteBlob { repository, blob } => write!(f, "DELETE of {blob:?} in {repository:?}"),
            Self::DeleteManifest { repository, manifest } => write!(f, "DELETE of {manifest:?} in {repository:?}"),
            Self::Collect => write!(f, "collector"),
        }
    }
}

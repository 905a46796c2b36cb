//! What a run came to.

use serde::Serialize;

use crate::{Action, Thing};

/// How many of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "they are the kinds of things that can be left over")]
pub struct Counts {
    pub sessions: usize,
    pub conversions: usize,
    pub manifests: usize,
    pub blobs: usize,
    pub objects: usize,
}

/// What a run did; in a dry run, what it would have done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Repositories whose records were gone through.
    pub repositories: usize,
    /// Repositories in which nothing has changed since they were found clean.
    pub skipped: usize,
    /// Repositories and objects that couldn't be gone through to the end. The log has the reasons, and the next run tries
    /// again.
    pub failed: usize,
    /// What was marked, to be removed by a later run.
    pub marked: Counts,
    /// What is marked, or idle, and not for long enough.
    pub waiting: Counts,
    /// What was removed. For blobs that is a repository's right to one, for objects the bytes.
    pub removed: Counts,
    /// What was marked and stays.
    pub taken_back: Counts,
    /// Length of the removed objects, in bytes.
    pub bytes: u64,
}

impl Counts {
    fn of(&mut self, thing: &Thing) -> &mut usize {
        match thing {
            Thing::Session(_) => &mut self.sessions,
            Thing::Conversion(_) => &mut self.conversions,
            Thing::Manifest(_) => &mut self.manifests,
            Thing::Blob(_) => &mut self.blobs,
            Thing::Object(_) => &mut self.objects,
        }
    }

    fn each(&self) -> [usize; 5] {
        [self.sessions, self.conversions, self.manifests, self.blobs, self.objects]
    }

    /// Of every kind together.
    pub fn total(&self) -> usize {
        self.each().iter().sum()
    }

    fn plus(&self, other: &Self) -> Self {
        Self {
            sessions: self.sessions + other.sessions,
            conversions: self.conversions + other.conversions,
            manifests: self.manifests + other.manifests,
            blobs: self.blobs + other.blobs,
            objects: self.objects + other.objects,
        }
    }
}

impl Report {
    pub(crate) fn count(&mut self, thing: &Thing, action: Action) {
        let counts = match action {
            Action::Mark => &mut self.marked,
            Action::Wait => &mut self.waiting,
            Action::Remove => &mut self.removed,
            Action::TakeBack => &mut self.taken_back,
        };
        *counts.of(thing) += 1;
    }

    /// Whether nothing was found that is left over.
    pub fn is_clean(&self) -> bool {
        [self.marked, self.waiting, self.removed, self.taken_back].iter().all(|counts| counts.total() == 0)
    }

    /// Of this run and the one that went on from it.
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            repositories: self.repositories + other.repositories,
            skipped: self.skipped + other.skipped,
            failed: self.failed + other.failed,
            marked: self.marked.plus(&other.marked),
            waiting: self.waiting.plus(&other.waiting),
            removed: self.removed.plus(&other.removed),
            taken_back: self.taken_back.plus(&other.taken_back),
            bytes: self.bytes + other.bytes,
        }
    }
}

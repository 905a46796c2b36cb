//! One repository.

use std::time::Instant;

use protocol::RepositoryName;
use storage::{BlobEntry, CollectionState, Mark, Markable};

use crate::finding::{Action, Reason, Thing};
use crate::run::{MARKS_AT_ONCE, Run, Stop};
use crate::step::{Ages, Due, Step, step};
use crate::survey::Survey;

/// How long a repository is left alone in which nothing has been marked and no session was since it was found clean. Every
/// change leaves one or the other; but sessions expire, and should a collector not run for that long, this finds what
/// they left.
const LOOK_AGAIN: u64 = 7 * 24 * 60 * 60;

/// What a repository's manifests refer to, and since when that was read.
pub(crate) struct Looked {
    pub(crate) survey: Survey,
    pub(crate) at: Instant,
}

impl Looked {
    pub(crate) fn ages(&self, run: &Run<'_>) -> Ages {
        Ages { grace: run.terms.grace, looked: self.at.elapsed() }
    }
}

/// Whether nothing can have been left over since the repository was found clean.
fn is_settled(state: &CollectionState, now: u64) -> bool {
    let is_fresh = state.clean_since().is_some_and(|at| now.saturating_sub(at) < LOOK_AGAIN);
    // What policies say changes with the time.
    is_fresh && !state.collects_untagged && !state.has_lifecycle
}

impl Run<'_> {
    pub(crate) async fn repository(&mut self, name: &RepositoryName, state: &CollectionState) -> Result<(), Stop> {
        let before = self.report;
        let sessions = self.sessions(name).await?;
        if !sessions.any && is_settled(state, storage::now()) {
            self.report.skipped += 1;
            return Ok(());
        }
        self.conversions(name).await?;
        let deleted = self.storage.deleted_manifests(name).await?;
        let looked = self.manifests(name, state, &deleted).await?;
        let is_clear = looked.survey.unclear() == 0;
        if is_clear {
            self.blobs(name, &looked).await?;
        } else {
            let manifests = looked.survey.unclear();
            tracing::warn!(repository = %name, manifests, "don't say what they refer to: scrub the repository");
        }
        let is_clean = is_clear && !sessions.any && deleted.is_empty() && self.report == before;
        if is_clean && !self.terms.dry_run && !state.collects_untagged && !state.has_lifecycle {
            self.storage.note_clean(name, state).await?;
        }
        self.sweep(name, sessions).await?;
        self.report.repositories += 1;
        Ok(())
    }

    /// What conversions came to whose source is gone.
    async fn conversions(&mut self, name: &RepositoryName) -> Result<(), Stop> {
        for conversion in self.read(self.storage.ownerless_conversions(name)).await? {
            if self.terms.dry_run || self.storage.forget_ownerless(name, &conversion).await? {
                self.note(Some(name), Thing::Conversion(conversion.source), Action::Remove, Reason::SourceGone);
            }
            self.go_on()?;
        }
        Ok(())
    }

    /// Blobs that no manifest refers to.
    async fn blobs(&mut self, name: &RepositoryName, looked: &Looked) -> Result<(), Stop> {
        let mut found = Vec::new();
        let ages = looked.ages(self);
        let mut see = |entry: BlobEntry| {
            let due = if looked.survey.refers_to(&entry.digest) { Due::Never } else { Due::AfterGrace };
            match step(due, entry.mark.as_ref().map(Mark::age), ages) {
                Step::Keep => {}
                step => found.push((entry, step)),
            }
        };
        self.read(self.storage.each_blob(name, &mut see)).await?;
        let mut unmarked = Vec::new();
        for (entry, step) in found {
            let (thing, digest) = (Thing::Blob(entry.digest.clone()), entry.digest.clone());
            match (step, &entry.mark) {
                (Step::Remove, Some(mark)) => {
                    let removed = self.terms.dry_run || self.storage.collect_blob(name, &entry, mark).await?;
                    let action = if removed { Action::Remove } else { Action::Wait };
                    self.note(Some(name), thing, action, Reason::Unreferenced);
                    self.go_on()?;
                }
                (Step::TakeBack, Some(mark)) => self.take_back(name, Markable::Blob(digest), mark, thing).await?,
                (Step::Mark, _) => unmarked.push((Markable::Blob(digest), Reason::Unreferenced)),
                _ => self.note(Some(name), thing, Action::Wait, Reason::Unreferenced),
            }
        }
        self.mark(name, unmarked).await
    }

    /// Marks what has no mark.
    pub(crate) async fn mark(&mut self, name: &RepositoryName, things: Vec<(Markable, Reason)>) -> Result<(), Stop> {
        for chunk in things.chunks(MARKS_AT_ONCE) {
            if !self.terms.dry_run {
                let things: Vec<Markable> = chunk.iter().map(|(thing, _)| thing.clone()).collect();
                self.storage.mark(name, &things).await?;
            }
            for (thing, reason) in chunk {
                let thing = match thing {
                    Markable::Manifest(digest) => Thing::Manifest(digest.clone()),
                    Markable::Blob(digest) => Thing::Blob(digest.clone()),
                };
                self.note(Some(name), thing, Action::Mark, reason.clone());
            }
            self.go_on()?;
        }
        Ok(())
    }

    /// Takes a mark away that nothing came of.
    pub(crate) async fn take_back(
        &mut self,
        name: &RepositoryName,
        markable: Markable,
        mark: &Mark,
        thing: Thing,
    ) -> Result<(), Stop> {
        if !self.terms.dry_run {
            self.storage.take_back(name, &markable, mark).await?;
        }
        self.note(Some(name), thing, Action::TakeBack, Reason::Kept);
        self.go_on()
    }
}

//! The manifests of a repository: conversions without a source, untagged ones, referrers of what was deleted, and what the
//! lifecycle policy expires.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use lifecycle::{Image, Policy};
use protocol::{Digest, RepositoryName};
use storage::{CollectionState, Error, Mark, Markable, Storage};

use crate::finding::{Action, Thing};
use crate::repository::Looked;
use crate::run::{Run, Stop};
use crate::step::{Due, Step, step};
use crate::survey::{Judgement, Survey, Wishes};
use crate::terms::is_grace_over;

/// How often a run goes through the manifests of one repository: to mark what is to go at once, to look again and remove it,
/// and to see what only that referred to.
const PASSES: usize = 3;

/// Reads manifests, and tags if asked to.
async fn survey(storage: &Storage, name: &RepositoryName, with_tags: bool) -> Result<Survey, Error> {
    let mut survey = Survey::default();
    storage.each_manifest(name, &mut |entry| survey.see(entry)).await?;
    if with_tags {
        storage.each_tag(name, &mut |entry| survey.see_tag(entry)).await?;
    }
    Ok(survey)
}

/// What lifecycle policies see of a repository. None when some of its manifests' records don't say what they refer to: then
/// policies expire nothing, because parts of lists can't be told from images.
///
/// # Errors
/// When the platform fails, or a record can't be read.
pub async fn images(storage: &Storage, name: &RepositoryName) -> Result<Option<Vec<Image>>, Error> {
    let survey = survey(storage, name, true).await?;
    let pulls = storage.last_pulls(name).await?;
    Ok((survey.unclear() == 0).then(|| survey.images(&pulls)))
}

impl Run<'_> {
    /// Removes manifests that are to go, and says what the others refer to.
    pub(crate) async fn manifests(
        &mut self,
        name: &RepositoryName,
        state: &CollectionState,
        deleted: &[(Digest, u64)],
    ) -> Result<Looked, Stop> {
        let (now, grace) = (storage::now(), self.terms.grace.as_secs());
        let policy = self.policy(name, state).await?;
        let over: HashMap<Digest, u64> =
            deleted.iter().filter(|(_, at)| is_grace_over(grace, *at, now)).cloned().collect();
        let with_tags = policy.is_some() || state.collects_untagged || !over.is_empty();
        let mut passes = 1..=PASSES;
        loop {
            let at = Instant::now();
            let survey = self.read(survey(self.storage, name, with_tags)).await?;
            let pulls = self.read(self.storage.last_pulls(name)).await?;
            // Those that are there again have their referrers again.
            let gone: HashSet<Digest> = over.keys().filter(|digest| !survey.exists(digest)).cloned().collect();
            let ownerless = self.read(self.storage.ownerless(name, &survey.derived())).await?;
            let judged = survey.judge(&Wishes {
                now,
                grace,
                untagged: state.collects_untagged,
                deleted: &gone,
                ownerless: &ownerless,
                lifecycle: policy.as_ref().map(|policy| (policy, &pulls)),
            });
            let looked = Looked { survey, at };
            let is_last = passes.next().is_none_or(|pass| pass == PASSES) || self.terms.dry_run;
            if !self.act(name, judged, &looked).await? || is_last {
                if !self.terms.dry_run {
                    self.forget(name, &looked.survey, &over, &pulls).await?;
                }
                return Ok(looked);
            }
        }
    }

    /// Does what was judged. Says whether another look may find more to do now.
    async fn act(&mut self, name: &RepositoryName, judged: Vec<Judgement>, looked: &Looked) -> Result<bool, Stop> {
        let mut again = false;
        let mut unmarked = Vec::new();
        for Judgement { manifest, due, reason } in judged {
            let (thing, digest) = (Thing::Manifest(manifest.digest.clone()), manifest.digest);
            match (step(due, manifest.mark.as_ref().map(Mark::age), looked.ages(self)), &manifest.mark) {
                (Step::Keep, _) => {}
                (Step::Remove, Some(mark)) => {
                    let removed =
                        self.terms.dry_run || self.storage.collect_manifest(name, &digest, mark).await?.is_some();
                    let action = if removed { Action::Remove } else { Action::Wait };
                    self.note(Some(name), thing, action, reason);
                    if removed {
                        again = true;
                        self.go_on()?;
                    }
                }
                (Step::TakeBack, Some(mark)) => self.take_back(name, Markable::Manifest(digest), mark, thing).await?,
                // A run marks it and removes it.
                (Step::Mark, _) if due == Due::AtOnce && self.terms.dry_run => {
                    self.note(Some(name), thing, Action::Remove, reason);
                }
                (Step::Mark, _) => {
                    again |= due == Due::AtOnce;
                    unmarked.push((Markable::Manifest(digest), reason));
                }
                _ => self.note(Some(name), thing, Action::Wait, reason),
            }
        }
        self.mark(name, unmarked).await?;
        Ok(again)
    }

    /// Forgets deletions after which nothing is left to do, and pulls of what is gone.
    async fn forget(
        &self,
        name: &RepositoryName,
        survey: &Survey,
        deleted: &HashMap<Digest, u64>,
        pulls: &HashMap<Digest, u64>,
    ) -> Result<(), Stop> {
        let waiting = survey.subjects_with_referrers(&deleted.keys().cloned().collect());
        let done = deleted.iter().filter(|(digest, _)| survey.unclear() == 0 && !waiting.contains(*digest));
        for (digest, at) in done {
            self.storage.forget_deleted(name, digest, *at).await?;
            self.go_on()?;
        }
        for digest in pulls.keys().filter(|digest| !survey.exists(digest)) {
            self.storage.forget_pull(name, digest).await?;
            self.go_on()?;
        }
        Ok(())
    }

    /// The repository's lifecycle policy. One that can't be read expires nothing.
    async fn policy(&self, name: &RepositoryName, state: &CollectionState) -> Result<Option<Policy>, Stop> {
        if !state.has_lifecycle {
            return Ok(None);
        }
        let Some(text) = self.storage.lifecycle(name).await? else { return Ok(None) };
        let policy = Policy::parse(&text);
        Ok(policy.inspect_err(|error| tracing::error!(repository = %name, %error, "no lifecycle policy")).ok())
    }
}

//! Removes what nothing refers to any more.
//!
//! It runs by a schedule, holds no lock, and may die anywhere. What it finds unreferenced it marks, and a later run removes it
//! when the mark is still there and older than the grace period; whoever refers to a marked thing takes the mark away
//! ([`storage::Guard`] says why nothing is lost). What somebody wants gone, by a lifecycle policy or by having deleted what
//! it belongs to, is marked, looked at again, and removed in the same run.
//!
//! Repositories in which nothing was deleted and nothing uploaded since they were found clean cost one read each, so a run
//! costs in proportion to what changed.

mod finding;
mod manifests;
mod orphans;
mod report;
mod repository;
mod run;
mod sessions;
mod step;
mod survey;
mod terms;

use std::sync::Arc;
use std::time::Duration;

use protocol::Function;
use runtime::{Background, CollectFrom, Deadline, Environment, Job, JobError, StartError};
use storage::Storage;

pub use finding::{Action, Finding, Reason, Thing};
pub use manifests::images;
pub use report::{Counts, Report};
pub use run::{Outcome, collect};
pub use terms::{GRACE, Terms};

/// The function.
pub struct Collector {
    storage: Arc<Storage>,
    background: Background,
    grace: Duration,
}

impl Collector {
    /// Over a storage that is shared. `background` is to start it again when its time is over.
    pub fn new(storage: Arc<Storage>, background: Background, grace: Duration) -> Self {
        Self { storage, background, grace }
    }

    /// Opens table and bucket.
    pub async fn start(environment: Environment) -> Self {
        let storage = Storage::new(&environment.storage);
        storage.warm_up().await;
        let background = Background::new(&environment.background, &environment.storage);
        Self::new(Arc::new(storage), background, environment.collection_grace)
    }
}

impl Job for Collector {
    type Event = CollectFrom;

    /// Collects until everything is gone through or the time is over; then it starts itself again for the rest.
    async fn run(&self, from: CollectFrom, until: Deadline) -> Result<(), JobError> {
        let terms = Terms { grace: self.grace, dry_run: false, until };
        let before = from.failed;
        let Outcome { report, next } = collect(&self.storage, terms, from, &mut log).await?;
        log_report(&report);
        let failed = before + report.failed;
        match next {
            Some(next) => {
                let next = CollectFrom { failed, ..next };
                self.background.start_collector(&next).await.map_err(|error| JobError(error.to_string()))
            }
            // So that Lambda tries again, and an alarm rings.
            None if failed > 0 => {
                Err(JobError(format!("repositories and objects that were not gone through to the end: {failed}")))
            }
            None => Ok(()),
        }
    }
}

/// Writes down what is removed, and why.
pub fn log(finding: &Finding) {
    let Finding { repository, thing, action, reason } = finding;
    let repository = repository.as_ref().map(tracing::field::display);
    match (action, reason) {
        (Action::Remove, Reason::Lifecycle { rule, .. }) => {
            tracing::info!(repository, %thing, rule, %reason, "removed")
        }
        (Action::Remove, _) => tracing::info!(repository, %thing, %reason, "removed"),
        (Action::Mark | Action::Wait | Action::TakeBack, _) => tracing::debug!(repository, %thing, %reason, %action),
    }
}

/// Writes down what a run came to, in one line.
pub fn log_report(report: &Report) {
    let Report { repositories, skipped, failed, marked, waiting, removed, taken_back, bytes } = report;
    tracing::info!(
        repositories,
        skipped,
        failed,
        marked_manifests = marked.manifests,
        marked_blobs = marked.blobs,
        waiting = waiting.total(),
        removed_sessions = removed.sessions,
        removed_conversions = removed.conversions,
        removed_manifests = removed.manifests,
        removed_blobs = removed.blobs,
        removed_objects = removed.objects,
        removed_bytes = bytes,
        taken_back = taken_back.total(),
        "collected"
    );
}

/// Runs the function in Lambda.
///
/// # Errors
/// When the environment lacks something.
pub fn main() -> Result<(), StartError> {
    runtime::run_job(Function::Collector, Collector::start)
}

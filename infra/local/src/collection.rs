//! The collector, by a schedule.

use std::sync::Arc;
use std::time::Duration;

use collector::{Outcome, Terms};
use runtime::{CollectFrom, Deadline};
use storage::Storage;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

/// When the collector runs: once at the start, and again and again after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collection {
    /// From the beginning of one run to that of the next, unless a run takes longer. Not zero.
    pub every: Duration,
    /// How long things are let be that nothing refers to.
    pub grace: Duration,
}

/// Nobody ends a run here; it ends with the process, and may do so anywhere.
const NO_END: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Collection {
    /// Collects until the schedule is dropped.
    pub(crate) fn start(self, storage: Arc<Storage>) -> Schedule {
        Schedule(tokio::spawn(async move {
            let mut ticks = tokio::time::interval(self.every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let terms = Terms { grace: self.grace, dry_run: false, until: Deadline::after(NO_END) };
                match collector::collect(&storage, terms, CollectFrom::default(), &mut collector::log).await {
                    Ok(Outcome { report, next: _ }) => collector::log_report(&report),
                    Err(error) => tracing::error!(%error, "not collected"),
                }
            }
        }))
    }
}

/// A collector that runs until this is dropped.
pub(crate) struct Schedule(JoinHandle<()>);

impl Drop for Schedule {
    fn drop(&mut self) {
        self.0.abort();
    }
}

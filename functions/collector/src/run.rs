//! A run: every repository of the catalog, then the objects that they let go of.

use protocol::RepositoryName;
use runtime::CollectFrom;
use storage::{Error, Storage};

use crate::finding::{Action, Finding, Reason, Thing};
use crate::{Report, Terms};

/// Repositories whose state is read at a time: one batch read.
const REPOSITORIES_AT_ONCE: usize = 100;

/// Things that are marked at a time: one batch read and one transaction.
pub(crate) const MARKS_AT_ONCE: usize = 99;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What it did.
    pub report: Report,
    /// Where the next one is to go on; None when everything was gone through.
    pub next: Option<CollectFrom>,
}

/// A run, as its parts see it.
pub(crate) struct Run<'a> {
    pub(crate) storage: &'a Storage,
    pub(crate) terms: Terms,
    pub(crate) report: Report,
    tell: &'a mut (dyn FnMut(&Finding) + Send + Sync),
}

/// Why a repository wasn't gone through to its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The run's time is over.
    OutOfTime,
    /// The whole of a run's time isn't enough to read the repository.
    TooLarge,
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Goes through the registry, from the beginning or from where another run stopped, and removes what is left over. `tell`
/// hears of each thing as it is found. Any number of runs may work at the same time, and each may die anywhere.
///
/// # Errors
/// When what is to be gone through can't be listed. What fails in a repository or with an object is logged and counted, and
/// the run goes on.
pub async fn collect(
    storage: &Storage,
    terms: Terms,
    from: CollectFrom,
    tell: &mut (dyn FnMut(&Finding) + Send + Sync),
) -> Result<Outcome, Error> {
    let mut run = Run { storage, terms, report: Report::default(), tell };
    let next = run.all(from).await?;
    Ok(Outcome { report: run.report, next })
}

impl Run<'_> {
    /// Its parts, one after the other. Says where to go on when the time is over.
    async fn all(&mut self, from: CollectFrom) -> Result<Option<CollectFrom>, Error> {
        if from.after.is_none() && from.orphans_after.is_none() && !self.pending().await? {
            return Ok(Some(CollectFrom::default()));
        }
        if from.orphans_after.is_none() {
            let next = self.repositories(from.after).await?;
            if next.is_some() {
                return Ok(next);
            }
        }
        self.orphans(from.orphans_after).await
    }

    /// Says where to go on when the time is over.
    async fn repositories(&mut self, mut after: Option<RepositoryName>) -> Result<Option<CollectFrom>, Error> {
        loop {
            let page = self.storage.catalog("", after.as_ref().map(|name| name.as_str()), REPOSITORIES_AT_ONCE).await?;
            let mut states = self.storage.collection_states(&page.items).await?;
            for name in page.items {
                let gone_through = match states.remove(&name) {
                    Some(Ok(state)) => self.repository(&name, &state).await,
                    Some(Err(error)) => Err(error.into()),
                    None => Ok(()),
                };
                if let Err(stop) = gone_through
                    && !self.goes_on_after(&name, &stop)
                {
                    return Ok(Some(CollectFrom { after, ..CollectFrom::default() }));
                }
                after = Some(name);
                if self.terms.is_over() {
                    return Ok(Some(CollectFrom { after, ..CollectFrom::default() }));
                }
            }
            if !page.more {
                return Ok(None);
            }
        }
    }

    /// Whether the run goes on after what kept it from going through a repository, which is counted and logged then.
    pub(crate) fn goes_on_after(&mut self, repository: &RepositoryName, stop: &Stop) -> bool {
        match stop {
            Stop::OutOfTime => return false,
            Stop::TooLarge => tracing::error!(%repository, "takes longer to read than a run may take"),
            Stop::Failed(error) => tracing::error!(%repository, %error, "not gone through to the end"),
        }
        self.report.failed += 1;
        true
    }

    /// Counts and tells what is done.
    pub(crate) fn note(&mut self, repository: Option<&RepositoryName>, thing: Thing, action: Action, reason: Reason) {
        self.report.count(&thing, action);
        (self.tell)(&Finding { repository: repository.cloned(), thing, action, reason });
    }

    /// Between two steps.
    pub(crate) fn go_on(&self) -> Result<(), Stop> {
        if self.terms.is_over() { Err(Stop::OutOfTime) } else { Ok(()) }
    }

    /// Reads something large, or says that there isn't the time.
    pub(crate) async fn read<T>(&self, reading: impl Future<Output = Result<T, Error>>) -> Result<T, Stop> {
        let is_first = self.report.repositories + self.report.skipped + self.report.failed == 0;
        match self.terms.in_time(reading).await {
            Some(read) => Ok(read?),
            None if is_first => Err(Stop::TooLarge),
            None => Err(Stop::OutOfTime),
        }
    }
}

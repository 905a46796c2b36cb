//! What a run of the collector may do.

use std::time::Duration;

use runtime::Deadline;

/// The grace period when nothing is said.
pub const GRACE: Duration = runtime::COLLECTION_GRACE;

/// What has to be left of a run's time to begin another step. No step takes longer but the removal of a manifest with
/// thousands of tags, which the next run finishes.
const RESERVE: Duration = Duration::from_secs(30);

/// What is left when reading is given up.
const MARGIN: Duration = Duration::from_secs(5);

/// The terms of a run.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How long things are let be that nothing refers to: longer than a push takes from its first question to its
    /// manifest, and than a download that has begun.
    pub grace: Duration,
    /// Whether the run only says what it would do.
    pub dry_run: bool,
    /// When it has to end. Every run takes at least one step, so that a chain of runs comes to an end.
    pub until: Deadline,
}

impl Terms {
    /// Whether no further step is to begin.
    pub(crate) fn is_over(&self) -> bool {
        self.until.remaining() < RESERVE
    }

    /// Reads, as long as there is time; None when there isn't enough.
    pub(crate) async fn in_time<T>(&self, reading: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout(self.until.remaining().saturating_sub(MARGIN), reading).await.ok()
    }
}

/// Whether a grace period that began at `at` is over, all in seconds. Times are noted in whole ones: the second in which it
/// began doesn't count, or it could be over almost a second too soon.
pub(crate) fn is_grace_over(grace: u64, at: u64, now: u64) -> bool {
    now.saturating_sub(at + 1) >= grace
}

#[cfg(test)]
mod tests {
    use super::is_grace_over;

    #[test]
    fn a_grace_period_lasts_as_long_as_it_says_whatever_second_it_began_in() {
        assert!(!is_grace_over(10, 100, 110), "from 100.9 to 110.0 it is 9.1 seconds");
        assert!(is_grace_over(10, 100, 111));
        assert!(is_grace_over(0, 100, 100) && is_grace_over(0, 101, 100), "none is none");
    }
}

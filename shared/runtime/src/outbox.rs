//! What is told about requests once their answers are sent.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::metrics::Metrics;
use crate::{Deadline, Record};

/// How long telling may take. What takes longer is given up.
pub const TELLING_LIMIT: Duration = Duration::from_secs(2);

/// What is left of a function's time when telling ends: a function that is killed has to start again.
const MARGIN: Duration = Duration::from_millis(500);

/// Tells others what requests did, as well as it can: what fails is logged, and nobody tries again.
pub trait Publish: Send + Sync {
    /// Tells it, within the limit.
    fn publish<'a>(&'a self, record: &'a Record, limit: Duration) -> BoxFuture<'a, ()>;
}

/// Records that wait until their answers are sent.
pub(crate) struct Outbox {
    waiting: Mutex<Vec<Record>>,
    metrics: Option<Metrics>,
    publishers: Vec<Box<dyn Publish>>,
}

impl Outbox {
    pub(crate) fn new(metrics: Option<Metrics>, publishers: Vec<Box<dyn Publish>>) -> Self {
        Self { waiting: Mutex::default(), metrics, publishers }
    }

    /// Keeps a record until its answer is sent.
    pub(crate) fn put(&self, record: Record) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(record);
    }

    /// Tells what waits. A failure is a line in the log.
    pub(crate) async fn send(&self, deadline: Deadline) {
        let records = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        for record in records {
            if let Some(metrics) = &self.metrics {
                metrics.write(&record);
            }
            for publisher in &self.publishers {
                let limit = TELLING_LIMIT.min(deadline.remaining().saturating_sub(MARGIN));
                publisher.publish(&record, limit).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// The limits that it was given.
    #[derive(Clone, Default)]
    struct Limits(Arc<Mutex<Vec<Duration>>>);

    impl Publish for Limits {
        fn publish<'a>(&'a self, _: &'a Record, limit: Duration) -> BoxFuture<'a, ()> {
            Box::pin(async move { self.0.lock().unwrap().push(limit) })
        }
    }

    #[tokio::test]
    async fn telling_ends_before_the_function_does() {
        let limits = Limits::default();
        let outbox = Outbox::new(None, vec![Box::new(limits.clone())]);
        for left in [Duration::from_secs(3600), Duration::ZERO] {
            outbox.put(Record::default());
            outbox.send(Deadline::after(left)).await;
        }
        assert_eq!(*limits.0.lock().unwrap(), [TELLING_LIMIT, Duration::ZERO]);
    }
}

//! Metrics for CloudWatch, which reads them off the function's output (embedded metric format): they cost no call.
//! docs/operations.md lists them.

mod line;

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

use protocol::Function;
use storage::{Observe, Observer};

use crate::Record;
use line::{Counts, lines};

/// Writes the metrics of one function of one registry.
pub(crate) struct Metrics {
    registry: String,
    function: Function,
    /// Whether no request was counted yet.
    is_cold: AtomicBool,
    calls: Arc<Calls>,
}

/// Calls of AWS since the last request was counted. An environment serves one request at a time, so they are the next
/// one's; those of the initialisation are the first one's, and what follows an answer is counted with the next.
#[derive(Default)]
struct Calls {
    answered: AtomicU64,
    throttled: AtomicU64,
}

impl Observe for Calls {
    fn answered(&self, _: &str, _: &str) {
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    fn throttled(&self, _: &str, _: &str) {
        self.throttled.fetch_add(1, Ordering::Relaxed);
    }
}

impl Metrics {
    /// Of a function that begins now.
    pub(crate) fn new(registry: String, function: Function) -> Self {
        Self { registry, function, is_cold: AtomicBool::new(true), calls: Arc::default() }
    }

    /// Counts the calls of a storage.
    pub(crate) fn observer(&self) -> Observer {
        self.calls.clone()
    }

    /// Counts a request.
    pub(crate) fn write(&self, record: &Record) {
        let counts = Counts {
            is_cold: self.is_cold.swap(false, Ordering::Relaxed),
            calls: self.calls.answered.swap(0, Ordering::Relaxed),
            throttles: self.calls.throttled.swap(0, Ordering::Relaxed),
        };
        let lines = lines(&self.registry, self.function, counts, record, SystemTime::now());
        // One write, so that no other line gets in between.
        if let Err(error) = std::io::stdout().lock().write_all(lines.as_bytes()) {
            tracing::warn!(%error, "the metrics of a request are lost");
        }
    }
}

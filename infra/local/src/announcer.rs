//! Telling what functions in this process did, after they answered.

use std::sync::{Arc, Mutex, PoisonError};

use runtime::{Events, Publish as _, Record, TELLING_LIMIT};
use tokio::task::JoinSet;

/// Tells EventBridge, or what stands for it, in tasks of its own. Clones are the same. Metrics are for one function a
/// process, so there are none here.
#[derive(Clone)]
pub(crate) struct Announcer {
    events: Option<Arc<Events>>,
    running: Arc<Mutex<JoinSet<()>>>,
}

impl Announcer {
    /// Without events it tells nothing.
    pub(crate) fn new(events: Option<Events>) -> Self {
        Self { events: events.map(Arc::new), running: Arc::default() }
    }

    /// Begins to tell what a request did.
    pub(crate) fn announce(&self, record: Record) {
        let Some(events) = self.events.clone().filter(|_| !record.happenings.is_empty()) else { return };
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while running.try_join_next().is_some() {}
        running.spawn(async move { events.publish(&record, TELLING_LIMIT).await });
    }

    /// Waits until everything is told or given up.
    pub(crate) async fn finish(&self) {
        let running = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        running.join_all().await;
    }
}

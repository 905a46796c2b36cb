//! Telling what functions in this process did, after they answered.

use std::sync::{Arc, Mutex, PoisonError};

use runtime::{Events, Publish, Pulls, Record, TELLING_LIMIT};
use tokio::task::JoinSet;

/// Tells EventBridge, or what stands for it, and writes pulls down, in tasks of its own. Clones are the same. Metrics are
/// for one function a process, so there are none here.
#[derive(Clone)]
pub(crate) struct Announcer {
    publishers: Arc<Vec<Box<dyn Publish>>>,
    running: Arc<Mutex<JoinSet<()>>>,
}

impl Announcer {
    /// Without events it only writes pulls down.
    pub(crate) fn new(events: Option<Events>, pulls: Pulls) -> Self {
        let events = events.map(|events| Box::new(events) as Box<dyn Publish>);
        let publishers = events.into_iter().chain([Box::new(pulls) as Box<dyn Publish>]).collect();
        Self { publishers: Arc::new(publishers), running: Arc::default() }
    }

    /// Begins to tell what a request did.
    pub(crate) fn announce(&self, record: Record) {
        if record.happenings.is_empty() {
            return;
        }
        let publishers = self.publishers.clone();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while running.try_join_next().is_some() {}
        running.spawn(async move {
            for publisher in publishers.iter() {
                publisher.publish(&record, TELLING_LIMIT).await;
            }
        });
    }

    /// Waits until everything that was begun is told or given up.
    pub(crate) async fn finish(&self) {
        let running = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        running.join_all().await;
    }
}

//! When images were last pulled, for lifecycle policies. It is written down after the answer, and once a day for each image.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use protocol::{Digest, RepositoryName};
use storage::Storage;
use tracing::Instrument as _;

use crate::{Happening, Publish, Record};

const DAY: u64 = 24 * 60 * 60;

/// Images that are remembered at the most, some 150 bytes each. With more all are forgotten: each costs a write again then.
const REMEMBERED: usize = 10_000;

/// Writes down that images were pulled. What fails is tried again with the next pull, and no client is told.
pub struct Pulls {
    storage: Arc<Storage>,
    known: Mutex<Known>,
}

/// What this process has written down already.
#[derive(Default)]
struct Known {
    /// Days since 1970.
    day: u64,
    images: HashSet<(RepositoryName, Digest)>,
}

impl Known {
    /// Whether the image is new on that day. It isn't afterwards.
    fn add(&mut self, day: u64, name: &RepositoryName, digest: &Digest) -> bool {
        if self.day != day || self.images.len() >= REMEMBERED {
            *self = Self { day, images: HashSet::new() };
        }
        self.images.insert((name.clone(), digest.clone()))
    }

    fn forget(&mut self, name: &RepositoryName, digest: &Digest) {
        self.images.remove(&(name.clone(), digest.clone()));
    }
}

impl Pulls {
    /// Over a storage that is shared. Nothing is known of earlier pulls.
    pub fn new(storage: Arc<Storage>) -> Self {
        Self { storage, known: Mutex::default() }
    }

    async fn note(&self, name: &RepositoryName, digest: &Digest, limit: Duration) {
        let now = storage::now();
        if !self.known().add(now / DAY, name, digest) {
            return;
        }
        let noted = match tokio::time::timeout(limit, self.storage.note_pull(name, digest, now)).await {
            Ok(noted) => noted.map_err(|error| error.to_string()),
            Err(_) => Err("no answer in time".to_owned()),
        };
        if let Err(error) = noted {
            self.known().forget(name, digest);
            tracing::warn!(%error, repository = %name, %digest, "a pull wasn't written down");
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Publish for Pulls {
    fn publish<'a>(&'a self, record: &'a Record, limit: Duration) -> BoxFuture<'a, ()> {
        let span = tracing::info_span!("request", id = %record.request_id);
        let note = async move {
            let Some(name) = &record.repository else { return };
            for happening in &record.happenings {
                match happening {
                    Happening::Pulled { digest, .. } => self.note(name, digest, limit).await,
                    Happening::Pushed { .. }
                    | Happening::Deleted { .. }
                    | Happening::Converted { .. }
                    | Happening::Uploaded { .. }
                    | Happening::Redirected { .. } => {}
                }
            }
        };
        Box::pin(note.instrument(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_written_down_once_a_day_and_again_when_that_failed() {
        let mut known = Known::default();
        let (name, other) = ("team/app".parse().unwrap(), "team/other".parse().unwrap());
        let digest = Digest::sha256(b"image");
        assert!(known.add(1, &name, &digest) && !known.add(1, &name, &digest));
        assert!(known.add(1, &other, &digest), "each repository has its own images");
        known.forget(&name, &digest);
        assert!(known.add(1, &name, &digest) && known.add(2, &name, &digest) && !known.add(2, &name, &digest));
    }

    #[test]
    fn memory_is_bounded() {
        let (mut known, name) = (Known::default(), "team/app".parse().unwrap());
        for number in 0..3 * REMEMBERED {
            assert!(known.add(1, &name, &Digest::sha256(number.to_string().as_bytes())));
            assert!(known.images.len() <= REMEMBERED);
        }
    }

    #[tokio::test]
    async fn a_store_that_does_not_answer_holds_nothing_up_and_is_asked_again() {
        let pulls = Pulls::new(Arc::new(Storage::new(&crate::environment::unreachable())));
        let (name, digest): (RepositoryName, _) = ("team/app".parse().unwrap(), Digest::sha256(b"image"));
        let happenings = vec![Happening::Pulled { bytes: 1, digest: digest.clone() }];
        let record = Record { repository: Some(name.clone()), happenings, ..Record::default() };
        pulls.publish(&record, Duration::ZERO).await;
        assert!(pulls.known().add(storage::now() / DAY, &name, &digest), "it isn't known");
    }
}

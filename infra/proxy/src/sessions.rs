//! Upload sessions: what has come of a blob, and how far the registry is with it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use protocol::{ApiError, Digest, ErrorCode, RepositoryName, UploadId};
use tokio::sync::MutexGuard;

use crate::delivery::Delivery;
use crate::spool::Spool;

/// How long a session that nobody uses keeps its bytes.
const FORGOTTEN: Duration = Duration::from_secs(24 * 60 * 60);

/// Every session of the proxy.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Arc<Session>>>);

/// One upload.
pub(crate) struct Session {
    pub(crate) id: UploadId,
    name: RepositoryName,
    received: AtomicU64,
    finished: AtomicBool,
    used: Mutex<Instant>,
    state: tokio::sync::Mutex<State>,
}

/// What one request at a time may change.
pub(crate) enum State {
    Open(Box<Upload>),
    /// Kept so that a PUT whose answer was lost can be repeated.
    Finished(Digest),
}

/// An upload that hasn't ended.
pub(crate) struct Upload {
    pub(crate) spool: Spool,
    pub(crate) delivery: Delivery,
}

impl Sessions {
    pub(crate) fn open(&self, name: &RepositoryName, upload: Upload) -> Result<Arc<Session>, ApiError> {
        let id = uuid::Uuid::new_v4().to_string().parse::<UploadId>()?;
        let session = Arc::new(Session {
            id,
            name: name.clone(),
            received: AtomicU64::new(0),
            finished: AtomicBool::new(false),
            used: Mutex::new(Instant::now()),
            state: tokio::sync::Mutex::new(State::Open(Box::new(upload))),
        });
        let mut all = lock(&self.0);
        // Whoever only looks holds nothing: a request that comes in that moment would be told that another one writes.
        all.retain(|_, session| lock(&session.used).elapsed() < FORGOTTEN || session.state.try_lock().is_err());
        all.insert(session.id.to_string(), session.clone());
        Ok(session)
    }

    pub(crate) fn find(&self, name: &RepositoryName, id: &UploadId) -> Result<Arc<Session>, ApiError> {
        let session = lock(&self.0).get(id.as_str()).filter(|session| session.name == *name).cloned();
        let session = session.ok_or_else(unknown)?;
        *lock(&session.used) = Instant::now();
        Ok(session)
    }

    pub(crate) fn remove(&self, session: &Session) {
        lock(&self.0).remove(session.id.as_str());
    }
}

impl Session {
    /// Holds the session for a request that goes on at `first`.
    pub(crate) fn claim(&self, first: Option<u64>) -> Result<MutexGuard<'_, State>, ApiError> {
        let Ok(state) = self.state.try_lock() else {
            let message = "another request is writing to this upload; wait for it, then ask for its status";
            return Err(self.elsewhere(message.to_owned()));
        };
        let received = self.received();
        match (&*state, first) {
            (State::Open(_), Some(first)) if first != received => {
                Err(self.elsewhere(format!("the upload holds {received} bytes; go on from there")))
            }
            _ => Ok(state),
        }
    }

    /// Holds the session if nobody else does.
    pub(crate) fn try_claim(&self) -> Option<MutexGuard<'_, State>> {
        self.state.try_lock().ok()
    }

    fn elsewhere(&self, message: String) -> ApiError {
        let error = ApiError::new(ErrorCode::BlobUploadRange, message);
        error.header("Range", self.range()).header("Location", self.location())
    }

    pub(crate) fn name(&self) -> &RepositoryName {
        &self.name
    }

    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Whether the blob has arrived. Nobody has to hold the session to know.
    pub(crate) fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Relaxed)
    }

    /// The blob has arrived; `state` is this session's, held.
    pub(crate) fn finish(&self, state: &mut State, digest: Digest) {
        *state = State::Finished(digest);
        self.finished.store(true, Ordering::Relaxed);
    }

    pub(crate) fn set_received(&self, received: u64) {
        self.received.store(received, Ordering::Relaxed);
    }

    /// Relative, so that it stays on the host that the client came to.
    pub(crate) fn location(&self) -> String {
        format!("/v2/{}/blobs/uploads/{}", self.name, self.id)
    }

    /// The `Range` header: inclusive, and `0-0` for nothing as well, because clients want it so.
    pub(crate) fn range(&self) -> String {
        format!("0-{}", self.received().saturating_sub(1))
    }
}

/// The error for a session that isn't there, or has ended.
pub(crate) fn unknown() -> ApiError {
    let message = "there is no such upload session; start one with POST /v2/<name>/blobs/uploads/";
    ApiError::new(ErrorCode::BlobUploadUnknown, message)
}

/// A panic elsewhere leaves nothing half done in what is locked here.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

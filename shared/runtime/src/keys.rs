//! The public keys, as a function knows them.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use access::{Claims, PublicKeys, Secret, TokenError, Usage};
use protocol::{ApiError, ErrorCode};
use storage::{Storage, now};
use tokio::sync::Mutex;

/// How long nobody looks for keys again after somebody did: whoever invents names of keys costs a read in that time.
const PAUSE: Duration = Duration::from_secs(10);

/// Keys that were read once, and are read again when a token names one that isn't among them.
pub struct Keys {
    storage: Arc<Storage>,
    known: RwLock<Arc<PublicKeys>>,
    last: Mutex<Option<Read>>,
}

/// When keys were looked for last.
#[derive(Clone, Copy)]
struct Read {
    at: Instant,
    failed: bool,
}

/// Why a token isn't good for anything now.
#[derive(Debug)]
pub enum VerifyError {
    /// It isn't valid.
    Token(TokenError),
    /// Its key can't be read for now; in so much time somebody may try again.
    Unavailable(Duration),
}

impl From<TokenError> for VerifyError {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl VerifyError {
    /// What a client is told when keys can't be read.
    pub fn unavailable(after: Duration) -> ApiError {
        let message = "the registry can't check credentials for now; try again";
        // Whoever came back in a second that has begun would come too early.
        let seconds = after.as_millis().div_ceil(1000).max(1).to_string();
        ApiError::new(ErrorCode::Unavailable, message).header("Retry-After", seconds)
    }
}

impl Keys {
    /// No keys yet.
    pub fn new(storage: Arc<Storage>) -> Self {
        Self { storage, known: RwLock::default(), last: Mutex::new(None) }
    }

    /// Reads the keys for the first time, during initialisation. A failure is left to the first token to report.
    pub async fn warm_up(&self) {
        let mut last = self.last.lock().await;
        let failed = self.read().await;
        // The first token that names an unknown key may look again at once.
        *last = failed.then(|| Read { at: Instant::now(), failed });
    }

    /// Reads a token of that use for that service.
    ///
    /// # Errors
    /// When it isn't valid, or its key can't be read.
    pub async fn verify(&self, token: &Secret, usage: Usage, service: &str) -> Result<Claims, VerifyError> {
        let now = now();
        match self.known().verify(token, usage, service, now) {
            Err(TokenError::UnknownKey) => {
                self.read_again().await?;
                Ok(self.known().verify(token, usage, service, now)?)
            }
            verified => Ok(verified?),
        }
    }

    fn known(&self) -> Arc<PublicKeys> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the keys, unless somebody did a moment ago.
    async fn read_again(&self) -> Result<(), VerifyError> {
        let asked = Instant::now();
        let mut last = self.last.lock().await;
        if let Some(read) = *last {
            // Somebody read them while this waited for its turn.
            let is_newer = read.at >= asked;
            let remaining = PAUSE.saturating_sub(read.at.elapsed());
            match read.failed {
                true if !remaining.is_zero() => return Err(VerifyError::Unavailable(remaining)),
                false if is_newer || !remaining.is_zero() => return Ok(()),
                _ => {}
            }
        }
        let failed = self.read().await;
        *last = Some(Read { at: Instant::now(), failed });
        if failed { Err(VerifyError::Unavailable(PAUSE)) } else { Ok(()) }
    }

    /// True when it failed. What was known stays known then.
    async fn read(&self) -> bool {
        match self.storage.public_keys(now()).await {
            Ok(found) => {
                let mut keys = PublicKeys::default();
                for key in found {
                    keys.insert(&key.id, &key.key);
                }
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
                false
            }
            Err(error) => {
                tracing::warn!(%error, "the keys of tokens can't be read");
                true
            }
        }
    }
}

//! What stands behind the gateway.

use futures_util::future::BoxFuture;
use protocol::Function;

/// Runs a function on one event.
pub trait Invoke: Send + Sync {
    /// Hands `event`, JSON of payload format 2.0, to `function` and returns its answer, JSON likewise.
    ///
    /// Dropping the future doesn't stop the function: a gateway that has given up waiting leaves it running.
    fn invoke(&self, function: Function, event: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, InvokeError>>;
}

/// Why a function gave no answer. Clients see none of it, only a 500 of the gateway.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// The function reported an error in place of an answer.
    #[error("it reported {kind}: {message}")]
    Failed {
        /// The error's type, as the function names it.
        kind: String,
        /// The error's text.
        message: String,
    },
    /// The function couldn't be started.
    #[error("it can't be started: {0}")]
    Start(std::io::Error),
    /// The function ended in the middle of a request.
    #[error("it ended in the middle of the request: {0}")]
    Ended(String),
    /// The function took longer than it may and was stopped.
    #[error("it was stopped after {0:?}")]
    TimedOut(std::time::Duration),
    /// The answer is larger than Lambda transports.
    #[error("its answer has more than {} bytes", super::MAX_ANSWER)]
    TooLarge,
}

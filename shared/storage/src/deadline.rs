//! Until when the calls of a request may go on.
//!
//! A function is killed when its time is over: its client is told nothing that helps, and the session that it held stays
//! held. So the calls that a request makes end before, with their repetitions and pauses, and the client gets its 429 or
//! 503.

use std::time::{Duration, Instant};

tokio::task_local! {
    static END: Instant;
}

/// How much longer than the rest it may take to let go of what a failed request holds.
pub const RESERVE: Duration = Duration::from_secs(3);

/// Does something whose calls to S3 and DynamoDB are given up at `end`, but for those that let go of an upload session:
/// they have [`RESERVE`] more.
pub async fn until<F: Future>(end: Instant, work: F) -> F::Output {
    END.scope(end, work).await
}

/// What is left for calls; None when there is no end to it.
pub(crate) fn left() -> Option<Duration> {
    END.try_with(|end| end.saturating_duration_since(Instant::now())).ok()
}

/// Whether nothing is left.
pub(crate) fn is_over() -> bool {
    left().is_some_and(|left| left.is_zero())
}

/// Does something that has the reserve as well.
pub(crate) async fn with_reserve<F: Future>(work: F) -> F::Output {
    match END.try_with(|end| *end + RESERVE) {
        Ok(end) => END.scope(end, work).await,
        Err(_) => work.await,
    }
}

/// Waits for something that isn't a call of the storage's clients; None when the end comes first.
pub async fn wait<F: Future>(work: F) -> Option<F::Output> {
    match left() {
        Some(left) => tokio::time::timeout(left, work).await.ok(),
        None => Some(work.await),
    }
}

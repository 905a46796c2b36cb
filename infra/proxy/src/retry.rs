//! When to try again, and after how long.

use std::time::Duration;

use http::header::{HeaderMap, RETRY_AFTER};
use http::{Response, StatusCode};
use hyper::body::Incoming;

use crate::upstream::Unreachable;

/// The longest `Retry-After` that is waited for. A registry that wants more gets to tell the client so.
const LONGEST_WISH: Duration = Duration::from_secs(60);

/// How failures of the registry and of the bucket are met.
#[derive(Clone, Debug)]
pub struct Patience {
    /// How often in a row something may fail before it has failed.
    pub attempts: u32,
    /// The pause after the first failure. Each one after that is twice as long, and each by a random part shorter.
    pub first_pause: Duration,
    /// The longest of these pauses.
    pub longest_pause: Duration,
    /// How long a connection may be silent.
    pub silence: Duration,
}

impl Default for Patience {
    /// About twenty seconds of pauses; a gateway answers within thirty.
    fn default() -> Self {
        Self {
            attempts: 8,
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(10),
            silence: Duration::from_secs(60),
        }
    }
}

/// What a request came to.
pub(crate) type Outcome = Result<Response<Incoming>, Unreachable>;

/// Failures in a row.
pub(crate) struct Retries<'a> {
    patience: &'a Patience,
    failures: u32,
}

impl<'a> Retries<'a> {
    pub(crate) fn new(patience: &'a Patience) -> Self {
        Self { patience, failures: 0 }
    }

    /// Something got further: from here on failures count anew.
    pub(crate) fn start_over(&mut self) {
        self.failures = 0;
    }

    /// Counts a failure of `what` and waits, if there is to be another attempt.
    pub(crate) async fn again(&mut self, what: &str, failed: &Outcome) -> bool {
        self.failures += 1;
        let wish = failed.as_ref().ok().and_then(|answer| retry_after(answer.headers())).unwrap_or_default();
        if self.failures >= self.patience.attempts || wish > LONGEST_WISH {
            return false;
        }
        let pause = self.pause(fastrand::f64()).max(wish);
        match failed {
            Ok(answer) => tracing::info!("{what}: {}; again in {pause:.1?}", answer.status()),
            Err(error) => tracing::info!("{what}: {error}; again in {pause:.1?}"),
        }
        tokio::time::sleep(pause).await;
        true
    }

    /// `random` is between 0 and 1.
    fn pause(&self, random: f64) -> Duration {
        let doubled = self.patience.first_pause.saturating_mul(1 << self.failures.saturating_sub(1).min(20));
        doubled.min(self.patience.longest_pause).mul_f64(0.5 + random / 2.0)
    }
}

/// Whether another attempt may go better.
pub(crate) fn is_transient(outcome: &Outcome) -> bool {
    match outcome {
        Ok(answer) => is_transient_status(answer.status()),
        Err(Unreachable(_)) => true,
    }
}

fn is_transient_status(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
}

/// In seconds; nobody here sends dates.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_lose_at_most_half() {
        let patience = Patience {
            attempts: 9,
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_millis(500),
            ..Patience::default()
        };
        let pauses = |random| {
            [1, 2, 3, 4, 40].map(|failures| Retries { patience: &patience, failures }.pause(random).as_millis())
        };
        assert_eq!(pauses(1.0), [100, 200, 400, 500, 500]);
        assert_eq!(pauses(0.0), [50, 100, 200, 250, 250]);
    }

    #[test]
    fn throttling_and_faults_pass_and_refusals_stay() {
        let transient = |status| StatusCode::from_u16(status).is_ok_and(is_transient_status);
        assert!([429, 500, 502, 503, 504].into_iter().all(transient));
        assert!(![200, 307, 400, 401, 403, 404, 413, 416, 501].into_iter().any(transient));
    }
}

//! Waiting for something that has to come.

use std::time::{Duration, Instant};

/// Far longer than anything takes: longer than the 35 s for which a killed request may hold an upload.
const LIMIT: Duration = Duration::from_secs(120);

/// Asks again and again until there is an answer.
///
/// # Panics
/// When there is none for so long that there never will be.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < LIMIT, "still waiting for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

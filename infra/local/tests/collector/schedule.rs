//! The local stack collects by itself.

use std::time::{Duration, Instant};

use local::Collection;

use crate::behind;
use crate::bench::Bench;

/// How long the schedule may take; it only keeps a test from waiting for ever.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn the_local_stack_collects_again_and_again_until_it_stops() {
    let collection = Collection { every: Duration::from_millis(50), grace: Duration::ZERO };
    let bench = Bench::with(Some(collection)).await;
    for name in ["first", "second"] {
        bench.push_blob("a", name.as_bytes()).await;
        let begin = Instant::now();
        while !behind::objects(&bench).await.is_empty() {
            assert!(begin.elapsed() < PATIENCE, "{name} is never collected");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    bench.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_stops_in_the_middle_of_a_run() {
    let bench = Bench::with(Some(Collection { every: Duration::from_millis(1), grace: Duration::ZERO })).await;
    // Its calls are never answered.
    bench.faults.follow(|_| Some(local::faults::Fault::Ignored));
    let begin = Instant::now();
    while bench.faults.calls().is_empty() {
        assert!(begin.elapsed() < PATIENCE, "it never collects");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bench.stack.stop().await;
}

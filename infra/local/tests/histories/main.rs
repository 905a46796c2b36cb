//! Many clients push, pull, mount, move tags, delete and convert at random, while calls of S3 and DynamoDB fail and the
//! collector runs, is killed, and runs again. Afterwards a checker goes over what each of them saw, and when all is deleted
//! nothing but settings is left.
//!
//! ```sh
//! cargo test -p local --test histories -- --nocapture
//! # An hour, and another seed than the usual one:
//! HISTORIES_SEED=7 HISTORIES_SECONDS=3600 cargo test --release -p local --test histories -- --nocapture
//! ```
//!
//! What each client does comes from the seed alone, so it is the same in every run; how the requests overlap isn't.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

#[path = "../faults/behind.rs"]
#[expect(dead_code, reason = "faults need more of it")]
mod behind;
mod chance;
mod checker;
mod client;
mod collections;
#[path = "../faults/emptied.rs"]
mod emptied;
mod history;
#[path = "../faults/http.rs"]
mod http;
#[path = "../collector/image.rs"]
mod image;
mod planted;
#[path = "../faults/registry.rs"]
#[expect(dead_code, reason = "faults need more of it")]
mod registry;
mod steps;
mod summary;
mod things;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use local::faults::Faults;

use crate::chance::Chance;
use crate::client::Client;
use crate::history::Entry;
use crate::registry::Registry;
use crate::summary::Summary;
use crate::things::Things;

const CLIENTS: u64 = 6;

/// What the collector lets be. A push takes less, as a rule; one that takes longer may be told that something is missing.
const GRACE: Duration = Duration::from_secs(1);

/// Histories are checked after this long, and the next one begins in other repositories.
const ROUND: Duration = Duration::from_secs(20);

/// Blobs are small, so an answer that takes so long won't come.
const S3_ATTEMPT: Duration = Duration::from_secs(2);

/// Calls of a thousand that fail for good: a request makes some four calls, a run of the collector some hundreds.
const REQUESTS_FAIL: usize = 10;
const RUNS_FAIL: usize = 2;

/// A request that was cut off holds its session for 35 seconds.
const PATIENCE: Duration = Duration::from_secs(90);

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_is_wrong_whatever_fails_and_nothing_is_left_in_the_end() {
    let seed = setting("HISTORIES_SEED", 1);
    let length = Duration::from_secs(setting("HISTORIES_SECONDS", 20));
    println!("HISTORIES_SEED={seed} HISTORIES_SECONDS={}", length.as_secs());
    let registry = Registry::with(Faults::default().with_s3_attempt_timeout(S3_ATTEMPT), true).await;
    let collector = collections::Collector::start(&registry, GRACE, Chance::new(seed, u64::MAX)).await;
    let begin = Instant::now();
    let (mut round, mut total) = (0, Summary::default());
    while begin.elapsed() < length {
        let until = Instant::now() + ROUND.min(length.saturating_sub(begin.elapsed()));
        let summary = play(&registry, &collector, seed, round, until).await;
        println!("round {round}: {summary:?}");
        total = total.plus(&summary);
        round += 1;
    }
    total.check();
    let runs = collector.stop().await;

    let begin = Instant::now();
    while !behind::held_sessions(&registry).await.is_empty() {
        assert!(begin.elapsed() < PATIENCE, "sessions are held for ever");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    emptied::check(&registry).await;
    println!("no answer is wrong in {round} rounds: {total:?}, {runs:?}");
    registry.stack.stop().await;
}

/// Clients in new repositories.
async fn play(
    registry: &Registry,
    collector: &collections::Collector,
    seed: u64,
    round: u64,
    until: Instant,
) -> Summary {
    let things = Arc::new(Things::new(round));
    things.prepare(&registry.storage).await;
    let address = registry.stack.address();
    // Calls are counted from 0 again, which also forgets those of the round before.
    registry.faults.follow(chance::faults(seed ^ round, REQUESTS_FAIL));
    collector.faults.follow(chance::faults(!seed ^ round, RUNS_FAIL));
    let begin = Instant::now();
    let clients = (0..CLIENTS).map(|number| {
        let chance = Chance::new(seed, round * CLIENTS + number);
        let client = Client::new(usize::try_from(number).unwrap(), address, things.clone(), begin);
        tokio::spawn(client.play(chance, until))
    });
    let history: Vec<Entry> = join_all(clients).await.into_iter().flat_map(|played| played.unwrap()).collect();
    let failures = registry.faults.struck() + collector.faults.struck();
    registry.faults.rest();
    collector.faults.rest();
    registry.stack.told().await;
    registry.scrub().await;

    let wrong = checker::check(&things.universe, u64::try_from(GRACE.as_micros()).unwrap(), &history);
    for wrong in &wrong {
        println!("--- {}: {:?}", wrong.why, wrong.entry);
        for entry in related(&history, &wrong.entry) {
            println!("    {entry:?}");
        }
    }
    assert!(wrong.is_empty(), "HISTORIES_SEED={seed}: {} answers are wrong in round {round}", wrong.len());
    Summary::of(&history, failures)
}

/// The requests just before and around a wrong answer, in its repository.
fn related<'a>(history: &'a [Entry], wrong: &'a Entry) -> Vec<&'a Entry> {
    let since = wrong.at.start.saturating_sub(2 * u64::try_from(GRACE.as_micros()).unwrap());
    let is_near = |entry: &&Entry| {
        entry.repository == wrong.repository && entry.at.end >= since && entry.at.start <= wrong.at.end
    };
    let mut related: Vec<&Entry> = history.iter().filter(is_near).collect();
    related.sort_by_key(|entry| entry.at.start);
    related
}

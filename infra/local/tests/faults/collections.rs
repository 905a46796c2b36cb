//! The collector's own calls fail, one after the other, and it is killed at each of them. Whatever happened, the next runs
//! finish the work, and take nothing that somebody has.
//!
//! Its calls are told apart from those of requests: it has stores of its own names, which lead to the same ones.

use std::collections::BTreeSet;

use collector::Outcome;
use futures_util::{StreamExt as _, stream};
use local::faults::{Call, Fault, Faults, Refusal, Service};
use protocol::Digest;
use runtime::CollectFrom;
use storage::Storage;
use tokio::net::TcpListener;

use crate::litter::Litter;
use crate::registry::{Image, Registry};
use crate::state::{Fact, check_whole};
use crate::{behind, emptied, litter};

/// Registries that work at the same time.
const LANES: usize = 12;

/// Every so many-th call fails in one run, where failing takes long.
const APART: usize = 9;

/// What the SDK doesn't repeat, or the registry repeats as a call of its own.
const REPEATED_BY_THE_REGISTRY: [Fault; 3] =
    [Fault::Refused(Refusal::TransactionConflict), Fault::Refused(Refusal::TransactionThrottled), Fault::Unprocessed];

/// What happens to a run.
#[derive(Clone, Debug)]
enum Mishap {
    /// The first attempt of every call fails: the SDK repeats it, and the run comes to its end.
    EveryFirst(Fault),
    /// The first attempt of every ninth call gets no answer, from this one on.
    Some(Fault, usize),
    /// Every attempt of one call fails.
    One(Fault, usize),
    /// The process ends when it is about to make the call.
    Killed(usize),
}

impl Mishap {
    fn strikes(&self, call: &Call) -> Option<Fault> {
        match *self {
            Self::EveryFirst(fault) => (call.attempt == 1 && Fault::ways(call).contains(&fault)).then_some(fault),
            Self::Some(fault, first) => {
                (call.attempt == 1 && call.number % APART == first && Fault::ways(call).contains(&fault))
                    .then_some(fault)
            }
            Self::One(fault, number) => (call.number == number).then_some(fault),
            // It isn't answered: who asked is gone.
            Self::Killed(number) => (call.number == number).then_some(Fault::Ignored),
        }
    }

    /// Everything that can happen to a run of these calls.
    fn all(calls: &[Call]) -> Vec<Self> {
        let is_slow = |fault: &Fault| matches!(fault, Fault::Ignored | Fault::AnswerWithheld);
        let mut ways: Vec<Fault> = Vec::new();
        for way in calls.iter().flat_map(Fault::ways) {
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
        ways.retain(|way| !REPEATED_BY_THE_REGISTRY.contains(way));
        let (slow, quick): (Vec<_>, Vec<_>) = ways.into_iter().partition(is_slow);
        let mut all: Vec<Self> = quick.into_iter().map(Self::EveryFirst).collect();
        all.extend(slow.into_iter().flat_map(|fault| (0..APART).map(move |first| Self::Some(fault, first))));
        for call in calls {
            // Not done, done and not said, and what the registry repeats by itself: everything else is one of these to a run.
            let lost = is_write(call).then_some(Fault::AnswerLost);
            let kinds = [Fault::Refused(Refusal::InternalError)].into_iter().chain(lost);
            let repeated = Fault::ways(call).into_iter().filter(|way| REPEATED_BY_THE_REGISTRY.contains(way));
            all.extend(kinds.chain(repeated).map(|fault| Self::One(fault, call.number)));
            all.push(Self::Killed(call.number));
        }
        all
    }
}

/// Whether it makes a difference that a call took effect whose answer is lost.
fn is_write(call: &Call) -> bool {
    !["Get", "BatchGet", "Query", "List"].iter().any(|reads| call.operation.starts_with(reads))
}

/// A registry with images that stay, and what stands in front of its stores for the collector.
struct Lane {
    litter: Litter,
    registry: Registry,
    faults: Faults,
    storage: Storage,
    kept: Vec<Image>,
    /// What table and bucket hold when nothing is left over.
    clean: (BTreeSet<(String, String)>, BTreeSet<String>),
    rounds: usize,
}

impl Lane {
    async fn start(litter: Litter) -> Self {
        let registry = Registry::start().await;
        let image = Image::new("kept", 0, None);
        let repositories = litter.repositories();
        for repository in repositories {
            image.push(&registry, repository, "kept").await;
        }
        litter.prepare(&registry).await;
        let signature = Image::new("kept", 0, Some(&image));
        signature.push(&registry, repositories[0], &signature.digest.to_string()).await;
        litter::convert(&registry, repositories[0], "kept").await;
        let faults = Faults::default();
        let [dynamodb, s3] = [Service::DynamoDb, Service::S3].map(|service| before(&registry, &faults, service));
        let storage = Registry::storage(dynamodb.await, s3.await);
        let mut lane = Self {
            litter,
            registry,
            faults,
            storage,
            kept: vec![image, signature],
            clean: Default::default(),
            rounds: 0,
        };
        lane.check_kept().await;
        lane.finish().await;
        lane.clean = lane.state().await;
        lane
    }

    async fn run(&self) -> Result<Outcome, storage::Error> {
        collector::collect(&self.storage, emptied::terms(), CollectFrom::default(), &mut |_| {}).await
    }

    async fn litter(&mut self) {
        self.rounds += 1;
        self.litter.leave(&self.registry, self.rounds).await;
    }

    /// The calls of a run when nothing fails.
    async fn record(&mut self) -> Vec<Call> {
        self.litter().await;
        self.faults.rest();
        let outcome = self.run().await.unwrap();
        assert_eq!(outcome.report.failed, 0);
        let calls = self.faults.calls();
        self.finish().await;
        assert_eq!(self.state().await, self.clean);
        calls
    }

    /// How many failures a run met.
    async fn suffer(&mut self, mishap: Mishap) -> usize {
        let guard = Guard(&mishap);
        self.litter().await;
        // The SDK stops to repeat calls when too many have come to nothing; every run has a storage that doesn't remember.
        let [dynamodb, s3] =
            [Service::DynamoDb, Service::S3].map(|service| before(&self.registry, &self.faults, service));
        self.storage = Registry::storage(dynamodb.await, s3.await);
        let plan = mishap.clone();
        self.faults.follow(move |call| plan.strikes(call));
        match mishap {
            Mishap::Killed(number) => {
                let mut pause = self.faults.pause(move |call| call.number == number);
                tokio::select! {
                    ended = self.run() => panic!("the call wasn't made: {ended:?}"),
                    () = pause.reached() => {}
                }
            }
            Mishap::EveryFirst(_) | Mishap::Some(..) => assert_eq!(self.run().await.unwrap().report.failed, 0),
            // It says so, or does without the call.
            Mishap::One(..) => drop(self.run().await),
        }
        let struck = self.faults.struck();
        assert!(struck > 0, "the call wasn't made: {:?}", self.faults.calls());
        self.faults.rest();
        self.registry.scrub().await;
        self.finish().await;
        assert_eq!(self.state().await, self.clean, "left over, or gone");
        drop(guard);
        struck
    }

    async fn finish(&self) {
        for _ in 0..2 {
            emptied::collect(&self.registry.storage).await;
        }
    }

    async fn state(&self) -> (BTreeSet<(String, String)>, BTreeSet<String>) {
        assert_eq!(behind::multiparts(&self.registry).await, 0);
        (behind::keys(&self.registry).await, behind::objects(&self.registry).await)
    }

    /// Everything that was acknowledged and not deleted, byte for byte.
    async fn check_kept(&self) {
        let [image, signature] = self.kept.as_slice() else { panic!("two images") };
        let repositories = self.litter.repositories();
        check_whole(&self.registry, repositories[0], &self.kept).await;
        for repository in repositories {
            Fact::Manifest("kept".into(), image.manifest.clone()).check(&self.registry, repository).await;
            for blob in &image.blobs {
                Fact::Blob(blob.clone()).check(&self.registry, repository).await;
            }
        }
        Fact::Referrers(image.digest.clone(), vec![signature.digest.clone()])
            .check(&self.registry, repositories[0])
            .await;
        self.registry.stack.told().await;
    }

    async fn stop(self) {
        self.check_kept().await;
        emptied::check(&self.registry).await;
        self.registry.stack.stop().await;
    }
}

/// Where calls of a service can fail on their way to it.
async fn before(registry: &Registry, faults: &Faults, service: Service) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (faults, upstream) = (faults.clone(), registry.faults.behind(service).unwrap());
    tokio::spawn(async move { faults.serve(service, listener, upstream, std::future::pending()).await });
    address
}

/// Fails every call of a run, and kills it at each.
async fn sweep(name: &str, litter: Litter, expected: &[&str]) {
    let mut first = Lane::start(litter).await;
    let calls = first.record().await;
    let operations: BTreeSet<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
    for expected in expected {
        assert!(operations.contains(expected), "the runs do no {expected}: {operations:?}");
    }
    first.stop().await;

    let mishaps = Mishap::all(&calls);
    let runs = mishaps.len();
    let lane = async |mishaps: Vec<Mishap>| {
        let (mut lane, mut struck) = (Lane::start(litter).await, 0);
        for mishap in mishaps {
            struck += lane.suffer(mishap).await;
        }
        lane.stop().await;
        struck
    };
    // Dealt out like cards, because those that take long are neighbours.
    let mut hands = vec![Vec::new(); LANES];
    for (number, mishap) in mishaps.into_iter().enumerate() {
        hands[number % LANES].push(mishap);
    }
    let struck: usize = stream::iter(hands).map(lane).buffer_unordered(LANES).collect::<Vec<_>>().await.iter().sum();
    println!("the collector and {name}: {struck} failures in {runs} runs of {} calls", calls.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_collector_of_what_is_left_over_fails_at_every_call_and_is_killed_at_each() {
    let expected = ["ListMultipartUploads", "ListObjectsV2", "DeleteObject", "TransactWriteItems", "UpdateItem"];
    Box::pin(sweep("what is left over", Litter::Left, &expected)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_collector_of_manifests_fails_at_every_call_and_is_killed_at_each() {
    let expected = ["Query", "BatchGetItem", "TransactWriteItems", "DeleteItem"];
    Box::pin(sweep("manifests", Litter::Manifests, &expected)).await;
}

#[test]
fn blobs_of_one_name_are_shared_by_an_image_and_its_signature() {
    let image = Image::new("image", 0, None);
    let signature = Image::new("image", 0, Some(&image));
    assert_eq!(image.blobs, signature.blobs);
    assert_ne!(image.digest, Digest::sha256(&signature.manifest));
}

/// Says what was going on when a test fails.
struct Guard<'a>(&'a Mishap);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {:?}", self.0);
        }
    }
}

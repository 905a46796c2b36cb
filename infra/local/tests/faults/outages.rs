//! S3 or DynamoDB fail for good. A function answers before Lambda would kill it, and when they are back, its client gets
//! what it asked for.

use std::time::Instant;

use local::faults::{Call, Fault, Faults, Refusal, Service};
use local::lambda::TIMEOUT;

use crate::registry::Registry;
use crate::sweep::{Operation, expect_later};
use crate::{manifests, reads, uploads};

type Plan = fn(&Call) -> Option<Fault>;

/// Runs an operation during an outage, through nothing but a gateway and functions, and again after it.
async fn outage(plan: Plan, prepare: impl AsyncFn(&Registry, &str) -> Operation) {
    let registry = Registry::with(Faults::default(), false).await;
    let operation = prepare(&registry, "outage").await;
    registry.stack.told().await;
    registry.faults.follow(plan);
    let asked = Instant::now();
    let answer = registry.send(&operation.request).await;
    // What the client goes by; Lambda would have killed the function by now.
    assert!(asked.elapsed() < TIMEOUT, "{:?}: {answer}", asked.elapsed());
    assert!(registry.faults.struck() > 0);
    registry.faults.rest();
    expect_later(&answer);
    operation.recover(&registry).await;
    operation.check(&registry, "outage").await;
    registry.stack.stop().await;
}

/// One of every kind, all at once: most of the time they wait.
async fn outages(plan: Plan) {
    tokio::join!(
        outage(plan, async |registry, repository| uploads::finished(registry, repository, 0, 1000).await),
        outage(plan, async |registry, repository| uploads::finished(registry, repository, 1000, 1500).await),
        outage(plan, async |registry, repository| uploads::patched(registry, repository, 1000).await),
        outage(plan, async |registry, repository| manifests::pushed(registry, repository, "new", 0).await),
        outage(plan, async |registry, repository| {
            manifests::pushed(registry, repository, "new", manifests::LARGE).await
        }),
        outage(plan, async |registry, repository| manifests::deleted(registry, repository, 0).await),
        outage(plan, async |registry, repository| reads::tagged(registry, repository, 0).await),
        outage(plan, async |registry, repository| reads::converted(registry, repository).await),
    );
}

/// Operations that can't do without S3.
async fn outages_of_s3(plan: Plan) {
    tokio::join!(
        outage(plan, async |registry, repository| uploads::finished(registry, repository, 0, 1000).await),
        outage(plan, async |registry, repository| uploads::finished(registry, repository, 1000, 1500).await),
        outage(plan, async |registry, repository| uploads::patched(registry, repository, 1000).await),
        outage(plan, async |registry, repository| {
            manifests::pushed(registry, repository, "new", manifests::LARGE).await
        }),
        outage(plan, async |registry, repository| reads::tagged(registry, repository, manifests::LARGE).await),
    );
}

fn of(service: Service, call: &Call, fault: Fault) -> Option<Fault> {
    (call.service == service).then_some(fault)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_are_throttled() {
    outages(|call| {
        Some(Fault::Refused(match call.service {
            Service::DynamoDb => Refusal::ThroughputExceeded,
            Service::S3 => Refusal::SlowDown,
        }))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_is_throttled() {
    outages_of_s3(|call| of(Service::S3, call, Fault::Refused(Refusal::SlowDown))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_conflict_without_end() {
    let plan: Plan =
        |call| (call.operation == "TransactWriteItems").then_some(Fault::Refused(Refusal::TransactionConflict));
    tokio::join!(
        outage(plan, async |registry, repository| uploads::finished(registry, repository, 0, 1000).await),
        outage(plan, async |registry, repository| manifests::pushed(registry, repository, "new", 0).await),
        outage(plan, async |registry, repository| manifests::deleted(registry, repository, 0).await),
        outage(plan, async |registry, repository| reads::converted(registry, repository).await),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_reaches_them() {
    outages(|_| Some(Fault::Ignored)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_comes_back_from_them() {
    outages(|_| Some(Fault::AnswerWithheld)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_comes_back_from_s3() {
    outages_of_s3(|call| of(Service::S3, call, Fault::AnswerWithheld)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_attempt_of_every_call_gets_through() {
    // Each takes nine seconds, and four don't fit into a function's time.
    let plan: Plan = |call| (call.attempt < 4).then_some(Fault::Ignored);
    outage(plan, async |registry, repository| manifests::deleted(registry, repository, 0).await).await;
}

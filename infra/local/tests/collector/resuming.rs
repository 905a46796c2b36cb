//! Runs that have little time, and runs beside each other.

use std::sync::Arc;
use std::time::Duration;

use collector::{Collector, Terms};
use futures_util::future::BoxFuture;
use local::faults::Service;
use local::gateway::{Invoke, InvokeError};
use local::lambda::serve_invoke_api;
use protocol::Function;
use runtime::{Background, BackgroundConfig, CollectFrom, Deadline, Job as _};
use storage::Storage;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use crate::behind;
use crate::bench::{Bench, WITHOUT_GRACE, config, endpoint, repository};
use crate::http::Request;
use crate::image::Image;

/// Less than what a run leaves itself for a step, so every run takes one; enough to read what is in a repository here.
const LITTLE: Duration = Duration::from_secs(25);

/// How long a run's successor may take to be started; it only keeps a test from waiting for ever.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_have_time_for_one_step_come_to_the_same_end() {
    let bench = Bench::start().await;
    let names = ["a", "b", "c"];
    for name in names {
        for blob in ["one", "two"] {
            bench.push_blob(name, format!("{blob} of {name}").as_bytes()).await;
        }
        bench.push(name, "latest", &Image::new(name, name, None)).await;
    }
    let mut reports = Vec::new();
    for _ in 0..3 {
        let mut from = Some(CollectFrom::default());
        let mut steps = 0;
        while let Some(here) = from {
            let terms = Terms { until: Deadline::after(LITTLE), ..WITHOUT_GRACE.terms() };
            let (outcome, _) = bench.collect_from(here.clone(), terms).await;
            assert!(outcome.report.removed.total() <= 1, "a step: {:?}", outcome.report);
            assert!(outcome.next.as_ref() != Some(&here) || !outcome.report.is_clean(), "it stays at {here:?}");
            assert_eq!(outcome.report.failed, 0);
            reports.push(outcome.report);
            from = outcome.next;
            steps += 1;
        }
        assert!(steps > names.len());
    }
    let all = reports.iter().fold(collector::Report::default(), |sum, report| sum.plus(report));
    assert_eq!((all.marked.blobs, all.removed.blobs, all.removed.objects), (6, 6, 6));
    assert_eq!(all.removed.sessions, 12);
    assert_eq!(behind::objects(&bench).await.len(), 6, "three images");
    assert!(bench.collect(WITHOUT_GRACE).await.is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_beside_each_other_do_no_harm() {
    let bench = Bench::start().await;
    let image = Image::new("app", "base", None);
    bench.push("a", "latest", &image).await;
    for number in 0..20 {
        bench.push_blob("a", format!("blob {number}").as_bytes()).await;
    }
    for _ in 0..3 {
        let run = || async { bench.collect(WITHOUT_GRACE).await };
        tokio::join!(run(), run(), run());
    }
    assert!(bench.is_whole("a", &image).await);
    assert_eq!(behind::objects(&bench).await.len(), image.blobs.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_in_one_repository_stops_no_other() {
    let bench = Bench::start().await;
    for name in ["a", "b", "d"] {
        bench.push_blob(name, format!("of {name}").as_bytes()).await;
    }
    behind::spoil(&bench, "REPOSITORY#a", "MANIFEST#sha256:odd").await;
    behind::spoil(&bench, "REPOSITORY#b", "SETTINGS").await;
    // A repository that isn't there yet.
    bench.send(Request::new("POST", "/v2/c/blobs/uploads/")).await.expect(202);
    behind::spoil(&bench, "REPOSITORY#c", "UPLOAD#odd").await;
    let (outcome, _) = bench.collect_from(CollectFrom::default(), WITHOUT_GRACE.terms()).await;
    assert_eq!((outcome.report.failed, outcome.report.marked.blobs, outcome.next), (3, 1, None));
    let left = bench.storage.collection_states(&[repository("a")]).await.unwrap();
    assert_eq!(left[&repository("a")].as_ref().unwrap().clean_since(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_fails_stops_no_other() {
    let bench = Bench::start().await;
    let digest = bench.push_blob("a", b"odd").await;
    bench.push_blob("a", b"well").await;
    bench.collect(WITHOUT_GRACE).await;
    behind::spoil(&bench, &format!("BLOB#{digest}"), "OBJECT").await;
    let (outcome, _) = bench.collect_from(CollectFrom::default(), WITHOUT_GRACE.terms()).await;
    let removed = outcome.report.removed;
    assert_eq!((outcome.report.failed, removed.blobs, removed.objects, outcome.next), (1, 2, 1, None));
}

/// Lambda, as the collector calls it.
struct Lambda(mpsc::UnboundedSender<Vec<u8>>);

impl Invoke for Lambda {
    fn invoke(&self, function: Function, event: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, InvokeError>> {
        assert_eq!(function, Function::Collector);
        self.0.send(event).unwrap();
        Box::pin(async { Ok(b"null".to_vec()) })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_told_by_the_last_of_a_chain_of_runs() {
    let bench = Bench::start().await;
    for name in ["a", "b"] {
        bench.push_blob(name, name.as_bytes()).await;
    }
    behind::spoil(&bench, "REPOSITORY#a", "MANIFEST#sha256:odd").await;
    let (sender, mut started) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let background = BackgroundConfig {
        schema1_upgrade: None,
        collector: Some(Function::Collector.name().to_owned()),
        lambda_endpoint: Some(format!("http://{}", listener.local_addr().unwrap())),
    };
    let (_stop, stopped) = watch::channel(false);
    tokio::spawn(serve_invoke_api(listener, Arc::new(Lambda(sender)), [Duration::ZERO; 2], stopped));
    let config = config(endpoint(&bench.faults, Service::DynamoDb), endpoint(&bench.faults, Service::S3));
    let background = Background::new(&background, &config);
    let collector = Collector::new(Arc::new(Storage::new(&config)), background, Duration::ZERO);

    let (mut event, mut followers) = (CollectFrom::default(), 0);
    let error = loop {
        match collector.run(event, Deadline::after(LITTLE)).await {
            Ok(()) => {
                let next =
                    tokio::time::timeout(PATIENCE, started.recv()).await.expect("it failed, or another one follows");
                event = serde_json::from_slice(&next.unwrap()).unwrap();
            }
            Err(error) => break error.to_string(),
        }
        followers += 1;
    };
    assert!(followers > 1, "{followers}");
    assert!(error.ends_with(": 1"), "{error}");
}

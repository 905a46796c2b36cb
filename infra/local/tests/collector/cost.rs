//! What runs cost: docs/collection.md has the numbers.

use std::collections::BTreeMap;

use collector::{Report, Terms};
use local::faults::{Faults, Metered, Service};
use protocol::Digest;
use runtime::CollectFrom;
use storage::Storage;
use tokio::net::TcpListener;

use crate::bench::{Bench, WITHOUT_GRACE, config, repository};
use crate::image::Image;

/// What a run calls, and DynamoDB's units of it.
#[derive(Debug, PartialEq)]
struct Cost {
    calls: BTreeMap<String, usize>,
    units: f64,
}

/// A run, through what counts.
async fn cost(bench: &Bench) -> (Report, Cost) {
    let meter = Faults::default().metered();
    let [dynamodb, s3] = [Service::DynamoDb, Service::S3];
    let storage = Storage::new(&config(before(bench, &meter, dynamodb).await, before(bench, &meter, s3).await));
    let terms: Terms = WITHOUT_GRACE.terms();
    let outcome = collector::collect(&storage, terms, CollectFrom::default(), &mut |_| {}).await.unwrap();
    let metered = meter.take_metered();
    let mut calls = BTreeMap::new();
    for Metered { operation, .. } in &metered {
        *calls.entry(operation.clone()).or_default() += 1;
    }
    let units = metered.iter().filter(|call| call.service == Service::DynamoDb).map(|call| call.units).sum();
    (outcome.report, Cost { calls, units })
}

/// Where calls of a service are counted on their way to it.
async fn before(bench: &Bench, meter: &Faults, service: Service) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (meter, upstream) = (meter.clone(), bench.faults.behind(service).unwrap());
    tokio::spawn(async move { meter.serve(service, listener, upstream, std::future::pending()).await });
    format!("http://{address}")
}

async fn settle(bench: &Bench) {
    for _ in 0..5 {
        if bench.collect(WITHOUT_GRACE).await.is_clean() {
            return;
        }
    }
    panic!("it never settles");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_in_which_nothing_changed_costs_the_same_however_much_is_in_it() {
    let mut costs = Vec::new();
    for images in [1, 40] {
        let bench = Bench::start().await;
        for number in 0..images {
            bench.push("a", &format!("v{number}"), &Image::new(&format!("{number}"), "base", None)).await;
        }
        settle(&bench).await;
        let (report, cost) = cost(&bench).await;
        assert_eq!((report.repositories, report.skipped), (0, 1));
        costs.push(cost);
    }
    assert_eq!(costs[0], costs[1]);
    let calls = [("BatchGetItem", 1), ("Query", 4)].map(|(name, count)| (name.to_owned(), count));
    assert_eq!(costs[0].calls, BTreeMap::from(calls), "pending repositories, catalog, sessions and orphans");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_in_which_something_was_deleted_is_read_a_megabyte_at_a_time() {
    const MANIFESTS: usize = 1000;
    let bench = Bench::start().await;
    let name = repository("a");
    bench.push("a", "latest", &Image::new("latest", "base", None)).await;
    many_manifests(&bench, MANIFESTS).await;
    settle(&bench).await;
    bench.push_blob("a", b"nobody's").await;
    bench.storage.delete_blob(&name, &Digest::sha256(b"nobody's")).await.unwrap();
    let (report, cost) = cost(&bench).await;
    assert_eq!((report.repositories, report.removed.objects), (1, 1));
    let queries = cost.calls["Query"];
    assert!(queries <= 12, "{cost:?}");
    // A record of ten layers has some 550 bytes, and a unit reads 4 KB.
    let units = cost.units / MANIFESTS as f64;
    assert!((0.1..0.2).contains(&units), "{cost:?}");
}

/// Manifests of ten layers, with tags.
async fn many_manifests(bench: &Bench, count: usize) {
    let layers: Vec<Digest> = (0..10).map(|number| Digest::sha256(format!("layer {number}").as_bytes())).collect();
    for number in 0..10 {
        bench.push_blob("a", format!("layer {number}").as_bytes()).await;
    }
    for number in 0..count {
        let bytes = format!("manifest {number}").into_bytes();
        let digest = Digest::sha256(&bytes);
        let manifest =
            storage::StoredManifest { media_type: protocol::MediaType::from(crate::image::OCI), bytes: bytes.into() };
        let new = storage::NewManifest {
            repository: &repository("a"),
            digest: &digest,
            manifest,
            tags: &[format!("v{number}").parse().unwrap()],
            references: &storage::References::new(layers.clone(), []),
            optional: &[],
            descendants: &[],
            referrer: None,
        };
        bench.storage.put_manifest(&new).await.unwrap();
    }
}

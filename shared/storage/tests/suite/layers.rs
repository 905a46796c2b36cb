//! What is known of layers: claimed, read, and kept beside the blob.

use std::time::Duration;

use protocol::{Compression, Digest, RepositoryName};
use storage::LayerContent;

use crate::backend::{Backend, on_every_backend};
use crate::stores::{Stores, repository};

on_every_backend! {
    one_of_two_claimants_reads_a_layer,
    of_many_who_claim_a_layer_at_once_one_gets_it,
    a_claim_ends_with_its_lease,
    a_claim_is_given_up_by_who_has_it,
    what_was_recorded_first_stays,
    a_layer_that_could_be_read_once_is_never_unreadable,
    each_compression_is_kept,
    a_repository_hears_of_its_own_layers_only,
    many_layers_are_found_together,
}

const LEASE: Duration = Duration::from_secs(3600);
const NO_LEASE: Duration = Duration::ZERO;

async fn push(stores: &Stores, name: &RepositoryName, blob: &'static [u8]) -> Digest {
    let digest = Digest::sha256(blob);
    stores.storage.put_blob(name, &digest, blob.into()).await.unwrap();
    digest
}

async fn claim(stores: &Stores, layer: &Digest, claimant: &str, lease: Duration) -> bool {
    stores.storage.claim_layer(layer, claimant, lease).await.unwrap()
}

async fn record(stores: &Stores, layer: &Digest, content: &[u8]) {
    stores.storage.record_layer(layer, Compression::Gzip, &Digest::sha256(content)).await.unwrap();
}

async fn record_unreadable(stores: &Stores, layer: &Digest, problem: &str) {
    stores.storage.record_unreadable_layer(layer, problem).await.unwrap();
}

async fn content(stores: &Stores, name: &RepositoryName, layer: &Digest) -> LayerContent {
    stores.storage.layers(name, std::slice::from_ref(layer)).await.unwrap()[layer].content.clone()
}

fn read(content: &[u8]) -> LayerContent {
    LayerContent::Read { compression: Compression::Gzip, diff_id: Digest::sha256(content) }
}

fn unreadable(problem: &str) -> LayerContent {
    LayerContent::Unreadable { problem: problem.to_owned() }
}

async fn one_of_two_claimants_reads_a_layer(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let layer = push(&stores, &name, b"layer").await;
    assert_eq!(content(&stores, &name, &layer).await, LayerContent::Unknown);

    assert!(claim(&stores, &layer, "one", LEASE).await);
    assert_eq!(content(&stores, &name, &layer).await, LayerContent::BeingRead);
    assert!(!claim(&stores, &layer, "two", LEASE).await);
    assert!(claim(&stores, &layer, "one", LEASE).await, "who has it may hold on to it");

    record(&stores, &layer, b"content").await;
    assert_eq!(content(&stores, &name, &layer).await, read(b"content"));
    for claimant in ["one", "two"] {
        assert!(!claim(&stores, &layer, claimant, LEASE).await, "there is nothing left to do");
    }
}

async fn of_many_who_claim_a_layer_at_once_one_gets_it(backend: Backend) {
    let stores = Stores::start(backend).await;
    let layer = push(&stores, &repository("a"), b"layer").await;
    let names: Vec<_> = (0..16).map(|number| number.to_string()).collect();
    let claims = names.iter().map(|claimant| claim(&stores, &layer, claimant, LEASE));
    let claimed = futures_util::future::join_all(claims).await;
    assert_eq!(claimed.iter().filter(|claimed| **claimed).count(), 1);
}

async fn a_claim_ends_with_its_lease(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let layer = push(&stores, &name, b"layer").await;
    assert!(claim(&stores, &layer, "one", NO_LEASE).await);
    assert_eq!(content(&stores, &name, &layer).await, LayerContent::Unknown);
    // A lease of no time has run out with the millisecond in which it began.
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert!(claim(&stores, &layer, "two", LEASE).await);
    assert!(!claim(&stores, &layer, "one", LEASE).await, "it is somebody else's now");
}

async fn a_claim_is_given_up_by_who_has_it(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let layer = push(&stores, &name, b"layer").await;
    stores.storage.release_layer(&layer, "nobody has it").await.unwrap();
    assert!(claim(&stores, &layer, "one", LEASE).await);
    stores.storage.release_layer(&layer, "two").await.unwrap();
    assert_eq!(content(&stores, &name, &layer).await, LayerContent::BeingRead);
    stores.storage.release_layer(&layer, "one").await.unwrap();
    assert_eq!(content(&stores, &name, &layer).await, LayerContent::Unknown);
    assert!(claim(&stores, &layer, "two", LEASE).await);

    record(&stores, &layer, b"content").await;
    stores.storage.release_layer(&layer, "two").await.unwrap();
    assert_eq!(content(&stores, &name, &layer).await, read(b"content"), "what was found stays");
}

/// Whoever lost a claim goes on reading, and what was read is right all the same.
async fn what_was_recorded_first_stays(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let layer = push(&stores, &name, b"layer").await;
    assert!(claim(&stores, &layer, "one", LEASE).await);
    for content in [b"first".as_slice(), b"second"] {
        record(&stores, &layer, content).await;
    }
    assert_eq!(content(&stores, &name, &layer).await, read(b"first"));
}

async fn a_layer_that_could_be_read_once_is_never_unreadable(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let layer = push(&stores, &name, b"layer").await;
    record_unreadable(&stores, &layer, "takes too long").await;
    assert_eq!(content(&stores, &name, &layer).await, unreadable("takes too long"));
    assert!(!claim(&stores, &layer, "one", LEASE).await, "nobody tries again");

    record(&stores, &layer, b"content").await;
    assert_eq!(content(&stores, &name, &layer).await, read(b"content"));
    record_unreadable(&stores, &layer, "takes too long").await;
    assert_eq!(content(&stores, &name, &layer).await, read(b"content"));
}

async fn each_compression_is_kept(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let blobs = [b"none".as_slice(), b"gzip", b"zstd"];
    for (blob, compression) in blobs.into_iter().zip([Compression::None, Compression::Gzip, Compression::Zstd]) {
        let layer = push(&stores, &name, blob).await;
        let diff_id = Digest::sha256(b"content");
        stores.storage.record_layer(&layer, compression, &diff_id).await.unwrap();
        assert_eq!(content(&stores, &name, &layer).await, LayerContent::Read { compression, diff_id });
    }
}

async fn a_repository_hears_of_its_own_layers_only(backend: Backend) {
    let stores = Stores::start(backend).await;
    let (here, there) = (repository("here"), repository("there"));
    let (shared, hidden) = (push(&stores, &here, b"shared").await, push(&stores, &there, b"hidden").await);
    push(&stores, &there, b"shared").await;
    let absent = Digest::sha256(b"absent");
    for layer in [&shared, &hidden, &absent] {
        record(&stores, layer, b"content").await;
    }

    let digests = [absent, hidden.clone(), shared.clone()];
    let found = stores.storage.layers(&here, &digests).await.unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), [&shared]);
    assert_eq!((found[&shared].blob.size, &found[&shared].content), (6, &read(b"content")));
    let found = stores.storage.layers(&there, &digests).await.unwrap();
    assert_eq!(found.len(), 2, "what was read for one repository holds for all that have the blob");
    assert!(stores.storage.layers(&here, &[]).await.unwrap().is_empty());
}

/// More than one batch reads.
async fn many_layers_are_found_together(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let mut digests = Vec::new();
    for number in 0..127 {
        let blob = format!("layer {number}").into_bytes();
        let digest = Digest::sha256(&blob);
        stores.storage.put_blob(&name, &digest, blob.into()).await.unwrap();
        if number % 2 == 0 {
            record(&stores, &digest, digest.encoded().as_bytes()).await;
        }
        digests.push(digest);
    }
    let found = stores.storage.layers(&name, &digests).await.unwrap();
    assert_eq!(found.len(), digests.len());
    for (number, digest) in digests.iter().enumerate() {
        let expected = if number % 2 == 0 { read(digest.encoded().as_bytes()) } else { LayerContent::Unknown };
        assert_eq!(found[digest].content, expected);
    }
}

//! Blobs whose records and objects don't agree.

use aws_sdk_dynamodb::types::AttributeValue;
use protocol::Digest;
use scrub::{Outcome, Problem, Subject};
use storage::keys;

use crate::bench::{Bench, FULL, name};
use crate::image::Image;

/// A registry with an image, and the layer that is broken.
async fn bench() -> (Bench, Image, Vec<u8>, Digest) {
    let bench = Bench::start().await;
    let image = bench.with_image().await;
    let layer = image.blobs[1].clone();
    let digest = Digest::sha256(&layer);
    (bench, image, layer, digest)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_linked_again_to_a_blob_that_it_has() {
    let (bench, _, _, digest) = bench().await;
    bench.remove(keys::link(&digest, &name())).await;
    bench.is_repaired(Subject::Blob(digest.clone()), Problem::NoLink).await;
    bench.item(keys::link(&digest, &name())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registrys_record_is_made_again_from_the_repositorys() {
    let (bench, _, layer, digest) = bench().await;
    bench.remove(keys::object(&digest)).await;
    bench.is_repaired(Subject::Blob(digest.clone()), Problem::NoObjectRecord).await;
    assert_eq!(bench.text(keys::object(&digest), "object_key").await, bench.object_of(&layer).await);
    // The next one who has the blob finds it.
    bench.push_blob("other", &layer).await;
    bench.is_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_the_collector_is_removing_is_not_recorded_again() {
    let (bench, _, layer, digest) = bench().await;
    let orphan = keys::orphan(&bench.object_of(&layer).await);
    bench.remove(keys::object(&digest)).await;
    bench.put_item(orphan.clone()).await;
    bench.change(orphan, "SET phase = :value", Some(AttributeValue::S("forgotten".to_owned()))).await;
    let (found, _) = bench.scrub(scrub::Options { repair: true, ..FULL }).await;
    assert_eq!(found, [(Subject::Blob(digest), Problem::NoObjectRecord, Outcome::Repairable)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_a_manifest_names_comes_back_when_the_registry_has_it() {
    let (bench, image, _, digest) = bench().await;
    bench.remove(keys::blob(&name(), &digest)).await;
    let missing = Problem::MissingBlob(digest.clone());
    bench.is_repaired(Subject::Manifest(image.digest), missing).await;
    assert!(bench.storage.blob(&name(), &digest).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_a_manifest_names_and_nobody_has_is_lost() {
    let (bench, image, layer, digest) = bench().await;
    let object = bench.object_of(&layer).await;
    bench.remove(keys::blob(&name(), &digest)).await;
    bench.remove_object(&object).await;
    bench.is_lost(&[(Subject::Manifest(image.digest), Problem::MissingBlob(digest))]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_to_another_object_than_the_registrys_is_led_back() {
    let (bench, _, layer, digest) = bench().await;
    let object = bench.object_of(&layer).await;
    bench.put_object("blobs/another/object", &layer).await;
    let another = AttributeValue::S("blobs/another/object".to_owned());
    bench.change(keys::blob(&name(), &digest), "SET object_key = :value", Some(another)).await;
    bench.is_repaired(Subject::Blob(digest), Problem::OtherObject).await;
    assert_eq!(bench.object_of(&layer).await, object);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_gone_are_lost() {
    let (bench, _, layer, digest) = bench().await;
    let object = bench.object_of(&layer).await;
    bench.remove_object(&object).await;
    bench.is_lost(&[(Subject::Blob(digest), Problem::NoObject(object))]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_changed_are_lost_and_a_quick_scrub_sees_only_their_length() {
    let (bench, _, layer, digest) = bench().await;
    let object = bench.object_of(&layer).await;
    let mut rotten = layer.clone();
    rotten[3] ^= 1;
    bench.put_object(&object, &rotten).await;
    bench.is_lost(&[(Subject::Blob(digest.clone()), Problem::OtherDigest(Digest::sha256(&rotten)))]).await;
    bench.assert_clean(&bench.scrub(scrub::Options { content: false, ..FULL }).await);
    bench.put_object(&object, &layer[1..]).await;
    let cut = (Subject::Blob(digest), Problem::OtherLength(layer.len() as u64 - 1));
    bench.is_lost(std::slice::from_ref(&cut)).await;
    let (found, summary) = bench.scrub(scrub::Options { content: false, ..FULL }).await;
    assert_eq!((found, summary.bytes), (vec![(cut.0, cut.1, Outcome::Lost)], 0));
}

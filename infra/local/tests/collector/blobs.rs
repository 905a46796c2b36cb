//! Blobs that no manifest refers to, and the objects that they are in.

use protocol::Digest;
use storage::Markable;

use crate::behind;
use crate::bench::{Bench, WITH_GRACE, WITHOUT_GRACE, repository};
use crate::http::Request;
use crate::image::Image;

#[tokio::test(flavor = "multi_thread")]
async fn unreferenced_blobs_go_with_the_second_run_and_referenced_ones_never() {
    let bench = Bench::start().await;
    let image = Image::new("app", "base", None);
    bench.push("a", "latest", &image).await;
    let blob = bench.push_blob("a", b"nobody's").await;

    let first = bench.collect(WITHOUT_GRACE).await;
    assert_eq!((first.marked.blobs, first.removed.blobs), (1, 0));
    assert!(bench.has_blob("a", &blob).await);

    let second = bench.collect(WITHOUT_GRACE).await;
    assert_eq!((second.removed.blobs, second.removed.objects, second.bytes), (1, 1, b"nobody's".len() as u64));
    assert!(!bench.has_blob("a", &blob).await);
    assert_eq!(behind::objects(&bench).await.len(), image.blobs.len());

    assert!(bench.collect(WITHOUT_GRACE).await.is_clean());
    assert!(bench.is_whole("a", &image).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn within_the_grace_period_nothing_goes() {
    let bench = Bench::start().await;
    let blob = bench.push_blob("a", b"about to be named").await;
    assert_eq!(bench.collect(WITH_GRACE).await.marked.blobs, 1);
    for _ in 0..2 {
        let report = bench.collect(WITH_GRACE).await;
        assert_eq!((report.removed.total(), report.waiting.blobs, report.waiting.sessions), (0, 1, 1));
    }
    assert!(bench.has_blob("a", &blob).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_a_blob_between_the_runs_keeps_it() {
    let bench = Bench::start().await;
    let image = Image::new("app", "base", None);
    for blob in &image.blobs {
        bench.push_blob("a", blob).await;
    }
    assert_eq!(bench.collect(WITHOUT_GRACE).await.marked.blobs, 2);
    for blob in &image.blobs {
        let path = format!("/v2/a/blobs/{}", Digest::sha256(blob));
        bench.send(Request::new("HEAD", path)).await.expect(307);
    }
    let second = bench.collect(WITHOUT_GRACE).await;
    assert_eq!((second.removed.blobs, second.marked.blobs), (0, 2), "they begin from the beginning");
    bench.put("a", "latest", &image).await;
    for _ in 0..2 {
        assert_eq!(bench.collect(WITHOUT_GRACE).await.removed.blobs, 0);
    }
    assert!(bench.is_whole("a", &image).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_names_a_marked_blob_keeps_it() {
    let bench = Bench::start().await;
    let image = Image::new("app", "base", None);
    for blob in &image.blobs {
        bench.push_blob("a", blob).await;
    }
    assert_eq!(bench.collect(WITHOUT_GRACE).await.marked.blobs, 2);
    bench.put("a", "latest", &image).await;
    for _ in 0..2 {
        assert!(bench.collect(WITHOUT_GRACE).await.removed.blobs == 0 && bench.is_whole("a", &image).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_stays_until_the_last_repository_lets_go_of_it() {
    let bench = Bench::start().await;
    let images = ["a", "b"].map(|name| (name, Image::new(name, "shared", None)));
    for (name, image) in &images {
        bench.push(name, "latest", image).await;
    }
    let layer = Digest::sha256(&images[0].1.blobs[1]);
    assert_eq!(behind::objects(&bench).await.len(), 3, "two configs and a layer that both have");

    bench.delete("a", &images[0].1.digest.to_string()).await;
    for _ in 0..3 {
        bench.collect(WITHOUT_GRACE).await;
    }
    assert!(!bench.has_blob("a", &layer).await && bench.is_whole("b", &images[1].1).await);
    assert_eq!(behind::objects(&bench).await.len(), 2);

    bench.delete("b", &images[1].1.digest.to_string()).await;
    for _ in 0..3 {
        bench.collect(WITHOUT_GRACE).await;
    }
    assert!(behind::objects(&bench).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_that_nothing_came_of_are_taken_back() {
    let bench = Bench::start().await;
    let (name, image) = (repository("a"), Image::new("app", "base", None));
    bench.push("a", "latest", &image).await;
    // As a client's deletion leaves them that died after its first write.
    let things = [Markable::Manifest(image.digest.clone()), Markable::Blob(Digest::sha256(&image.blobs[0]))];
    assert_eq!(bench.storage.mark(&name, &things).await.unwrap(), 2);
    assert_eq!(bench.collect(WITH_GRACE).await.waiting.total(), 2 + image.blobs.len(), "and the uploads' sessions");
    let report = bench.collect(WITHOUT_GRACE).await;
    assert_eq!((report.taken_back.manifests, report.taken_back.blobs, report.removed.blobs), (1, 1, 0));
    assert!(behind::items(&bench).await.values().all(|item| !item.contains_key("doomed")));
    assert!(bench.is_whole("a", &image).await);
}

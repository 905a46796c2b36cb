//! Pulls of schema 1 images by clients that can't read it: before the layers were read, meanwhile, and afterwards.

use std::time::Duration;

use protocol::Digest;
use serde_json::{Value, json};

use crate::bench::{Bench, INDEX, LIST, OCI, SCHEMA1, SCHEMA2, body, error, header, schema1};

const LEASE: Duration = Duration::from_secs(3600);

/// Named types and whatever else there is, as containerd asks.
const CONTAINERD: &str = "application/vnd.docker.distribution.manifest.v2+json, \
                          application/vnd.oci.image.manifest.v1+json, */*";

/// The client shall come back.
async fn assert_pending(bench: &Bench, accept: &str) {
    let early = bench.pull("latest", accept).await;
    let message = error(&early, 503);
    assert_eq!(message, "this image was pushed as schema 1 and is being converted; try again in some seconds");
    assert_eq!(body(&early)["errors"][0]["code"], "UNAVAILABLE");
    assert_eq!(header(&early, "retry-after"), "5");
}

/// Pulls what has been converted, and returns the config's diff_ids.
async fn diff_ids(bench: &Bench, accept: &str, media_type: &str) -> Value {
    let pulled = bench.pull("latest", accept).await;
    assert_eq!((pulled.status().as_u16(), header(&pulled, "content-type")), (200, media_type));
    let config = body(&pulled)["config"]["digest"].as_str().unwrap().parse().unwrap();
    let config = bench.storage.blob_bytes(&bench.name, &config, 1 << 20).await.unwrap().unwrap();
    serde_json::from_slice::<Value>(&config).unwrap()["rootfs"]["diff_ids"].clone()
}

#[tokio::test]
async fn a_pull_after_the_layers_were_read_gets_what_the_client_reads() {
    let mut bench = Bench::start().await;
    let (one, two) = (bench.push_blob("one").await, bench.push_blob("two").await);
    let event = bench.push("latest", &[&one, &two]).await;
    bench.run(&event).await;
    for (accept, media_type) in [(SCHEMA2, SCHEMA2), (OCI, OCI), (CONTAINERD, SCHEMA2)] {
        // Layers that aren't compressed are their own content.
        assert_eq!(diff_ids(&bench, accept, media_type).await, json!([one, two]));
    }
    bench.assert_nothing_started().await;
}

#[tokio::test]
async fn a_pull_while_a_layer_is_read_is_asked_to_come_back_and_starts_nothing() {
    let mut bench = Bench::start().await;
    let layer = bench.push_blob("layer").await;
    let event = bench.push("latest", &[&layer]).await;
    assert!(bench.storage.claim_layer(&layer, "a reader", LEASE).await.unwrap());
    for accept in [SCHEMA2, OCI, CONTAINERD] {
        assert_pending(&bench, accept).await;
        let (get, head) = (bench.pull("latest", accept).await, bench.head("latest", accept).await);
        assert_eq!((head.status(), head.headers()), (get.status(), get.headers()));
        // By digest nobody waits.
        assert_eq!(bench.pull(&event.digest.to_string(), accept).await.body(), &schema1(&[&layer]));
    }
    bench.assert_nothing_started().await;
}

#[tokio::test]
async fn when_a_reader_died_the_next_pull_has_another_one_started() {
    let mut bench = Bench::start().await;
    let layer = bench.push_blob("layer").await;
    let pushed = bench.push("latest", &[&layer]).await;
    assert!(bench.storage.claim_layer(&layer, "a reader", Duration::ZERO).await.unwrap());
    assert_pending(&bench, SCHEMA2).await;
    let event = bench.started().await;
    assert_eq!(event, pushed);
    // The dead reader's lease has run out with the millisecond in which it began.
    tokio::time::sleep(Duration::from_millis(2)).await;
    bench.run(&event).await;
    assert_eq!(diff_ids(&bench, SCHEMA2, SCHEMA2).await, json!([layer]));
    bench.assert_nothing_started().await;
}

/// So it is with images that were pushed before anybody read layers.
#[tokio::test]
async fn an_image_whose_layers_nobody_has_read_converts_after_its_first_pull() {
    let mut bench = Bench::start().await;
    let layer = bench.push_blob("layer").await;
    // The event is lost.
    bench.push("latest", &[&layer]).await;
    assert_pending(&bench, CONTAINERD).await;
    let event = bench.started().await;
    bench.run(&event).await;
    assert_eq!(diff_ids(&bench, CONTAINERD, SCHEMA2).await, json!([layer]));
    bench.assert_nothing_started().await;
}

#[tokio::test]
async fn a_client_that_names_schema1_too_gets_it_as_long_as_there_is_nothing_better() {
    let mut bench = Bench::start().await;
    let layer = bench.push_blob("layer").await;
    let event = bench.push("latest", &[&layer]).await;
    let rather_schema2 = format!("{SCHEMA2}, {SCHEMA1};q=0.5");
    let early = bench.pull("latest", &rather_schema2).await;
    assert_eq!((early.status().as_u16(), header(&early, "content-type")), (200, SCHEMA1));
    assert_eq!(early.body(), &schema1(&[&layer]));
    assert_eq!(bench.started().await, event);
    bench.run(&event).await;
    let later = bench.pull("latest", &rather_schema2).await;
    assert_eq!((later.status().as_u16(), header(&later, "content-type")), (200, SCHEMA2));
}

#[tokio::test]
async fn clients_of_schema1_wait_for_nobody() {
    let mut bench = Bench::start().await;
    let layer = bench.push_blob("layer").await;
    bench.push("latest", &[&layer]).await;
    for accept in [SCHEMA1, "*/*", &format!("{SCHEMA1}, {SCHEMA2}, {OCI}")] {
        let pulled = bench.pull("latest", accept).await;
        assert_eq!((pulled.status().as_u16(), header(&pulled, "content-type")), (200, SCHEMA1), "{accept}");
    }
    bench.assert_nothing_started().await;
}

#[tokio::test]
async fn a_layer_that_cannot_be_unpacked_is_named_to_who_cannot_do_without() {
    for (blob, problem) in [
        (b"BZh91AY&SY".as_slice(), "is compressed with bzip2, which schema 2 and OCI have no media type for"),
        (b"\x1f\x8b and no gzip", "begins as Gzip but can't be unpacked to its end"),
    ] {
        let mut bench = Bench::start().await;
        let (good, bad) = (bench.push_blob("good").await, bench.push_blob(blob).await);
        let event = bench.push("latest", &[&good, &bad]).await;
        bench.run(&event).await;
        for accept in [SCHEMA2, OCI] {
            let message = error(&bench.pull("latest", accept).await, 404);
            assert!(message.contains(&bad.to_string()) && message.contains(problem), "{message}");
            assert!(message.contains(SCHEMA1) && message.contains(accept), "{message}");
        }
        let stored = bench.pull("latest", CONTAINERD).await;
        assert_eq!((stored.status().as_u16(), stored.body().as_ref()), (200, schema1(&[&good, &bad]).as_slice()));
        bench.assert_nothing_started().await;
    }
}

#[tokio::test]
async fn a_history_that_cannot_be_read_is_refused_at_once() {
    let mut bench = Bench::start().await;
    let layer = bench.push_blob("layer").await;
    let text = String::from_utf8(schema1(&[&layer])).unwrap();
    let manifest = text.replace("2015-10-21T07:28:00Z", "yesterday");
    assert_eq!(bench.put("latest", SCHEMA1, manifest.as_bytes()).await.status(), 201);
    let event = bench.started().await;
    bench.calls();
    bench.run(&event).await;
    assert_eq!(bench.reads(), 0);
    let message = error(&bench.pull("latest", SCHEMA2).await, 404);
    assert!(message.contains("history[0].v1Compatibility") && message.contains("yesterday"), "{message}");
    bench.assert_nothing_started().await;
}

/// Neither the list without it nor another image in its place would be right: who comes back gets all of it.
#[tokio::test]
async fn a_list_waits_for_the_layers_of_its_schema1_child() {
    let mut bench = Bench::start().await;
    let layer = bench.push_blob("layer").await;
    let old = bench.push("old", &[&layer]).await;
    let config = bench.push_blob("{}").await;
    let image = json!({
        "schemaVersion": 2, "mediaType": SCHEMA2, "layers": [],
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 2, "digest": config},
    });
    let image = image.to_string();
    let new = Digest::sha256(image.as_bytes());
    assert_eq!(bench.put(&new.to_string(), SCHEMA2, image.as_bytes()).await.status(), 201);
    let child = |media_type: &str, digest: &Digest, size: usize, architecture: &str| {
        let platform = json!({"os": "linux", "architecture": architecture});
        json!({"mediaType": media_type, "digest": digest, "size": size, "platform": platform})
    };
    let children =
        [child(SCHEMA1, &old.digest, schema1(&[&layer]).len(), "arm64"), child(SCHEMA2, &new, image.len(), "amd64")];
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children}).to_string();
    assert_eq!(bench.put("latest", INDEX, index.as_bytes()).await.status(), 201);
    let list_of_schema2 = format!("{LIST}, {SCHEMA2}");

    assert_pending(&bench, &list_of_schema2).await;
    assert_eq!(bench.started().await, old);
    bench.assert_nothing_started().await;

    bench.run(&old).await;
    let list = bench.pull("latest", &list_of_schema2).await;
    assert_eq!((list.status().as_u16(), header(&list, "content-type")), (200, LIST));
    let types: Vec<_> =
        body(&list)["manifests"].as_array().unwrap().iter().map(|child| child["mediaType"].clone()).collect();
    assert_eq!(types, [SCHEMA2, SCHEMA2]);
    // Who knows no lists needn't have waited.
    assert_eq!(bench.pull("latest", SCHEMA2).await.body(), image.as_bytes());
}

#[tokio::test]
async fn racing_pulls_get_the_same_bytes() {
    let mut bench = Bench::start().await;
    let layer = bench.push_blob("layer").await;
    let event = bench.push("latest", &[&layer]).await;
    bench.run(&event).await;
    let pulls = (0..8).map(|_| bench.pull("latest", SCHEMA2));
    let pulled = futures_util::future::join_all(pulls).await;
    for answer in &pulled {
        assert_eq!((answer.status().as_u16(), answer.body()), (200, pulled[0].body()));
        assert_eq!(header(answer, "docker-content-digest"), Digest::sha256(answer.body()).to_string());
    }
}

//! Events, with functions in this process and as processes.

use serde_json::{Value, json};

use crate::bus::{Bus, Mood};
use crate::http::Request;
use crate::image::{Image, OCI, SCHEMA2};
use crate::registry::{Mode, Registry, Stream};

in_each_mode!(
    what_happens_to_an_image_is_told,
    a_conversion_is_told_once,
    a_bus_that_fails_or_hangs_changes_no_answer,
    many_tags_are_told_ten_at_a_time,
    without_a_bus_nothing_is_told,
);

async fn what_happens_to_an_image_is_told(mode: Mode) {
    let bus = Bus::start(Mood::Takes).await;
    let registry = Registry::start(mode, &bus).await;
    let image = Image::new(2, None);

    let pushed = registry.push("1", &image).await.expect(201);
    let entry = bus.entries(1).await.remove(0);
    assert_eq!((&entry["Source"], &entry["DetailType"]), (&"lambda-registry".into(), &"Registry Image Action".into()));
    assert_eq!(entry["EventBusName"], "images");
    let content: usize = image.blobs[0].len() + 2 * image.blobs[1].len();
    let expected = json!({
        "result": "SUCCESS",
        "action-type": "PUSH",
        "repository-name": "team/app",
        "image-digest": image.digest,
        "image-tag": "1",
        "manifest-media-type": OCI,
        "artifact-media-type": "application/vnd.oci.image.config.v1+json",
        "manifest-size-in-bytes": image.manifest.len(),
        "image-size-in-bytes": content,
        "principal": "anyone",
        "request-id": pushed.expect_header("x-request-id"),
    });
    assert_eq!(bus.details(1).await, [expected]);

    let untagged = registry.delete("1").await.expect(202);
    let expected = json!({
        "result": "SUCCESS",
        "action-type": "DELETE",
        "repository-name": "team/app",
        "image-digest": image.digest,
        "image-tag": "1",
        "manifest-media-type": OCI,
        "principal": "anyone",
        "request-id": untagged.expect_header("x-request-id"),
    });
    assert_eq!(bus.details(2).await[1], expected);

    let deleted = registry.delete(&image.digest.to_string()).await.expect(202);
    let expected = json!({
        "result": "SUCCESS",
        "action-type": "DELETE",
        "repository-name": "team/app",
        "image-digest": image.digest,
        "manifest-media-type": OCI,
        "manifest-size-in-bytes": image.manifest.len(),
        "principal": "anyone",
        "request-id": deleted.expect_header("x-request-id"),
    });
    assert_eq!(bus.details(3).await[2], expected);

    registry.delete("1").await.expect(404);
    registry.stop().await;
    assert_eq!(bus.calls(), 3, "what didn't happen isn't told");
}

async fn a_conversion_is_told_once(mode: Mode) {
    let bus = Bus::start(Mood::Takes).await;
    let registry = Registry::start(mode, &bus).await;
    let image = Image::new(1, None);
    registry.push("1", &image).await.expect(201);
    bus.entries(1).await;

    let converted = registry.pull("1", SCHEMA2).await.expect(200);
    let told = bus.details(2).await.remove(1);
    let expected = json!({
        "result": "SUCCESS",
        "action-type": "CONVERT",
        "repository-name": "team/app",
        "image-digest": converted.expect_header("docker-content-digest"),
        "manifest-media-type": SCHEMA2,
        "artifact-media-type": "application/vnd.docker.container.image.v1+json",
        "manifest-size-in-bytes": converted.body.len(),
        "image-size-in-bytes": image.blobs.iter().map(Vec::len).sum::<usize>(),
        "source-digest": image.digest,
        "source-media-type": OCI,
        "principal": "anyone",
        "request-id": converted.expect_header("x-request-id"),
    });
    assert_eq!(told, expected);

    let again = registry.pull("1", SCHEMA2).await.expect(200);
    assert_eq!(again.body, converted.body);
    registry.pull("1", OCI).await.expect(200);
    registry.stop().await;
    assert_eq!(bus.calls(), 2);
}

async fn a_bus_that_fails_or_hangs_changes_no_answer(mode: Mode) {
    for mood in [Mood::Fails, Mood::RefusesEntries, Mood::Hangs] {
        let bus = Bus::start(mood).await;
        let registry = Registry::start(mode, &bus).await;
        let image = Image::new(1, None);
        let pushed = registry.push("1", &image).await.expect(201);
        assert_eq!(pushed.expect_header("docker-content-digest"), image.digest.to_string(), "{mood:?}");
        registry.pull("1", SCHEMA2).await.expect(200);
        registry.delete(&image.digest.to_string()).await.expect(202);
        if let Mode::Processes = mode {
            let lost = |line: &Value| line["message"].as_str().is_some_and(|text| text.contains("may be lost"));
            let lines = registry.lines(Stream::Log, |lines| lines.iter().filter(|line| lost(line)).count() == 3).await;
            let line = lines.iter().find(|line| lost(line)).unwrap();
            assert_eq!(
                (&line["level"], &line["span"]["id"]),
                (&"WARN".into(), &pushed.expect_header("x-request-id").into())
            );
        }
        registry.stop().await;
        assert!(bus.calls() >= 3, "{mood:?}");
    }
}

async fn many_tags_are_told_ten_at_a_time(mode: Mode) {
    let bus = Bus::start(Mood::Takes).await;
    let registry = Registry::start(mode, &bus).await;
    let more: String = (0..24).map(|number| format!("&tag=t{number}")).collect();
    registry.push(&format!("last?{}", &more[1..]), &Image::new(1, None)).await.expect(201);
    let details = bus.details(25).await;
    let mut tags: Vec<_> = details.iter().map(|detail| detail["image-tag"].as_str().unwrap().to_owned()).collect();
    tags.sort();
    tags.dedup();
    assert_eq!((tags.len(), bus.lengths()), (25, vec![10, 10, 5]));
    registry.stop().await;
}

async fn without_a_bus_nothing_is_told(mode: Mode) {
    let bus = Bus::start(Mood::Takes).await;
    let registry = Registry::silent(mode, &bus).await;
    let image = Image::new(1, None);
    registry.push("1", &image).await.expect(201);
    registry.pull("1", SCHEMA2).await.expect(200);
    registry.delete(&image.digest.to_string()).await.expect(202);
    if let Mode::Processes = mode {
        // A process that takes another request has done with the one before.
        registry.delete("1").await.expect(404);
        registry.pull("1", OCI).await.expect(404);
    }
    registry.stop().await;
    assert_eq!(bus.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_stops_tells_everything_first() {
    let bus = Bus::start(Mood::Takes).await;
    let registry = Registry::start(Mode::InProcess, &bus).await;
    registry.push("1", &Image::new(1, None)).await.expect(201);
    registry.stop().await;
    assert_eq!(bus.calls(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_and_pulls_are_no_events() {
    let bus = Bus::start(Mood::Takes).await;
    let registry = Registry::start(Mode::InProcess, &bus).await;
    let image = Image::new(1, None);
    registry.push("1", &image).await.expect(201);
    registry.pull("1", OCI).await.expect(200);
    let blob = format!("/v2/team/app/blobs/{}", protocol::Digest::sha256(&image.blobs[0]));
    registry.ask(Request::new("GET", &blob)).await.expect(307);
    registry.stop().await;
    assert_eq!(bus.calls(), 1, "the push");
}

//! What functions write: metrics for CloudWatch, and the log.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::bus::{Bus, Mood};
use crate::http::Request;
use crate::image::{INDEX, Image, LIST, OCI, SCHEMA2};
use crate::registry::{Mode, Registry, Stream};

/// The line about the request that got this answer, once it is there.
async fn line(registry: &Registry, answer: &crate::http::Answer) -> Value {
    let id: Value = answer.expect_header("x-request-id").into();
    let about = |line: &Value| line["RequestId"] == id && line["Requests"] == 1;
    let lines = registry.lines(Stream::Output, |lines| lines.iter().any(about)).await;
    let mut lines = lines.into_iter().filter(|line| about(line));
    let line = lines.next().unwrap();
    assert!(lines.next().is_none(), "one request is counted once");
    assert_eq!(line["Registry"], "prod");
    line
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_with_what_they_did() {
    let bus = Bus::start(Mood::Takes).await;
    let registry = Registry::silent(Mode::Processes, &bus).await;
    let image = Image::new(1, None);

    let blob = &image.blobs[0];
    let digest = protocol::Digest::sha256(blob);
    let upload = Request::new("POST", format!("/v2/team/app/blobs/uploads/?digest={digest}")).body(blob);
    let uploaded = line(&registry, &registry.ask(upload).await.expect(201)).await;
    assert_eq!((&uploaded["Function"], &uploaded["BlobBytes"]), (&"blob-upload".into(), &blob.len().into()));
    assert_eq!(uploaded["ColdStarts"], 1);

    let first = line(&registry, &registry.push("1", &image).await.expect(201)).await;
    assert_eq!((&first["Pushes"], &first["ManifestBytes"]), (&1.into(), &image.manifest.len().into()));
    assert_eq!((&first["ColdStarts"], &first["Throttles"]), (&1.into(), &0.into()));
    let again = line(&registry, &registry.push("2", &image).await.expect(201)).await;
    // A read, a batch read and a transaction; before the first request there was the query of the initialisation.
    assert_eq!((&again["ColdStarts"], &again["AwsCalls"]), (&0.into(), &3.into()));
    assert_eq!(first["AwsCalls"], 4);

    let pulled = line(&registry, &registry.pull("1", OCI).await.expect(200)).await;
    assert_eq!((&pulled["Pulls"], &pulled["ManifestBytes"]), (&1.into(), &image.manifest.len().into()));
    let head = Request::new("HEAD", "/v2/team/app/manifests/1").header("Accept", OCI);
    let asked = line(&registry, &registry.ask(head).await.expect(200)).await;
    assert_eq!((asked.get("Pulls"), asked.get("ManifestBytes")), (None, None), "a HEAD is no pull");

    let path = format!("/v2/team/app/blobs/{digest}");
    let redirected = line(&registry, &registry.ask(Request::new("GET", path)).await.expect(307)).await;
    assert_eq!((&redirected["Function"], &redirected["BlobBytes"]), (&"blob-get".into(), &blob.len().into()));

    let unknown = line(&registry, &registry.pull("none", OCI).await.expect(404)).await;
    assert_eq!((&unknown["Errors"], &unknown["Code"]), (&1.into(), &"MANIFEST_UNKNOWN".into()));
    let deleted = line(&registry, &registry.delete("1").await.expect(202)).await;
    assert_eq!((&deleted["Deletes"], deleted.get("Errors")), (&1.into(), None));
    registry.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conversions_are_counted_by_direction() {
    let bus = Bus::start(Mood::Takes).await;
    let registry = Registry::silent(Mode::Processes, &bus).await;
    let image = Image::new(1, None);
    registry.push("image", &image).await.expect(201);
    registry.push("index", &Image::index(&image, 1)).await.expect(201);
    let pulled = registry.pull("index", &format!("{LIST}, {SCHEMA2}")).await.expect(200);
    line(&registry, &pulled).await;
    line(&registry, &registry.pull("index", INDEX).await.expect(200)).await;

    let lines = registry.lines(Stream::Output, |_| true).await;
    let conversions: Vec<&Value> = lines.iter().filter(|line| line.get("Conversion").is_some()).collect();
    let directions: BTreeSet<_> = conversions.iter().map(|line| line["Conversion"].as_str().unwrap()).collect();
    assert_eq!((conversions.len(), directions), (2, BTreeSet::from(["index to list", "oci to schema2"])));
    for conversion in conversions {
        assert_eq!(conversion["Conversions"], 1);
        let dimensions = &conversion["_aws"]["CloudWatchMetrics"][0]["Dimensions"];
        assert_eq!(*dimensions, json!([["Registry"], ["Registry", "Conversion"]]));
    }
    registry.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_a_request_names_it_as_lambda_and_as_the_client_do() {
    let bus = Bus::start(Mood::Takes).await;
    let registry = Registry::silent(Mode::Processes, &bus).await;
    let answers = [
        registry.push("1", &Image::new(1, None)).await.expect(201),
        registry.pull("1", OCI).await.expect(200),
        registry.pull("none", OCI).await.expect(404),
    ];
    for answer in answers {
        let id: Value = answer.expect_header("x-request-id").into();
        let of_request = |line: &&Value| line["span"]["id"] == id;
        let lines = registry.lines(Stream::Log, |lines| lines.iter().any(|line| of_request(&line))).await;
        for line in lines.iter().filter(of_request) {
            let lambda = &line["spans"][0];
            assert!(lambda["requestId"].is_string() && lambda["xrayTraceId"].is_string(), "{line}");
        }
        let done = lines.iter().filter(of_request).filter(|line| line["status"] == answer.status);
        assert_eq!(done.count(), 1, "{lines:?}");
    }
    registry.stop().await;
}

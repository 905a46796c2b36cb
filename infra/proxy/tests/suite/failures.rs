//! A registry that fails, and then works, or doesn't.

use std::time::{Duration, Instant};

use protocol::Digest;

use crate::fake::{Fake, Trouble};
use crate::http::Reply;
use crate::setup::{ATTEMPTS, content, header, impatient_proxy, proxy};

/// Three pieces.
const LENGTH: usize = 9_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_arrives_in_pieces_of_4_mb_through_every_failure_that_passes() {
    for trouble in [
        Trouble::status(503),
        Trouble::status(429),
        Trouble::status(500),
        Trouble::Cut,
        Trouble::LostAnswer,
        Trouble::Amnesia,
    ] {
        for method in ["PATCH", "PUT", "POST"] {
            let registry = Fake::without_direct_uploads();
            registry.trouble(method, "/blobs/uploads/", vec![trouble.clone(); 2]);
            let client = proxy(registry.address).await;
            let bytes = content(LENGTH);
            let digest = Digest::sha256(&bytes);

            let pushed = client.push(&bytes).await;

            assert_eq!(pushed.status(), 201, "{method} {trouble:?}: {:?}", pushed.text().await);
            assert!(registry.blob(&digest).unwrap() == bytes, "{method} {trouble:?}");
            for seen in registry.seen() {
                assert_eq!(seen.header("transfer-encoding"), None, "{method} {trouble:?}");
                assert!(seen.body.len() <= 4_000_000, "{method} {trouble:?}");
                let carries = ["POST", "PATCH", "PUT"].contains(&seen.method.as_str());
                assert_eq!(seen.header("content-length").is_some(), carries, "{method} {trouble:?}: {}", seen.method);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_and_a_bucket_that_fall_silent_are_asked_again() {
    for (method, part) in [("POST", "/blobs/uploads/"), ("PATCH", "/blobs/uploads/"), ("PUT", "/")] {
        let registry = if method == "PATCH" { Fake::without_direct_uploads() } else { Fake::start() };
        registry.trouble(method, part, [Trouble::Silence]);
        let client = impatient_proxy(registry.address).await;
        let bytes = content(LENGTH);

        assert_eq!(client.push(&bytes).await.status(), 201, "{method}");

        assert!(registry.blob(&Digest::sha256(&bytes)).unwrap() == bytes, "{method}");
        assert!(registry.count(method, part) > 1, "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_in_a_row_count_and_not_those_of_the_whole_blob() {
    let registry = Fake::without_direct_uploads();
    let client = proxy(registry.address).await;
    let bytes = content(LENGTH);
    let session = client.open().await;
    // As many as are allowed for each of the two PATCHes, and a piece that arrives between them.
    let mut troubles = vec![Trouble::status(503); ATTEMPTS as usize - 2];
    troubles.push(Trouble::LostAnswer);
    troubles.extend(vec![Trouble::status(503); ATTEMPTS as usize - 1]);
    registry.trouble("PATCH", "/blobs/uploads/", troubles);

    assert_eq!(client.put(&session, &bytes, &Digest::sha256(&bytes)).await.status(), 201);

    assert_eq!(registry.count("PATCH", ""), 2 * ATTEMPTS as usize - 1);
    assert!(registry.blob(&Digest::sha256(&bytes)).unwrap() == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_goes_on_failing_has_its_error_passed_on_and_the_client_may_go_on_later() {
    let registry = Fake::without_direct_uploads();
    let client = proxy(registry.address).await;
    let bytes = content(LENGTH);
    let digest = Digest::sha256(&bytes);
    let session = client.open().await;
    let patched = client.request("PATCH", &session).body(bytes.clone()).send().await.unwrap();
    assert_eq!((patched.status().as_u16(), header(&patched, "range")), (202, format!("0-{}", LENGTH - 1)));
    registry.trouble("PUT", "/blobs/uploads/", vec![Trouble::status(503); ATTEMPTS as usize]);

    let failed = client.put(&session, b"", &digest).await;

    assert_eq!(failed.status(), 503);
    assert_eq!(failed.text().await.unwrap(), r#"{"message":"503"}"#);
    assert_eq!(registry.count("PUT", ""), ATTEMPTS as usize);
    assert_eq!(registry.blob(&digest), None);
    let patches = registry.count("PATCH", "");
    assert_eq!(client.put(&session, b"", &digest).await.status(), 201);
    assert_eq!(client.put(&session, b"", &digest).await.status(), 201, "the answer may have been lost");
    assert!(registry.blob(&digest).unwrap() == bytes);
    assert_eq!(registry.count("PATCH", ""), patches + 1, "the first one learns how far the session is");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_whose_answer_was_lost_is_found_to_have_worked() {
    let registry = Fake::without_direct_uploads();
    // This registry knows nothing of sessions that have ended.
    registry.trouble("PUT", "/blobs/uploads/", [Trouble::LostAnswer]);
    let client = proxy(registry.address).await;

    client.expect_pushed(&registry, &content(LENGTH)).await;

    assert_eq!((registry.count("PATCH", ""), registry.count("PUT", "")), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_that_failed_never_was() {
    let registry = Fake::start();
    let client = proxy(registry.address).await;
    let digest = Digest::sha256(b"begin and end");
    let session = client.open().await;
    client.request("PATCH", &session).body("begin").send().await.unwrap();
    registry.trouble("PUT", "/blobs/uploads/", [Trouble::status(401)]);

    assert_eq!(client.put(&session, b" and end", &digest).await.status(), 401);

    assert_eq!(header(&client.send("GET", &session).await, "range"), "0-4");
    assert_eq!(client.put(&session, b" and end", &digest).await.status(), 201);
    assert_eq!(registry.blob(&digest).unwrap(), b"begin and end");
    assert_eq!(registry.open_sessions(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_says_when_to_come_back_is_not_asked_before() {
    let registry = Fake::start();
    let later = Reply::new(429).header("Retry-After", "1").json("{}");
    registry.trouble("POST", "/blobs/uploads/", [Trouble::Answer(later)]);
    let client = proxy(registry.address).await;
    let asked = Instant::now();

    client.open().await;

    assert!(asked.elapsed() >= Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_wants_to_be_left_alone_for_long_is() {
    let registry = Fake::start();
    let later = Reply::new(503).header("Retry-After", "3600").json("{}");
    registry.trouble("POST", "/blobs/uploads/", [Trouble::Answer(later)]);
    let client = proxy(registry.address).await;

    let refused = client.send("POST", "/v2/a/blobs/uploads/").await;

    assert_eq!((refused.status().as_u16(), header(&refused, "retry-after").as_str()), (503, "3600"));
    assert_eq!(registry.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_not_there_is_an_error_in_the_registry_s_form() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = proxy(nobody).await;
    for (method, path) in [
        ("POST", "/v2/a/blobs/uploads/"),
        ("GET", "/v2/"),
        ("PUT", "/v2/a/manifests/1"),
        ("DELETE", "/v2/a/manifests/1"),
    ] {
        let failed = client.send(method, path).await;
        assert_eq!(failed.status(), 503, "{method}");
        assert_eq!(header(&failed, "content-type"), "application/json");
        assert_eq!(header(&failed, "retry-after"), "5");
        let body = failed.text().await.unwrap();
        assert!(
            body.starts_with(r#"{"errors":[{"code":"UNAVAILABLE","message":"the registry at http://127.0.0.1:"#),
            "{body}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_repeated_is_and_a_delete_is_not() {
    for (method, status, attempts) in [("GET", 200, 3), ("HEAD", 200, 3), ("PUT", 200, 3), ("DELETE", 503, 1)] {
        let registry = Fake::start();
        registry.trouble(method, "/manifests/", [Trouble::status(503), Trouble::Cut]);
        let client = proxy(registry.address).await;

        assert_eq!(client.send(method, "/v2/a/manifests/1").await.status(), status, "{method}");

        assert_eq!(registry.count(method, "/manifests/"), attempts, "{method}");
    }
}

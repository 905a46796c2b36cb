//! Blobs that go straight to the bucket.

use protocol::{Algorithm, Digest};

use crate::fake::{Fake, Trouble};
use crate::setup::{ATTEMPTS, CREDENTIALS, content, proxy};

const LENGTH: usize = 9_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_large_blob_goes_to_the_bucket_whole_and_without_the_credentials() {
    let registry = Fake::start();
    let client = proxy(registry.address).await;
    let bytes = content(LENGTH);

    client.expect_pushed(&registry, &bytes).await;

    let (bucket, others): (Vec<_>, Vec<_>) =
        registry.seen().into_iter().partition(|seen| seen.path.starts_with("/bucket/"));
    assert_eq!(bucket.len(), 1);
    let mut names: Vec<_> = bucket[0].headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-length", "host", "x-signed"]);
    assert_eq!(bucket[0].header("content-length"), Some("9000000"));
    for seen in others {
        assert_eq!(seen.header("authorization"), Some(CREDENTIALS), "{} {}", seen.method, seen.path);
        assert!(seen.body.is_empty(), "{} {}", seen.method, seen.path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_one_request_cannot_carry_goes_to_the_bucket() {
    for (length, directly) in [(0, 0), (1, 0), (4_000_000, 0), (4_000_001, 1)] {
        let registry = Fake::start();
        let client = proxy(registry.address).await;

        client.expect_pushed(&registry, &content(length)).await;

        assert_eq!(registry.count("PUT", "/bucket/"), directly, "{length}");
        assert_eq!(registry.count("PATCH", ""), 0, "{length}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bucket_cannot_verify_sha512_so_that_goes_in_pieces() {
    let registry = Fake::start();
    let client = proxy(registry.address).await;
    let bytes = content(LENGTH);
    let digest = Algorithm::Sha512.digest(&bytes);
    let session = client.open().await;

    assert_eq!(client.put(&session, &bytes, &digest).await.status(), 201);

    assert!(registry.blob(&digest).unwrap() == bytes);
    assert_eq!((registry.count("PUT", "/bucket/"), registry.count("PATCH", "")), (0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_repository_has_is_not_sent_again() {
    let registry = Fake::start();
    let client = proxy(registry.address).await;
    let bytes = content(LENGTH);
    registry.put_blob(&bytes);

    client.expect_pushed(&registry, &bytes).await;

    assert_eq!(registry.count("PUT", ""), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_fails_is_asked_again() {
    for trouble in [
        Trouble::status(503),
        Trouble::status(500),
        Trouble::status(400),
        Trouble::status(409),
        Trouble::Cut,
        // The second attempt is told 412: it is there already.
        Trouble::LostAnswer,
    ] {
        let registry = Fake::start();
        registry.trouble("PUT", "/bucket/", [trouble.clone()]);
        let client = proxy(registry.address).await;

        client.expect_pushed(&registry, &content(LENGTH)).await;

        assert_eq!(registry.count("PUT", "/bucket/1"), 0, "{trouble:?}: the first session is the client's");
        assert_eq!(registry.count("PUT", "/bucket/2"), 2, "{trouble:?}");
        assert_eq!(registry.count("PATCH", ""), 0, "{trouble:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_has_expired_is_asked_for_again() {
    let registry = Fake::start();
    registry.trouble("PUT", "/bucket/", [Trouble::status(403)]);
    let client = proxy(registry.address).await;

    client.expect_pushed(&registry, &content(LENGTH)).await;

    assert_eq!((registry.count("PUT", "/bucket/2"), registry.count("PUT", "/bucket/3")), (1, 1));
    assert_eq!(registry.count("PATCH", ""), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_out_of_reach_is_gone_around() {
    for trouble in [Trouble::status(403), Trouble::status(503), Trouble::status(405), Trouble::Cut] {
        let registry = Fake::start();
        registry.trouble("PUT", "/bucket/", vec![trouble.clone(); 3 * ATTEMPTS as usize]);
        let client = proxy(registry.address).await;

        client.expect_pushed(&registry, &content(LENGTH)).await;

        assert_eq!(registry.count("PATCH", ""), 2, "{trouble:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_finds_nothing_in_the_bucket_gets_it_once_more() {
    let registry = Fake::start();
    let client = proxy(registry.address).await;
    let session = client.open().await;
    let bytes = content(LENGTH);
    registry.trouble("PUT", "/blobs/uploads/", [Trouble::status(400)]);

    assert_eq!(client.put(&session, &bytes, &Digest::sha256(&bytes)).await.status(), 201);

    assert_eq!(registry.count("PUT", "/bucket/"), 2);
    assert_eq!(registry.open_sessions(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_expire_on_the_way_cost_no_second_upload() {
    let registry = Fake::start();
    let client = proxy(registry.address).await;
    let (session, bytes) = (client.open().await, content(LENGTH));
    let digest = Digest::sha256(&bytes);
    client.request("PATCH", &session).body(bytes.clone()).send().await.unwrap();
    registry.trouble("PUT", "/blobs/uploads/", [Trouble::status(401)]);

    assert_eq!(client.put(&session, b"", &digest).await.status(), 401);
    assert_eq!(client.put(&session, b"", &digest).await.status(), 201);

    assert_eq!(registry.count("PUT", "/bucket/"), 1);
    assert!(registry.blob(&digest).unwrap() == bytes);
    assert_eq!(registry.open_sessions(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_to_sign_is_the_client_s_answer() {
    let registry = Fake::start();
    let client = proxy(registry.address).await;
    let (session, bytes) = (client.open().await, content(LENGTH));
    registry.trouble("POST", "/blobs/uploads/", [Trouble::status(403)]);

    let refused = client.put(&session, &bytes, &Digest::sha256(&bytes)).await;

    assert_eq!((refused.status().as_u16(), refused.text().await.unwrap().as_str()), (403, r#"{"message":"403"}"#));
    assert_eq!(registry.count("PUT", ""), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_without_direct_uploads_is_left_with_no_session() {
    let registry = Fake::without_direct_uploads();
    let client = proxy(registry.address).await;

    client.expect_pushed(&registry, &content(LENGTH)).await;

    assert_eq!(registry.count("PATCH", ""), 2);
}

//! What passes through, and what is refused on the way.

use protocol::Digest;

use crate::fake::{Fake, Trouble};
use crate::http::Reply;
use crate::setup::{content, header, proxy};

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_push_is_told_so_by_the_registry_before_a_byte_is_taken() {
    let challenge = r#"Bearer realm="https://registry.example.com/token",service="registry.example.com""#;
    for (status, path) in [(401, ""), (403, ""), (404, ""), (401, "?digest="), (401, "?mount=")] {
        let registry = Fake::start();
        let refusal = Reply::new(status).header("WWW-Authenticate", challenge).json(r#"{"errors":[]}"#);
        registry.trouble("POST", "/blobs/uploads/", [Trouble::Answer(refusal)]);
        let client = proxy(registry.address).await;
        let digest = if path.is_empty() { String::new() } else { Digest::sha256(b"blob").to_string() };

        let post = client.request("POST", &format!("/v2/a/blobs/uploads/{path}{digest}")).body("blob");
        let refused = post.send().await.unwrap();

        assert_eq!((refused.status().as_u16(), header(&refused, "www-authenticate").as_str()), (status, challenge));
        assert_eq!(refused.text().await.unwrap(), r#"{"errors":[]}"#);
        let seen = registry.seen();
        assert!(seen.len() == 1 && seen[0].body.is_empty(), "{seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mount_is_the_registry_s_and_one_that_cannot_be_is_a_session() {
    let registry = Fake::start();
    let digest = registry.put_blob(b"there");
    let unknown = Digest::sha256(b"not there");
    let client = proxy(registry.address).await;

    let mounted = client.send("POST", &format!("/v2/a/blobs/uploads/?mount={digest}&from=b")).await;
    assert_eq!((mounted.status().as_u16(), header(&mounted, "docker-content-digest")), (201, digest.to_string()));
    let opened = client.send("POST", &format!("/v2/a/blobs/uploads/?mount={unknown}&from=b")).await;

    assert_eq!(opened.status(), 202);
    assert_eq!(registry.seen()[1].parameter("from").as_deref(), Some("b"));
    assert_eq!(client.put(&header(&opened, "location"), b"not there", &unknown).await.status(), 201);
    assert_eq!(registry.blob(&unknown).unwrap(), b"not there");
    assert_eq!(registry.open_sessions(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_end_without_a_blob_end_at_the_registry_too() {
    let registry = Fake::start();
    let client = proxy(registry.address).await;
    let other = Digest::sha256(b"something else");

    let session = client.open().await;
    assert_eq!(registry.open_sessions(), 1);
    assert_eq!(client.send("DELETE", &session).await.status(), 204);
    assert_eq!(client.send("GET", &session).await.status(), 404);
    assert_eq!(registry.open_sessions(), 0);

    let wrong = client.put(&client.open().await, b"something", &other).await;
    assert_eq!(wrong.status(), 400);
    assert!(wrong.text().await.unwrap().contains("DIGEST_INVALID"));
    assert_eq!(registry.open_sessions(), 0);

    let post = client.request("POST", &format!("/v2/a/blobs/uploads/?digest={other}")).body("something");
    assert_eq!(post.send().await.unwrap().status(), 400);
    assert_eq!(registry.open_sessions(), 0);
    assert_eq!((registry.count("PUT", ""), registry.blob(&other)), (0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_else_passes_with_its_query_headers_and_body() {
    let registry = Fake::start();
    let client = proxy(registry.address).await;
    let put = client.request("PUT", "/v2/a/manifests/1?tag=2&tag=3").header("Content-Type", "application/x");
    let answer = put.header("Connection", "X-Hop").header("X-Hop", "1").body("manifest").send().await.unwrap();

    assert_eq!((answer.status().as_u16(), header(&answer, "x-path").as_str()), (200, "/v2/a/manifests/1"));
    assert_eq!(answer.text().await.unwrap(), r#"{"passed":true}"#);
    let seen = &registry.seen()[0];
    assert_eq!((seen.query.as_str(), seen.body.as_slice()), ("tag=2&tag=3", b"manifest".as_slice()));
    assert_eq!(seen.header("content-type"), Some("application/x"));
    assert_eq!(seen.header("x-hop"), None);
    assert_eq!(seen.header("host"), Some(registry.address.to_string().as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn head_keeps_its_length_and_a_redirect_is_the_client_s_to_follow() {
    let registry = Fake::start();
    let digest = registry.put_blob(b"blob");
    let client = proxy(registry.address).await;

    let head = client.send("HEAD", "/v2/a/manifests/1").await;
    assert_eq!((head.status().as_u16(), header(&head, "content-length").as_str()), (200, "15"));
    assert_eq!(head.bytes().await.unwrap().len(), 0);
    let redirect = client.send("GET", &format!("/v2/a/blobs/{digest}")).await;
    assert_eq!((redirect.status().as_u16(), header(&redirect, "location").as_str()), (307, "/elsewhere"));
    assert_eq!(registry.seen().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_over_4_mib_is_refused_and_one_of_4_mib_passes() {
    let registry = Fake::start();
    let client = proxy(registry.address).await;
    for (length, status) in [(4 << 20, 200), ((4 << 20) + 1, 413)] {
        let put = client.request("PUT", "/v2/a/manifests/1").body(content(length)).send().await.unwrap();
        assert_eq!(put.status(), status, "{length}");
    }
    assert_eq!(registry.seen().len(), 1);
}

//! The signed URLs that a blob is read by.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::presigning::PresigningConfig;
use http::Uri;

use crate::http::{Answer, Request};
use crate::registry::Registry;

/// How long they may be good, in seconds.
const LONGEST: u64 = 900;

/// Asks S3 itself.
async fn ask(method: &str, url: &str) -> Answer {
    let uri: Uri = url.parse().unwrap();
    let address = uri.authority().unwrap().as_str().parse().unwrap();
    Request::new(method, uri.path_and_query().unwrap().as_str()).send(address).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_url_is_for_one_object_one_method_and_a_quarter_of_an_hour() {
    let registry = Registry::start().await;
    let digest = registry.push_blob("team/app", b"one blob").await;
    let other = registry.push_blob("team/app", b"two blob").await;
    let token = registry.admin_token(&["repository:team/app:pull"]).await;
    let mut urls = Vec::new();
    for (method, digest) in [("GET", &digest), ("HEAD", &digest), ("GET", &other)] {
        let request = Request::new(method, format!("/v2/team/app/blobs/{digest}")).bearer(&token);
        urls.push(registry.send(&request).await.expect(307).header("location").unwrap().to_owned());
    }
    let [get, head, other] = &urls[..] else { panic!("{urls:?}") };
    assert_eq!(ask("GET", get).await.expect(200).body, "one blob");
    ask("HEAD", head).await.expect(200);

    for method in ["PUT", "DELETE", "HEAD", "POST"] {
        assert!(ask(method, get).await.status >= 400, "{method}");
    }
    for method in ["PUT", "DELETE", "GET"] {
        ask(method, head).await.expect(403);
    }
    let path = |url: &str| url.parse::<Uri>().unwrap().path().to_owned();
    ask("GET", &get.replace(&path(get), &path(other))).await.expect(403);
    let expires = format!("X-Amz-Expires={LONGEST}");
    assert!(get.contains(&expires), "{get}");
    ask("GET", &get.replace(&expires, "X-Amz-Expires=86400")).await.expect(403);
    let (start, signature) = get.split_once("X-Amz-Signature=").unwrap();
    let signature = signature.split('&').next().unwrap();
    ask("GET", &get.replace(signature, &signature.chars().rev().collect::<String>())).await.expect(403);
    ask("GET", start.trim_end_matches('&')).await.expect(403);
    // Unsigned.
    ask("GET", get.split('?').next().unwrap()).await.expect(403);
    assert_eq!(ask("GET", get).await.expect(200).body, "one blob");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_url_is_refused_when_its_time_is_over() {
    let registry = Registry::start().await;
    let digest = registry.push_blob("team/app", b"one blob").await;
    let token = registry.admin_token(&["repository:team/app:pull"]).await;
    let blob = Request::get(format!("/v2/team/app/blobs/{digest}")).bearer(&token);
    let url: Uri = registry.send(&blob).await.expect(307).header("location").unwrap().parse().unwrap();
    let key = url.path().strip_prefix("/registry/").unwrap();
    // As the registry would have signed it then.
    for (ago, status) in [(LONGEST - 60, 200), (LONGEST + 1, 403)] {
        let times = PresigningConfig::builder()
            .start_time(SystemTime::now() - Duration::from_secs(ago))
            .expires_in(Duration::from_secs(LONGEST));
        let signed = registry.stores.bucket.get_object().bucket("registry").key(key).presigned(times.build().unwrap());
        let behind: Uri = signed.await.unwrap().uri().parse().unwrap();
        let answer = ask("GET", &behind.to_string()).await;
        assert_eq!(answer.status, status, "{answer}");
    }
}

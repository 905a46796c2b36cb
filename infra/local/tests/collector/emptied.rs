//! A registry in which everything was deleted.

use protocol::Digest;

use crate::behind;
use crate::bench::{Bench, WITHOUT_GRACE};
use crate::http::Request;
use crate::image::{Image, SCHEMA2};

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_after_everything_was_deleted_leave_nothing_but_settings() {
    let bench = Bench::start().await;
    let image = Image::new("app", "base", None);
    let child = Image::new("child", "base", None);
    let index = Image::index(&[&child]);
    for name in ["a", "team/b"] {
        bench.push(name, "latest", &image).await;
        bench.push_untagged(name, &child).await;
        bench.put(name, "index", &index).await;
        let pull = Request::new("GET", format!("/v2/{name}/manifests/latest")).header("Accept", SCHEMA2);
        bench.send(pull).await.expect(200);
    }
    bench.push_blob("a", b"nobody's").await;
    let mount = format!("/v2/team/b/blobs/uploads/?mount={}&from=a", Digest::sha256(b"nobody's"));
    bench.send(Request::new("POST", mount)).await.expect(201);
    let session = bench.send(Request::new("POST", "/v2/a/blobs/uploads/")).await.expect(202);
    let session = session.expect_header("location");
    bench.send(Request::new("PATCH", session).body(&vec![7; 6 << 20])).await.expect(202);

    for name in ["a", "team/b"] {
        for gone in [&index, &child, &image] {
            bench.delete(name, &gone.digest.to_string()).await;
        }
    }
    for _ in 0..2 {
        bench.collect(WITHOUT_GRACE).await;
    }
    let left: Vec<(String, String)> = behind::items(&bench).await.into_keys().collect();
    let settings = |name: &str| (format!("REPOSITORY#{name}"), "SETTINGS".to_owned());
    let listed = |name: &str| ("CATALOG".to_owned(), name.to_owned());
    assert_eq!(left, [listed("a"), listed("team/b"), settings("a"), settings("team/b")]);
    assert!(behind::objects(&bench).await.is_empty());
    assert_eq!(behind::multiparts(&bench).await, 0);
}

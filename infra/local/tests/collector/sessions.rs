//! Upload sessions that nobody comes back to.

use crate::behind;
use crate::bench::{Bench, WITH_GRACE, WITHOUT_GRACE};
use crate::http::Request;

const MIB: usize = 1 << 20;

async fn start_upload(bench: &Bench) -> String {
    let opened = bench.send(Request::new("POST", "/v2/a/blobs/uploads/")).await.expect(202);
    opened.expect_header("location").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_with_its_parts_and_objects() {
    let bench = Bench::start().await;
    bench.push_blob("a", b"makes the repository").await;
    let (large, small) = (start_upload(&bench).await, start_upload(&bench).await);
    bench.send(Request::new("PATCH", &large).body(&vec![7; 17 * MIB])).await.expect(202);
    bench.send(Request::new("PATCH", &small).body(b"a few bytes")).await.expect(202);
    assert_eq!(behind::multiparts(&bench).await, 1);

    let waits = bench.collect(WITH_GRACE).await;
    assert_eq!((waits.removed.sessions, waits.waiting.sessions), (0, 3));
    bench.send(Request::new("PATCH", &small).body(b"and more")).await.expect(202);

    assert_eq!(bench.collect(WITHOUT_GRACE).await.removed.sessions, 3);
    assert_eq!(behind::multiparts(&bench).await, 0);
    assert!(behind::objects(&bench).await.is_empty(), "nor is the finished blob there, which was marked");
    assert!(behind::items(&bench).await.keys().all(|(_, sk)| !sk.starts_with("UPLOAD#")));
    bench.send(Request::new("PATCH", &large).body(b"too late")).await.expect(404);
}

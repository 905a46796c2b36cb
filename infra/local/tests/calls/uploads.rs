//! Pushing blobs.

use http::{HeaderName, HeaderValue};
use protocol::Digest;

use crate::bench::{Bench, bytes, signed, upload};
use crate::http::Request;
use crate::row::Row;

const UPLOADS: &str = "/v2/calls/blobs/uploads/";
const MIB: usize = 1 << 20;

pub(crate) async fn measure() -> Vec<Row> {
    let bench = Bench::start().await;
    bench.push_blob("calls", b"so that the repository is there").await;
    in_one_request(&bench).await;
    let blob = in_parts(&bench).await;
    directly(&bench, &blob).await;
    let mount = Request::post(format!("/v2/other/blobs/uploads/?from=calls&mount={}", Digest::sha256(&blob)));
    bench.costs("mount", "Mount", 201, mount).await;
    cancelled(&bench, &blob).await;
    bench.stop().await
}

async fn in_one_request(bench: &Bench) {
    let opened = bench.costs("upload-open", "POST that opens a session", 202, Request::post(UPLOADS)).await;
    let blob = b"a small blob".as_slice();
    let put = format!("{}?digest={}", opened.header("location").unwrap(), Digest::sha256(blob));
    bench.costs("upload-put", "PUT of a blob below 5 MiB", 201, bytes("PUT", put.clone(), blob)).await;
    bench.costs("upload-put-again", "PUT that repeats a finished one", 201, bytes("PUT", put, blob)).await;
    let post = upload("calls", b"another small blob");
    bench.costs("upload-post", "POST of a blob below 5 MiB", 201, post).await;

    let session = bench.start_upload().await;
    let blob = b"a blob in two pieces".as_slice();
    let (first, rest) = blob.split_at(4);
    let what = "PATCH of less than a part";
    bench.costs("upload-patch-tail", what, 202, bytes("PATCH", session.clone(), first)).await;
    bench.costs("upload-status", "GET of a session", 204, Request::get(session.clone())).await;
    let put = format!("{session}?digest={}", Digest::sha256(blob));
    let what = "PUT of the rest of a blob below 5 MiB";
    bench.costs("upload-put-after-tail", what, 201, bytes("PUT", put, rest)).await;
}

/// What a front that streams does, and, in pieces, a deployment.
async fn in_parts(bench: &Bench) -> Vec<u8> {
    // 8 + 8 + 4 MiB: each part is sent and checkpointed, and the list of them is read for completing.
    let blob: Vec<u8> = (0..u32::try_from(20 * MIB / 4).unwrap()).flat_map(u32::to_be_bytes).collect();
    let put = format!("{}?digest={}", bench.start_upload().await, Digest::sha256(&blob));
    bench.costs("upload-put-20-mib", "PUT of 20 MiB, three parts", 201, bytes("PUT", put, &blob)).await;

    let blob = [blob, b"and more".to_vec()].concat();
    let session = bench.start_upload().await;
    let (whole, rest) = blob.split_at(16 * MIB);
    let what = "PATCH of two whole parts, the first of the session";
    bench.costs("upload-patch-parts", what, 202, bytes("PATCH", session.clone(), whole)).await;
    let (tail, last) = rest.split_at(4 * MIB);
    bench.send(&bytes("PATCH", session.clone(), tail)).await.expect(202);
    let put = format!("{session}?digest={}", Digest::sha256(&blob));
    let what = "PUT of the rest, after parts and a piece of less than one";
    bench.costs("upload-put-after-parts", what, 201, bytes("PUT", put, last)).await;
    blob
}

/// Straight to the bucket.
async fn directly(bench: &Bench, there: &[u8]) {
    let ask = |blob: &[u8]| Request::post(format!("{UPLOADS}?direct={}&size={}", Digest::sha256(blob), blob.len()));
    let what = "POST for a direct upload of what is there";
    bench.costs("direct-there", what, 201, ask(there)).await;
    let blob = b"not there".as_slice();
    let opened = bench.costs("direct-open", "POST for a direct upload", 202, ask(blob)).await;
    let put = format!("{}?digest={}", opened.header("location").unwrap(), Digest::sha256(blob));
    let what = "PUT after a direct upload that hasn't come";
    bench.costs("direct-finish-early", what, 400, Request::new("PUT", put.clone())).await;

    let grant = opened.json();
    let mut request = Request { body: blob.into(), ..Request::new("PUT", "") };
    for (name, value) in grant["headers"].as_object().unwrap() {
        let value = HeaderValue::from_str(value.as_str().unwrap()).unwrap();
        request.headers.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
    }
    signed(grant["url"].as_str().unwrap(), request).await.expect(200);
    let what = "A direct upload and the PUT after it";
    bench.costs_with_what_came_before("direct-finish", what, 201, Request::new("PUT", put)).await;
}

async fn cancelled(bench: &Bench, blob: &[u8]) {
    let session = bench.start_upload().await;
    let what = "DELETE of a session that received nothing";
    bench.costs("upload-cancel", what, 204, Request::new("DELETE", session)).await;
    let session = bench.start_upload().await;
    bench.send(&bytes("PATCH", session.clone(), blob)).await.expect(202);
    let what = "DELETE of a session with parts and a rest";
    bench.costs("upload-cancel-parts", what, 204, Request::new("DELETE", session)).await;
}

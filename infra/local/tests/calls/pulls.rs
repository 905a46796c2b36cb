//! Pulls, listings, and deleting.

use http::header::ACCEPT;
use protocol::{Digest, Function};

use crate::bench::{Bench, MANIFEST, put};
use crate::http::Request;
use crate::row::Row;

const SCHEMA2: &str = "application/vnd.docker.distribution.manifest.v2+json";

fn ask(method: &str, reference: &str, accept: &str) -> Request {
    Request::new(method, format!("/v2/calls/manifests/{reference}")).header(ACCEPT, accept)
}

pub(crate) async fn measure() -> Vec<Row> {
    let bench = Bench::start().await;
    let (manifest, other) = (bench.image(10).await, bench.image(2).await);
    for reference in ["tag", "other-tag"] {
        bench.put_manifest(reference, &manifest).await;
    }
    let digest = Digest::sha256(&manifest).to_string();
    bench.costs("base", "`GET /v2/`", 200, Request::get("/v2/")).await;
    let get = |reference: &str| ask("GET", reference, MANIFEST);
    let what = "Manifest by tag, as stored";
    let noted = bench.costs_at_first("manifest-by-tag", what, get("tag")).await;
    let what = "The same, in memory";
    bench.costs("manifest-by-tag-in-memory", what, 200, get("tag")).await;
    let what = "HEAD of a manifest by tag, in memory";
    bench.costs("manifest-head-in-memory", what, 200, ask("HEAD", "tag", MANIFEST)).await;
    let what = "Manifest by digest, in memory";
    bench.costs("manifest-by-digest-in-memory", what, 200, get(&digest)).await;
    let other_digest = Digest::sha256(&other).to_string();
    bench.send(&put(&other_digest, &other)).await.expect(201);
    bench.costs_at_first("manifest-by-digest", "Manifest by digest", get(&other_digest)).await;

    let large = [manifest.clone(), vec![b' '; 40_000]].concat();
    bench.put_manifest("large", &large).await;
    bench.costs_at_first("manifest-over-32-kb", "Manifest by tag, over 32 KB", get("large")).await;
    let what = "After the answer: a manifest was pulled for the first time on a day";
    bench.after("pull-noted", what, Function::ManifestGet, &noted);

    let converted = || ask("GET", "tag", SCHEMA2);
    let what = "Manifest by tag, OCI to schema 2, for the first time";
    bench.costs("manifest-converted-first", what, 200, converted()).await;
    let what = "Manifest by tag, converted before";
    bench.costs("manifest-converted", what, 200, converted()).await;

    let blob = format!("/v2/calls/blobs/{}", Digest::sha256(b"{}"));
    bench.costs("blob", "Blob", 307, Request::get(blob.clone())).await;
    bench.costs("blob-head", "HEAD of a blob", 307, Request::new("HEAD", blob)).await;
    let missing = format!("/v2/calls/blobs/{}", Digest::sha256(b"not there"));
    bench.costs("blob-head-missing", "HEAD of a blob that isn't there", 404, Request::new("HEAD", missing)).await;

    bench.costs("tags", "Tags", 200, Request::get("/v2/calls/tags/list")).await;
    bench.costs("catalog", "Catalog", 200, Request::get("/v2/_catalog")).await;
    bench.costs("referrers", "Referrers", 200, Request::get(format!("/v2/calls/referrers/{digest}"))).await;

    bench.push_blob("calls", b"in no manifest").await;
    let blob = Request::new("DELETE", format!("/v2/calls/blobs/{}", Digest::sha256(b"in no manifest")));
    bench.costs("delete-blob", "DELETE of a blob, in a repository of few manifests", 202, blob).await;
    bench.costs("delete-tag", "DELETE of a tag", 202, Request::new("DELETE", "/v2/calls/manifests/other-tag")).await;
    let manifest = Request::new("DELETE", format!("/v2/calls/manifests/{other_digest}"));
    bench.costs("delete-manifest", "DELETE of a manifest without tags", 202, manifest).await;
    bench.stop().await
}

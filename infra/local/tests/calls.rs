//! What each operation costs, in calls to DynamoDB and S3: the design's budget.
//!
//! Every attempt of a call counts. Operations are measured in a registry that has served others, as in a function that
//! is warm. `cargo test -p local --test calls -- --nocapture` shows the table.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use local::{Data, FunctionsMode, Options, Stack};
use protocol::Digest;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Operations and how often each was called.
type Calls = BTreeMap<String, usize>;

/// A registry that counts.
struct Bench {
    stack: Stack,
    counted: Arc<Mutex<Calls>>,
    /// A row for each operation that was measured.
    rows: Mutex<Vec<String>>,
}

struct Answer {
    status: u16,
    head: String,
}

impl Answer {
    fn location(&self) -> String {
        let location = self.head.lines().find_map(|line| line.strip_prefix("location: "));
        location.unwrap_or_else(|| panic!("no Location in {}", self.head)).to_owned()
    }
}

impl Bench {
    async fn start() -> Self {
        let counted = Arc::new(Mutex::new(Calls::new()));
        let observed = counted.clone();
        let observer = move |_: &str, operation: &str| {
            *observed.lock().unwrap().entry(operation.to_owned()).or_default() += 1;
        };
        let options = Options {
            port: 0,
            data: Data::Memory,
            front: true,
            functions: FunctionsMode::InProcess,
            policy: storage::Policy { create_on_push: true, sparse_manifests: false },
            login: None,
            observer: Some(Arc::new(observer)),
            faults: None,
        };
        Self { stack: Stack::start(options).await.unwrap(), counted, rows: Mutex::new(Vec::new()) }
    }

    async fn ask(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.stack.address()).await.unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: registry\r\nConnection: close\r\nAccept: {MANIFEST}\r\n\
             Content-Type: {MANIFEST}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let head = String::from_utf8_lossy(&answer).split("\r\n\r\n").next().unwrap().to_owned();
        Answer { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head }
    }

    /// Does something, and holds it to its budget: `calls` are operations with their numbers.
    async fn costs(&self, what: &str, status: u16, request: (&str, &str, &[u8]), calls: &[(&str, usize)]) -> Answer {
        self.counted.lock().unwrap().clear();
        let answer = self.ask(request.0, request.1, request.2).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.head);
        let counted = std::mem::take(&mut *self.counted.lock().unwrap());
        let list: Vec<String> = counted.iter().map(|(operation, count)| format!("{count} {operation}")).collect();
        self.rows.lock().unwrap().push(format!(
            "| {what} | {} | {} |",
            counted.values().sum::<usize>(),
            list.join(", ")
        ));
        let budget: Calls = calls.iter().map(|&(operation, count)| (operation.to_owned(), count)).collect();
        assert_eq!(counted, budget, "{what}");
        answer
    }

    async fn push_blob(&self, repository: &str, blob: &[u8]) -> Digest {
        let digest = Digest::sha256(blob);
        let path = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
        assert_eq!(self.ask("POST", &path, blob).await.status, 201);
        digest
    }

    async fn start_upload(&self) -> String {
        self.ask("POST", "/v2/calls/blobs/uploads/", b"").await.location()
    }

    async fn stop(self) {
        println!("| operation | calls | which |\n|---|---|---|\n{}", self.rows.lock().unwrap().join("\n"));
        self.stack.stop().await;
    }
}

/// A manifest with this many layers; its blobs are pushed.
async fn image(bench: &Bench, layers: usize) -> Vec<u8> {
    let config = bench.push_blob("calls", b"{}").await;
    let mut descriptors = Vec::new();
    for layer in 0..layers {
        let blob = format!("layer {layer} of {layers}");
        let digest = bench.push_blob("calls", blob.as_bytes()).await;
        let media_type = "application/vnd.oci.image.layer.v1.tar+gzip";
        descriptors.push(json!({"mediaType": media_type, "digest": digest, "size": blob.len()}));
    }
    let config = json!({"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 2});
    let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": descriptors});
    manifest.to_string().into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn pulls_cost_what_the_design_allows() {
    let bench = Bench::start().await;
    let manifest = image(&bench, 10).await;
    let digest = Digest::sha256(&manifest);
    assert_eq!(bench.ask("PUT", "/v2/calls/manifests/tag", &manifest).await.status, 201);
    let (by_tag, by_digest) = ("/v2/calls/manifests/tag", format!("/v2/calls/manifests/{digest}"));
    let blob = format!("/v2/calls/blobs/{}", Digest::sha256(b"{}"));

    // Authorization: /v2/ is nothing but that.
    bench.costs("authorization", 200, ("GET", "/v2/", b""), &[]).await;
    bench.costs("pull by tag, bytes not in memory", 200, ("GET", by_tag, b""), &[("GetItem", 2)]).await;
    bench.costs("pull by tag, bytes in memory", 200, ("GET", by_tag, b""), &[("GetItem", 1)]).await;
    bench.costs("HEAD by tag", 200, ("HEAD", by_tag, b""), &[("GetItem", 1)]).await;
    bench.costs("pull by digest, bytes in memory", 200, ("GET", &by_digest, b""), &[("GetItem", 1)]).await;
    bench.costs("GET of a blob", 307, ("GET", &blob, b""), &[("GetItem", 1)]).await;
    bench.costs("HEAD of a blob", 307, ("HEAD", &blob, b""), &[("GetItem", 1)]).await;
    bench.costs("tags", 200, ("GET", "/v2/calls/tags/list", b""), &[("Query", 1)]).await;
    bench.costs("catalog", 200, ("GET", "/v2/_catalog", b""), &[("Query", 1)]).await;
    let referrers = format!("/v2/calls/referrers/{digest}");
    bench.costs("referrers", 200, ("GET", &referrers, b""), &[("Query", 1)]).await;

    let other = image(&bench, 2).await;
    let by_digest = format!("/v2/calls/manifests/{}", Digest::sha256(&other));
    assert_eq!(bench.ask("PUT", &by_digest, &other).await.status, 201);
    let what = "pull by digest, bytes not in memory";
    bench.costs(what, 200, ("GET", &by_digest, b""), &[("GetItem", 1)]).await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_costs_one_transaction_whatever_the_number_of_its_layers() {
    let bench = Bench::start().await;
    // Beside layers and config, the repository, the manifest and the tag are read.
    for (layers, batches) in [(1, 1), (10, 1), (96, 1), (98, 2), (127, 2)] {
        let manifest = image(&bench, layers).await;
        let budget = [("BatchGetItem", batches), ("TransactWriteItems", 1)];
        let by_digest = format!("/v2/calls/manifests/{}", Digest::sha256(&manifest));
        for (what, path) in [("new tag", format!("/v2/calls/manifests/new-{layers}")), ("moved tag", MOVING.to_owned())]
        {
            let what = format!("PUT of a manifest with {layers} layers, {what}");
            bench.costs(&what, 201, ("PUT", &path, &manifest), &budget).await;
        }
        let what = format!("PUT of a manifest with {layers} layers, there already");
        bench.costs(&what, 201, ("PUT", &by_digest, &manifest), &budget).await;
    }
    bench.stop().await;
}

const MOVING: &str = "/v2/calls/manifests/moving";

#[tokio::test(flavor = "multi_thread")]
async fn uploads_cost_what_the_design_allows() {
    let bench = Bench::start().await;
    let uploads = "/v2/calls/blobs/uploads/";
    bench.push_blob("calls", b"so that the repository is there").await;

    // A claim, the object, what is known of the digest and the repository, the records, and the session's expiry.
    let small = [("UpdateItem", 1), ("PutObject", 1), ("BatchGetItem", 1), ("TransactWriteItems", 1)];
    let opened = bench.costs("POST that opens a session", 202, ("POST", uploads, b""), &[("PutItem", 1)]).await;
    let blob = b"a small blob".as_slice();
    let put = format!("{}?digest={}", opened.location(), Digest::sha256(blob));
    bench.costs("PUT of a small blob", 201, ("PUT", &put, blob), &small).await;
    bench.costs("PUT that repeats a finished one", 201, ("PUT", &put, blob), &[("UpdateItem", 1)]).await;

    let blob = b"another small blob".as_slice();
    let post = format!("{uploads}?digest={}", Digest::sha256(blob));
    bench.costs("POST of a small blob", 201, ("POST", &post, blob), &[&small[..], &[("PutItem", 1)]].concat()).await;

    // 8 + 8 + 4 MiB: each part is sent and checkpointed, and the list of them is read for completing.
    let blob: Vec<u8> = (0..20_u32 << 18).flat_map(u32::to_be_bytes).collect();
    let put = format!("{}?digest={}", bench.start_upload().await, Digest::sha256(&blob));
    let complete = [("Query", 1), ("CompleteMultipartUpload", 1), ("BatchGetItem", 1), ("UpdateItem", 1)];
    let parts = [("CreateMultipartUpload", 1), ("UploadPart", 3), ("TransactWriteItems", 4)];
    bench.costs("PUT of 20 MiB", 201, ("PUT", &put, &blob), &[parts.as_slice(), &complete].concat()).await;

    let blob = [blob, b"and more".to_vec()].concat();
    let session = bench.start_upload().await;
    let (whole, rest) = blob.split_at(16 << 20);
    let budget = [("CreateMultipartUpload", 1), ("UploadPart", 2), ("TransactWriteItems", 2), ("UpdateItem", 2)];
    bench.costs("PATCH of two whole parts", 202, ("PATCH", &session, whole), &budget).await;
    // The bytes that are left wait in an object of their own.
    let budget = [("UpdateItem", 2), ("PutObject", 1)];
    bench.costs("PATCH of less than a part", 202, ("PATCH", &session, &rest[..4 << 20]), &budget).await;
    bench.costs("status", 204, ("GET", &session, b""), &[("GetItem", 1)]).await;
    let put = format!("{session}?digest={}", Digest::sha256(&blob));
    let part = [("GetObject", 1), ("UploadPart", 1), ("TransactWriteItems", 2), ("DeleteObject", 1)];
    let budget = [part.as_slice(), &complete].concat();
    bench.costs("PUT of the rest", 201, ("PUT", &put, &rest[4 << 20..]), &budget).await;

    let mount = format!("/v2/other/blobs/uploads/?from=calls&mount={}", Digest::sha256(&blob));
    let budget = [("BatchGetItem", 1), ("TransactWriteItems", 1)];
    bench.costs("mount", 201, ("POST", &mount, b""), &budget).await;

    let ask = |blob: &[u8]| format!("{uploads}?direct={}&size={}", Digest::sha256(blob), blob.len());
    let what = "direct upload of what is there";
    bench.costs(what, 201, ("POST", &ask(&blob), b""), &[("GetItem", 1)]).await;
    let other = b"not there".as_slice();
    let budget = [("GetItem", 1), ("PutItem", 1)];
    let opened = bench.costs("direct upload, opened", 202, ("POST", &ask(other), b""), &budget).await;
    let put = format!("{}?digest={}", opened.location(), Digest::sha256(other));
    let budget = [("UpdateItem", 1), ("HeadObject", 1), ("GetItem", 1)];
    bench.costs("direct upload, finished before anything came", 400, ("PUT", &put, b""), &budget).await;
    let path = format!("/v2/other/blobs/{}", Digest::sha256(&blob));
    let budget = [("GetItem", 1), ("TransactWriteItems", 1)];
    bench.costs("DELETE of a blob", 202, ("DELETE", &path, b""), &budget).await;

    let session = bench.start_upload().await;
    bench.costs("cancel, nothing received", 204, ("DELETE", &session, b""), &[("UpdateItem", 2)]).await;
    let session = bench.start_upload().await;
    assert_eq!(bench.ask("PATCH", &session, &blob).await.status, 202);
    let budget = [("UpdateItem", 2), ("AbortMultipartUpload", 1), ("DeleteObject", 1)];
    bench.costs("cancel, parts and a rest received", 204, ("DELETE", &session, b""), &budget).await;
    bench.stop().await;
}

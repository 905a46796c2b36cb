//! A registry whose stores say what they would bill.

use std::net::SocketAddr;
use std::sync::Mutex;

use http::HeaderName;
use local::faults::{Faults, Metered, Service};
use local::{Data, FunctionsMode, Login, Options, Stack};
use protocol::{Digest, Function};
use serde_json::{Value, json};

use crate::http::{Answer, Request};
use crate::row::{Row, function_of};

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Of table and bucket.
const NAME: &str = "registry";
const BYTES: &str = "application/octet-stream";

pub(crate) struct Bench {
    pub(crate) stack: Stack,
    pub(crate) faults: Faults,
    rows: Mutex<Vec<Row>>,
}

impl Bench {
    /// One that is open to everybody.
    pub(crate) async fn start() -> Self {
        Self::with(None).await
    }

    pub(crate) async fn with(login: Option<Login>) -> Self {
        let faults = Faults::default().metered();
        let options = Options {
            port: 0,
            data: Data::Memory,
            front: true,
            functions: FunctionsMode::InProcess,
            policy: storage::Policy { create_on_push: true, sparse_manifests: false },
            login,
            collection: None,
            events: runtime::EventsConfig::default(),
            observer: None,
            faults: Some(faults.clone()),
        };
        Self { stack: Stack::start(options).await.unwrap(), faults, rows: Mutex::default() }
    }

    /// Does something that is a row of the table. When it is answered with a way to S3, that is gone.
    pub(crate) async fn costs(&self, operation: &str, what: &str, status: u16, request: Request) -> Answer {
        self.stack.told().await;
        self.faults.take_metered();
        self.costs_with_what_came_before(operation, what, status, request).await
    }

    /// The same with what has been asked of S3 and DynamoDB since the last row.
    pub(crate) async fn costs_with_what_came_before(
        &self,
        operation: &str,
        what: &str,
        status: u16,
        request: Request,
    ) -> Answer {
        let answer = self.send(&request).await.expect(status);
        if status == 307 {
            let mut direct = request.clone();
            direct.headers.clear();
            signed(answer.header("location").unwrap(), direct).await.expect(200);
        }
        let function = function_of(&request.method, &request.target);
        self.rows.lock().unwrap().push(Row::new(operation, what, function, &self.faults.take_metered()));
        answer
    }

    /// The first pull of a manifest, which is written down once it is answered: that isn't in the row.
    pub(crate) async fn costs_at_first(&self, operation: &str, what: &str, request: Request) -> Vec<Metered> {
        self.faults.take_metered();
        self.send(&request).await.expect(200);
        self.stack.told().await;
        let mut metered = self.faults.take_metered();
        let after = metered.split_off(metered.len() - 2);
        let operations: Vec<_> = after.iter().map(|call| call.operation.as_str()).collect();
        assert_eq!(operations, ["GetItem", "TransactWriteItems"]);
        self.rows.lock().unwrap().push(Row::new(operation, what, Function::ManifestGet, &metered));
        after
    }

    /// What a function does after its answer.
    pub(crate) fn after(&self, operation: &str, what: &str, function: Function, metered: &[Metered]) {
        let row = Row { requests: 0, ..Row::new(operation, what, function, metered) };
        self.rows.lock().unwrap().push(row);
    }

    pub(crate) async fn send(&self, request: &Request) -> Answer {
        request.send(self.stack.address()).await
    }

    pub(crate) async fn push_blob(&self, repository: &str, blob: &[u8]) -> Digest {
        let digest = Digest::sha256(blob);
        self.send(&upload(repository, blob)).await.expect(201);
        digest
    }

    pub(crate) async fn start_upload(&self) -> String {
        let opened = self.send(&Request::post("/v2/calls/blobs/uploads/")).await.expect(202);
        opened.header("location").unwrap().to_owned()
    }

    /// A manifest with this many layers; its blobs are pushed.
    pub(crate) async fn image(&self, layers: usize) -> Vec<u8> {
        let config = self.push_blob("calls", b"{}").await;
        let mut descriptors = Vec::new();
        for layer in 0..layers {
            let blob = format!("layer {layer} of {layers}");
            let digest = self.push_blob("calls", blob.as_bytes()).await;
            let media_type = "application/vnd.oci.image.layer.v1.tar+gzip";
            descriptors.push(json!({"mediaType": media_type, "digest": digest, "size": blob.len()}));
        }
        let config = json!({"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 2});
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": descriptors});
        manifest.to_string().into_bytes()
    }

    pub(crate) async fn put_manifest(&self, reference: &str, manifest: &[u8]) {
        self.send(&put(reference, manifest)).await.expect(201);
    }

    /// How a storage gets at the stores without being metered.
    pub(crate) fn config(&self) -> storage::Config {
        let endpoint = |service| Some(format!("http://{}", self.faults.behind(service).unwrap()));
        storage::Config {
            table: NAME.to_owned(),
            bucket: NAME.to_owned(),
            region: "us-east-1".to_owned(),
            credentials: storage::Credentials {
                access_key_id: "local".to_owned(),
                secret_access_key: "local-registry-on-loopback".to_owned(),
                session_token: None,
            },
            dynamodb_endpoint: endpoint(Service::DynamoDb),
            s3_endpoint: endpoint(Service::S3),
            policy: storage::Policy::default(),
            s3_attempt_timeout: None,
            observer: None,
        }
    }

    /// A page of everything in the table.
    pub(crate) async fn scan(&self, start: &Value) -> Value {
        let mut request = json!({"TableName": NAME, "ConsistentRead": true});
        if !start.is_null() {
            request["ExclusiveStartKey"] = start.clone();
        }
        let authorization = "AWS4-HMAC-SHA256 Credential=local/20150101/us-east-1/dynamodb/aws4_request, \
                             SignedHeaders=host;x-amz-date, Signature=0";
        let request = Request::post("/")
            .header(HeaderName::from_static("x-amz-target"), "DynamoDB_20120810.Scan")
            .header(HeaderName::from_static("x-amz-date"), "20150101T000000Z")
            .authorization(authorization)
            .body("application/x-amz-json-1.0", request.to_string());
        request.send(self.faults.behind(Service::DynamoDb).unwrap()).await.expect(200).json()
    }

    /// Ends, and gives the rows.
    pub(crate) async fn stop(self) -> Vec<Row> {
        self.stack.stop().await;
        self.rows.into_inner().unwrap()
    }
}

/// A whole blob in one request.
pub(crate) fn upload(repository: &str, blob: &[u8]) -> Request {
    let digest = Digest::sha256(blob);
    Request::post(format!("/v2/{repository}/blobs/uploads/?digest={digest}")).body(BYTES, blob.to_vec())
}

pub(crate) fn put(reference: &str, manifest: &[u8]) -> Request {
    Request::new("PUT", format!("/v2/calls/manifests/{reference}")).body(MANIFEST, manifest.to_vec())
}

pub(crate) fn bytes(method: &str, target: impl Into<String>, body: &[u8]) -> Request {
    Request::new(method, target).body(BYTES, body.to_vec())
}

/// A request over a signed URL.
pub(crate) async fn signed(url: &str, request: Request) -> Answer {
    let (host, _) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let address: SocketAddr = host.parse().unwrap();
    Request { target: url.strip_prefix(&format!("http://{host}")).unwrap().to_owned(), ..request }.send(address).await
}

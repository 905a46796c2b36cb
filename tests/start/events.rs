//! What the functions are asked, a hundred times each and always something new: no answer may come from a cache that
//! the first request couldn't use.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::images::{Compression, Layer};
use lambda_registry_tests::types::{INDEX, SCHEMA1_UNSIGNED};
use serde_json::{Value, json};

use crate::function::Function;
use crate::stores::{Stores, USER};

const HOST: &str = "registry.example.com";
const NAME: &str = "team/app";

/// Makes the next event.
type Next = fn(&mut Desk) -> Vec<u8>;

/// Functions that fill the stores through the front door, and the token for that.
pub(crate) struct Desk {
    auth: Function,
    uploads: Function,
    manifests: Function,
    basic: String,
    bearer: String,
    /// What was pushed so far; each push has its number in it.
    pushed: usize,
}

impl Desk {
    pub(crate) fn new(stores: &Stores, start: impl Fn(&str) -> (Function, Duration)) -> Self {
        let basic = format!("Basic {}", STANDARD.encode(format!("{USER}:{}", stores.secret.expose())));
        let [auth, uploads, manifests] = ["auth", "blob-upload", "manifest-put"].map(|name| start(name).0);
        Self { auth, uploads, manifests, basic, bearer: String::new(), pushed: 0 }
    }

    /// Tokens don't live as long as all rounds take.
    fn log_in(&mut self) {
        let answer = expect(&mut self.auth, &token(&self.basic), 200);
        self.bearer = format!("Bearer {}", body(&answer)["token"].as_str().expect("a token"));
    }

    /// So many events for a function, with the status of their answers; what they are about is in the stores afterwards.
    ///
    /// # Panics
    /// When there is no such function.
    pub(crate) fn events(&mut self, function: &str, count: usize) -> (Vec<Vec<u8>>, Option<u64>) {
        let (next, status): (Next, _) = match function {
            "minimal" => (|desk| desk.event("GET", "/v2/", "", None, b""), Some(200)),
            "auth" => (|desk| token(&desk.basic), Some(200)),
            "blob-upload" => (|desk| desk.upload().1, Some(201)),
            "blob-get" => (Self::download, Some(307)),
            "manifest-put" => (|desk| desk.put().1, Some(201)),
            "manifest-get" => (Self::get, Some(200)),
            "schema1-upgrade" => (Self::upgrade, None),
            "collector" => (|_| b"{}".to_vec(), None),
            other => panic!("no events for {other}"),
        };
        self.log_in();
        ((0..count).map(|_| next(self)).collect(), status)
    }

    /// A blob, and the event that sends all of it.
    fn upload(&mut self) -> (String, Vec<u8>) {
        self.pushed += 1;
        let blob = format!("blob {}", self.pushed).into_bytes();
        self.upload_of(&blob)
    }

    fn upload_of(&self, blob: &[u8]) -> (String, Vec<u8>) {
        let digest = sha256(blob);
        let path = format!("/v2/{NAME}/blobs/uploads/");
        let event = self.event("POST", &path, &format!("digest={digest}"), Some("application/octet-stream"), blob);
        (digest, event)
    }

    fn download(&mut self) -> Vec<u8> {
        let (digest, upload) = self.upload();
        expect(&mut self.uploads, &upload, 201);
        self.event("GET", &format!("/v2/{NAME}/blobs/{digest}"), "", None, b"")
    }

    /// A tag, and the event that puts a manifest under it.
    fn put(&mut self) -> (String, Vec<u8>) {
        self.pushed += 1;
        let tag = format!("tag-{}", self.pushed);
        let manifest = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [], "annotations": {"tag": tag}});
        let path = format!("/v2/{NAME}/manifests/{tag}");
        (tag, self.event("PUT", &path, "", Some(INDEX), manifest.to_string().as_bytes()))
    }

    fn get(&mut self) -> Vec<u8> {
        let (tag, put) = self.put();
        expect(&mut self.manifests, &put, 201);
        self.event("GET", &format!("/v2/{NAME}/manifests/{tag}"), "", None, b"")
    }

    /// An image of schema 1 with a layer that nobody has read.
    fn upgrade(&mut self) -> Vec<u8> {
        self.pushed += 1;
        let number = self.pushed.to_string();
        let layer = Layer::new(Compression::Gzip, &[("etc/number", number.as_bytes())]);
        let (digest, upload) = self.upload_of(&layer.bytes);
        expect(&mut self.uploads, &upload, 201);
        let history = json!({"id": format!("{:0>64}", number), "architecture": "amd64", "os": "linux"}).to_string();
        let manifest = json!({
            "schemaVersion": 1, "name": NAME, "tag": number, "architecture": "amd64",
            "fsLayers": [{"blobSum": digest}], "history": [{"v1Compatibility": history}],
        });
        let manifest = manifest.to_string().into_bytes();
        let path = format!("/v2/{NAME}/manifests/{number}");
        let put = self.event("PUT", &path, "", Some(SCHEMA1_UNSIGNED), &manifest);
        expect(&mut self.manifests, &put, 201);
        json!({"repository": NAME, "digest": sha256(&manifest)}).to_string().into_bytes()
    }

    fn event(&self, method: &str, path: &str, query: &str, content_type: Option<&str>, body: &[u8]) -> Vec<u8> {
        event(method, path, query, &self.bearer, content_type, body)
    }
}

fn token(basic: &str) -> Vec<u8> {
    let query = format!("service={HOST}&scope=repository:{NAME}:pull,push");
    event("GET", "/token", &query, basic, None, b"")
}

/// An event of payload format 2.0.
fn event(
    method: &str,
    path: &str,
    query: &str,
    authorization: &str,
    content_type: Option<&str>,
    body: &[u8],
) -> Vec<u8> {
    let mut headers = json!({
        "accept": INDEX, "authorization": authorization, "content-length": body.len().to_string(), "host": HOST,
    });
    if let Some(content_type) = content_type {
        headers["content-type"] = content_type.into();
    }
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "headers": headers,
        "isBase64Encoded": true, "body": STANDARD.encode(body),
        "requestContext": {
            "accountId": "000000000000", "apiId": "benchmark", "domainName": HOST, "domainPrefix": "registry",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "benchmark"},
            "requestId": "benchmark", "routeKey": "$default", "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 1_767_225_600_000_u64,
        },
    });
    event.to_string().into_bytes()
}

/// Hands over an event whose answer has this status.
#[track_caller]
fn expect(function: &mut Function, event: &[u8], status: u64) -> Vec<u8> {
    let (answer, _) = function.invoke(event);
    check(&answer, Some(status));
    answer
}

/// That an answer has this status, when it is one to a request.
#[track_caller]
pub(crate) fn check(answer: &[u8], status: Option<u64>) {
    let text = String::from_utf8_lossy(answer);
    let found = serde_json::from_slice(answer).ok().and_then(|answer: Value| answer["statusCode"].as_u64());
    assert_eq!(found, status, "{text}");
}

fn body(answer: &[u8]) -> Value {
    let answer: Value = serde_json::from_slice(answer).expect("an answer in JSON");
    let body = STANDARD.decode(answer["body"].as_str().expect("a body")).expect("base64");
    serde_json::from_slice(&body).expect("a body in JSON")
}

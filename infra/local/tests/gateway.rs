//! The gateway emulator: what a function sees of a request, and what a client sees of the answer.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use local::gateway::{Gateway, Invoke, InvokeError, Options, TEMPLATE};
use protocol::Function;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What a function gives back.
type Given = Result<Vec<u8>, InvokeError>;

/// A function that keeps the event and answers what the test says.
struct Stub {
    seen: Mutex<Option<(Function, Value)>>,
    answer: Box<dyn Fn() -> Given + Send + Sync>,
}

impl Invoke for Stub {
    fn invoke(&self, function: Function, event: Vec<u8>) -> BoxFuture<'_, Given> {
        *self.seen.lock().unwrap() = Some((function, serde_json::from_slice(&event).unwrap()));
        Box::pin(async { (self.answer)() })
    }
}

struct Answered {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answered {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

fn stub(answer: Value) -> Arc<Stub> {
    failing(move || Ok(answer.to_string().into_bytes()))
}

fn failing(answer: impl Fn() -> Given + Send + Sync + 'static) -> Arc<Stub> {
    Arc::new(Stub { seen: Mutex::new(None), answer: Box::new(answer) })
}

fn peer() -> SocketAddr {
    "192.0.2.7:4711".parse().unwrap()
}

async fn ask(stub: &Arc<Stub>, options: Options, request: Request<Full<Bytes>>) -> Answered {
    let gateway = Gateway::new(TEMPLATE, options, stub.clone()).unwrap();
    let (head, body) = gateway.handle(request, peer()).await.into_parts();
    Answered { status: head.status, headers: head.headers, body: body.collect().await.unwrap().to_bytes() }
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let builder = Request::builder().method(method).uri(path).header("Host", "localhost:5000");
    let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
    builder.body(Full::new(body.into())).unwrap()
}

/// The function and the event that a request leads to.
async fn event(method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> (Function, Value) {
    let stub = stub(json!({"statusCode": 200}));
    ask(&stub, Options::default(), request(method, path, headers, body)).await;
    stub.seen.lock().unwrap().take().unwrap()
}

async fn answer(method: &str, answer: Value) -> Answered {
    ask(&stub(answer), Options::default(), request(method, "/v2/", &[], "")).await
}

#[tokio::test]
async fn every_request_of_a_client_reaches_its_function() {
    let cases = [
        ("GET", "/v2/", Function::Auth, "$default"),
        ("GET", "/v2", Function::Auth, "$default"),
        ("GET", "/", Function::Auth, "$default"),
        ("OPTIONS", "/v2/a/tags/list", Function::Auth, "$default"),
        ("GET", "/v2/_catalog", Function::ManifestGet, "GET /v2/_catalog"),
        ("GET", "/v2/a/manifests/t", Function::ManifestGet, "GET /v2/{n1}/manifests/{reference}"),
        ("HEAD", "/v2/a/b/manifests/t", Function::ManifestGet, "HEAD /v2/{n1}/{n2}/manifests/{reference}"),
        ("PUT", "/v2/a/manifests/t", Function::ManifestPut, "PUT /v2/{n1}/manifests/{reference}"),
        ("DELETE", "/v2/a/manifests/t", Function::ManifestPut, "DELETE /v2/{n1}/manifests/{reference}"),
        ("GET", "/v2/a/blobs/sha256:12", Function::BlobGet, "GET /v2/{n1}/blobs/{digest}"),
        ("POST", "/v2/a/b/blobs/uploads/", Function::BlobUpload, "POST /v2/{proxy+}"),
        ("POST", "/v2/a/b/blobs/uploads", Function::BlobUpload, "POST /v2/{proxy+}"),
        ("PATCH", "/v2/a/blobs/uploads/1", Function::BlobUpload, "PATCH /v2/{proxy+}"),
        ("PUT", "/v2/a/blobs/uploads/1", Function::BlobUpload, "PUT /v2/{n1}/blobs/uploads/{session}"),
        ("GET", "/v2/a/tags/list", Function::ManifestGet, "GET /v2/{n1}/tags/list"),
        (
            "GET",
            "/v2/1/2/3/4/5/6/7/8/tags/list",
            Function::ManifestGet,
            "GET /v2/{n1}/{n2}/{n3}/{n4}/{n5}/{n6}/{n7}/{n8}/tags/list",
        ),
        ("GET", "/v2/1/2/3/4/5/6/7/8/9/tags/list", Function::Auth, "$default"),
        ("GET", "/v2/a/tags/list/", Function::Auth, "$default"),
        ("GET", "/v2//tags/list", Function::Auth, "$default"),
        // Names that hold the API's own words.
        ("GET", "/v2/manifests/manifests/manifests", Function::ManifestGet, "GET /v2/{n1}/manifests/{reference}"),
        ("GET", "/v2/blobs/uploads/tags/list", Function::ManifestGet, "GET /v2/{n1}/{n2}/tags/list"),
    ];
    for (method, path, function, key) in cases {
        let (reached, event) = event(method, path, &[], "").await;
        assert_eq!((reached, event["routeKey"].as_str().unwrap()), (function, key), "{method} {path}");
        assert_eq!(event["requestContext"]["routeKey"], event["routeKey"]);
    }
}

#[tokio::test]
async fn the_event_is_one_of_payload_format_2() {
    let headers = [
        ("Accept", "application/a"),
        ("ACCEPT", "application/b"),
        ("Cookie", "a=1; b=2"),
        ("Connection", "keep-alive"),
        ("Transfer-Encoding", "chunked"),
        ("User-Agent", "skopeo/1"),
        ("X-Forwarded-For", "203.0.113.9"),
    ];
    let path = "/v2/team/app/manifests/a%3Ab?n=1&last=x%2Fy&n=2";
    let (_, event) = event("GET", path, &headers, "").await;
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["rawPath"], "/v2/team/app/manifests/a:b");
    assert_eq!(event["rawQueryString"], "n=1&last=x%2Fy&n=2");
    assert_eq!(event["queryStringParameters"], json!({"n": "1,2", "last": "x/y"}));
    assert_eq!(event["pathParameters"], json!({"n1": "team", "n2": "app", "reference": "a:b"}));
    assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
    assert_eq!(event["isBase64Encoded"], false);
    assert!(event.get("body").is_none());

    let headers = event["headers"].as_object().unwrap();
    assert_eq!(headers["accept"], "application/a,application/b");
    assert_eq!(headers["host"], "localhost:5000");
    assert_eq!(headers["content-length"], "0");
    assert_eq!(headers["x-forwarded-for"], "203.0.113.9, 192.0.2.7");
    assert_eq!(headers["x-forwarded-proto"], "http");
    assert_eq!(headers["x-forwarded-port"], "5000");
    assert!(headers.contains_key("x-amzn-trace-id"));
    for gone in ["cookie", "connection", "transfer-encoding"] {
        assert!(!headers.contains_key(gone), "{gone}");
    }

    let context = &event["requestContext"];
    assert_eq!(context["domainName"], "localhost:5000");
    assert_eq!(context["domainPrefix"], "localhost");
    assert_eq!(context["stage"], "$default");
    let http = json!({
        "method": "GET", "path": "/v2/team/app/manifests/a:b", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7", "userAgent": "skopeo/1"
    });
    assert_eq!(context["http"], http);
    assert!(context["timeEpoch"].as_u64().unwrap() > 1_700_000_000_000);
    assert_eq!(context["time"].as_str().unwrap().len(), "22/Nov/2026:09:30:00 +0000".len());
}

#[tokio::test]
async fn only_text_goes_to_a_function_as_text() {
    let cases = [
        ("application/json", true),
        ("text/plain; charset=utf-8", true),
        ("application/xml", true),
        ("application/octet-stream", false),
        ("application/x-www-form-urlencoded", false),
        ("application/vnd.oci.image.manifest.v1+json", false),
    ];
    for (media_type, text) in cases {
        let (_, event) = event("PUT", "/v2/a/manifests/t", &[("Content-Type", media_type)], "{\"a\": 1}").await;
        assert_eq!(event["isBase64Encoded"], !text, "{media_type}");
        let body = event["body"].as_str().unwrap();
        let body = if text { body.as_bytes().to_vec() } else { BASE64_STANDARD.decode(body).unwrap() };
        assert_eq!(body, b"{\"a\": 1}", "{media_type}");
    }
    let (_, event) = event("PUT", "/v2/a/manifests/t", &[("Content-Type", "text/plain")], &b"\xff\x00"[..]).await;
    assert_eq!(event["isBase64Encoded"], true, "what isn't UTF-8 can't be text");
}

#[tokio::test]
async fn payloads_and_events_over_the_limits_are_refused() {
    const REFUSED: &[u8] = br#"{"message":"Request Entity Too Large"}"#;
    // The first exceeds the gateway's limit, the second becomes an event over 6 MiB, the third still fits.
    for (size, status) in [(10 * 1024 * 1024 + 1, 413), (4_720_000, 413), (4_710_000, 200)] {
        let stub = stub(json!({"statusCode": 200}));
        let answered =
            ask(&stub, Options::default(), request("PATCH", "/v2/a/blobs/uploads/1", &[], vec![0; size])).await;
        assert_eq!(answered.status, status, "{size} bytes");
        assert_eq!(answered.body == REFUSED, status == 413);
        assert_eq!(stub.seen.lock().unwrap().is_some(), status == 200, "a refused request reaches no function");
    }
}

#[tokio::test]
async fn a_long_head_is_refused() {
    for (size, status) in [(10_100, 200), (10_240, 431)] {
        let stub = stub(json!({"statusCode": 200}));
        let long = "x".repeat(size);
        let answered = ask(&stub, Options::default(), request("GET", "/v2/", &[("Authorization", &long)], "")).await;
        assert_eq!(answered.status, status, "{size} bytes");
    }
}

#[tokio::test]
async fn the_answer_reaches_the_client() {
    let body = json!({
        "statusCode": 202,
        "headers": {"Location": "/v2/a/blobs/uploads/1", "Content-Type": "application/json"},
        "cookies": ["a=1", "b=2"],
        "multiValueHeaders": {"ignored": ["x"]},
        "body": BASE64_STANDARD.encode([0, 159, 146]),
        "isBase64Encoded": true
    });
    let answered = answer("GET", body).await;
    assert_eq!(answered.status, 202);
    assert_eq!(answered.header("location"), Some("/v2/a/blobs/uploads/1"));
    assert_eq!(answered.header("content-type"), Some("application/json"));
    assert_eq!(answered.headers.get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
    assert_eq!(answered.body, &[0, 159, 146][..]);
    assert!(answered.header("apigw-requestid").is_some());
    assert_eq!(answered.header("ignored"), None);
}

#[tokio::test]
async fn the_gateway_computes_the_length_and_keeps_its_connection_to_itself() {
    let headers = json!({"Content-Length": "7", "Connection": "close", "Transfer-Encoding": "chunked"});
    let answered = answer("GET", json!({"statusCode": 200, "headers": headers, "body": "four"})).await;
    assert_eq!(answered.header("content-length"), Some("4"));
    assert_eq!((answered.header("connection"), answered.header("transfer-encoding")), (None, None));
}

#[tokio::test]
async fn head_has_the_length_of_the_body_that_isnt_sent() {
    let answered = answer("HEAD", json!({"statusCode": 200, "body": "four"})).await;
    assert_eq!(answered.header("content-length"), Some("4"));
    assert_eq!(answered.body, "");
}

/// hyper, too, has to let the length of a HEAD stand.
#[tokio::test]
async fn head_has_its_length_on_the_wire_and_the_connection_stays_in_step() {
    let stub = stub(json!({"statusCode": 200, "body": "four"}));
    let gateway = Arc::new(Gateway::new(TEMPLATE, Options::default(), stub).unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, peer) = listener.accept().await.unwrap();
    tokio::spawn(async move {
        let service = service_fn(move |request| {
            let gateway = Arc::clone(&gateway);
            async move { Ok::<_, std::convert::Infallible>(gateway.handle(request, peer).await) }
        });
        http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.unwrap();
    });
    let requests = "HEAD /v2/ HTTP/1.1\r\nHost: x\r\n\r\nGET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    client.write_all(requests.as_bytes()).await.unwrap();
    let mut text = String::new();
    client.read_to_string(&mut text).await.unwrap();
    assert_eq!(text.matches("content-length: 4\r\n").count(), 2, "{text}");
    assert_eq!(text.matches("\r\n\r\nfour").count(), 1, "{text}");
}

#[tokio::test]
async fn no_content_has_no_length() {
    let answered = answer("GET", json!({"statusCode": 204})).await;
    assert_eq!((answered.status.as_u16(), answered.header("content-length")), (204, None));
}

#[tokio::test]
async fn the_challenge_survives_a_gateway_that_renames_it() {
    let headers = json!({"WWW-Authenticate": "Bearer own", "x-registry-challenge": "Bearer mapped"});
    let unauthorized = json!({"statusCode": 401, "headers": headers});
    let renaming = Options { rename_www_authenticate: true, ..Options::default() };
    let answered = ask(&stub(unauthorized), renaming.clone(), request("GET", "/v2/", &[], "")).await;
    assert_eq!(answered.header("www-authenticate"), Some("Bearer mapped"));
    assert_eq!(answered.header("x-amzn-remapped-www-authenticate"), Some("Bearer own"));

    let unmapped = json!({"statusCode": 401, "headers": {"WWW-Authenticate": "Bearer own"}});
    let answered = ask(&stub(unmapped.clone()), renaming, request("GET", "/v2/", &[], "")).await;
    assert_eq!(answered.header("www-authenticate"), None);
    assert_eq!(answer("GET", unmapped).await.header("www-authenticate"), Some("Bearer own"));
}

#[tokio::test]
async fn the_challenge_is_mapped_on_401_only() {
    let answered = answer("GET", json!({"statusCode": 403, "headers": {"x-registry-challenge": "Bearer"}})).await;
    assert_eq!(answered.header("www-authenticate"), None);
}

#[tokio::test]
async fn a_function_without_a_usable_answer_is_an_internal_error() {
    let answers: [fn() -> Given; 8] = [
        || Err(InvokeError::Failed { kind: "Panic".to_owned(), message: "secret".to_owned() }),
        || Ok(b"not json".to_vec()),
        || Ok(b"{}".to_vec()),
        || Ok(br#"{"statusCode": 99}"#.to_vec()),
        || Ok(br#"{"statusCode": 200, "headers": {"a b": "c"}}"#.to_vec()),
        || Ok(br#"{"statusCode": 200, "headers": {"a": "b\nc"}}"#.to_vec()),
        || Ok(br#"{"statusCode": 200, "body": "%", "isBase64Encoded": true}"#.to_vec()),
        || Ok(json!({"statusCode": 200, "body": "x".repeat(6_291_556)}).to_string().into_bytes()),
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        let answered = ask(&failing(answer), Options::default(), request("GET", "/v2/", &[], "")).await;
        assert_eq!(answered.status, 500, "answer {number}");
        assert_eq!(answered.body, r#"{"message":"Internal Server Error"}"#);
        assert_eq!(answered.header("content-type"), Some("application/json"));
    }
}

/// A function that never answers.
struct Silent;

impl Invoke for Silent {
    fn invoke(&self, _: Function, _: Vec<u8>) -> BoxFuture<'_, Given> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn no_answer_in_time_is_service_unavailable() {
    let impatient = TEMPLATE.replace("TimeoutInMillis: 30000", "TimeoutInMillis: 50");
    let gateway = Gateway::new(&impatient, Options::default(), Arc::new(Silent)).unwrap();
    let response: Response<_> = gateway.handle(request("GET", "/v2/", &[], ""), peer()).await;
    assert_eq!(response.status(), 503);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, r#"{"message":"Service Unavailable"}"#);
}

/// A body that breaks off.
struct Broken;

impl hyper::body::Body for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, std::io::Error>>> {
        std::task::Poll::Ready(Some(Err(std::io::Error::other("gone"))))
    }
}

#[tokio::test]
async fn a_request_that_breaks_off_reaches_no_function() {
    let stub = stub(json!({"statusCode": 200}));
    let gateway = Gateway::new(TEMPLATE, Options::default(), stub.clone()).unwrap();
    let request = Request::builder().method("PATCH").uri("/v2/a/blobs/uploads/1").body(Broken).unwrap();
    assert_eq!(gateway.handle(request, peer()).await.status(), 400);
    assert!(stub.seen.lock().unwrap().is_none());
}

/// A template with one function and these route keys.
fn template(keys: &[&str]) -> String {
    let mut template = "Resources:
  F: {Type: 'AWS::Serverless::Function', Metadata: {BuildProperties: {Binary: auth}}}
  I: {Type: 'AWS::ApiGatewayV2::Integration', Properties: {PayloadFormatVersion: '2.0', IntegrationUri: !GetAtt F.Arn}}
"
    .to_owned();
    for (number, key) in keys.iter().enumerate() {
        template += &format!(
            "  R{number}: {{Type: 'AWS::ApiGatewayV2::Route', Properties: {{RouteKey: '{key}', Target: !Sub 'integrations/${{I}}'}}}}\n"
        );
    }
    template
}

fn refusal(template: &str) -> Option<String> {
    Gateway::new(template, Options::default(), Arc::new(Silent)).err().map(|error| error.to_string())
}

#[test]
fn what_aws_refuses_to_deploy_is_refused_at_the_start() {
    let refused = [
        ("GET /v2/", "ends in a slash"),
        ("GET /{proxy+}/tags/list", "isn't at the end"),
        ("FETCH /a", "no method"),
        ("GET a", "starts with a slash"),
        ("/a", "isn't a method and a path"),
        ("GET /a//b", "empty or malformed"),
        ("GET /a{b}", "empty or malformed"),
        ("GET /{a}/{a}", "names a variable twice"),
    ];
    for (key, why) in refused {
        let error = refusal(&template(&[key])).unwrap();
        assert!(error.contains(why), "{key}: {error}");
    }
    let error = refusal(&template(&["GET /a/{b}", "GET /a/{c}"])).unwrap();
    assert!(error.contains("can't be told apart"), "{error}");

    let many: Vec<String> = (0..301).map(|number| format!("GET /{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(refusal(&template(&many[..300])), None);
    assert!(refusal(&template(&many)).unwrap().contains("301 routes"));

    let reserved = TEMPLATE.replace("overwrite:header.WWW-Authenticate", "overwrite:header.Content-Length");
    assert!(refusal(&reserved).unwrap().contains("AWS doesn't take this mapping"));
    let flat = TEMPLATE.replace("          ResponseParameters:\n            - {", "          - {");
    assert!(refusal(&flat).unwrap().contains("ResponseParameters"));
    let slow = TEMPLATE.replace("TimeoutInMillis: 30000", "TimeoutInMillis: 30001");
    assert!(refusal(&slow).unwrap().contains("TimeoutInMillis"));
    assert!(refusal("Resources: {").unwrap().contains("isn't YAML"));
}

#[tokio::test]
async fn the_most_specific_route_wins() {
    let routes =
        template(&["$default", "ANY /{proxy+}", "GET /a/{b}", "ANY /a/b", "GET /a/{b+}", "POST /a/{b+}", "GET /{a}/b"]);
    let cases = [
        ("GET", "/a/b", "ANY /a/b"),
        ("PUT", "/a/b", "ANY /a/b"),
        ("GET", "/a/c", "GET /a/{b}"),
        ("GET", "/c/b", "GET /{a}/b"),
        ("GET", "/a/b/c", "GET /a/{b+}"),
        ("POST", "/a/b/c", "POST /a/{b+}"),
        ("PUT", "/a/b/c", "ANY /{proxy+}"),
        ("GET", "/", "$default"),
    ];
    for (method, path, expected) in cases {
        let stub = stub(json!({"statusCode": 200}));
        let gateway = Gateway::new(&routes, Options::default(), stub.clone()).unwrap();
        gateway.handle(request(method, path, &[], ""), peer()).await;
        let (_, event) = stub.seen.lock().unwrap().take().unwrap();
        assert_eq!(event["routeKey"], expected, "{method} {path}");
    }
    let routes = template(&["GET /a"]);
    let gateway = Gateway::new(&routes, Options::default(), Arc::new(Silent)).unwrap();
    assert_eq!(gateway.handle(request("GET", "/b", &[], ""), peer()).await.status(), 404);
}

#[tokio::test]
async fn a_greedy_variable_takes_the_rest_of_the_path() {
    let (_, event) = event("POST", "/v2/a/b/blobs/uploads/?mount=x", &[], "").await;
    assert_eq!(event["pathParameters"]["proxy"], "a/b/blobs/uploads/");
    assert_eq!(event["rawPath"], "/v2/a/b/blobs/uploads/");
}

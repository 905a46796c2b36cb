//! Lambda's `Invoke`, as functions use it to start others.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use local::gateway::{Invoke, InvokeError};
use local::lambda::serve_invoke_api;
use protocol::{Digest, Function};
use runtime::{Background, BackgroundConfig, Schema1Upgrade};
use storage::Credentials;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

const LARGEST: usize = 256 * 1024;

type Invocation = (Function, Vec<u8>);

/// Functions that tell what they are given, and fail so many times.
struct Functions {
    failures: AtomicUsize,
    invoked: mpsc::UnboundedSender<Invocation>,
}

impl Invoke for Functions {
    fn invoke(&self, function: Function, event: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, InvokeError>> {
        Box::pin(async move {
            self.invoked.send((function, event)).unwrap();
            let left = self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            match left {
                Ok(_) => Err(InvokeError::Ended("as the test wants it".to_owned())),
                Err(_) => Ok(b"null".to_vec()),
            }
        })
    }
}

struct Lambda {
    endpoint: String,
    invoked: mpsc::UnboundedReceiver<Invocation>,
    _stop: watch::Sender<bool>,
}

impl Lambda {
    async fn start(failures: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = listener.local_addr().unwrap().to_string();
        let (sender, invoked) = mpsc::unbounded_channel();
        let functions = Arc::new(Functions { failures: AtomicUsize::new(failures), invoked: sender });
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(serve_invoke_api(listener, functions, [Duration::ZERO; 2], stopped));
        Self { endpoint, invoked, _stop: stop }
    }

    /// The whole answer to a request.
    async fn ask(&self, method: &str, path: &str, invocation_type: Option<&str>, event: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.endpoint).await.unwrap();
        let invocation_type = invocation_type.map(|kind| format!("X-Amz-Invocation-Type: {kind}\r\n"));
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: lambda\r\nConnection: close\r\n{}Content-Length: {}\r\n\r\n",
            invocation_type.unwrap_or_default(),
            event.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // It may answer before it has everything.
        _ = stream.write_all(event).await;
        let mut answer = Vec::new();
        _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    async fn invoke(&self, event: &[u8]) -> String {
        self.ask("POST", &path("schema1-upgrade"), Some("Event"), event).await
    }

    fn background(&self, function: Option<&str>) -> Background {
        let config = BackgroundConfig {
            schema1_upgrade: function.map(str::to_owned),
            collector: None,
            lambda_endpoint: Some(format!("http://{}", self.endpoint)),
        };
        Background::new(&config, &storage_config())
    }

    /// What was invoked so far: everything that came before an event of ours, as tasks run in their order here.
    async fn invoked(&mut self) -> Vec<Invocation> {
        assert!(self.invoke(b"the last").await.starts_with("HTTP/1.1 202 "));
        let mut invoked = Vec::new();
        loop {
            match self.invoked.recv().await.unwrap() {
                (_, event) if event == b"the last" => return invoked,
                other => invoked.push(other),
            }
        }
    }
}

fn path(function: &str) -> String {
    format!("/2015-03-31/functions/{function}/invocations")
}

/// Of a storage that nobody asks for anything.
fn storage_config() -> storage::Config {
    let keys = Credentials { access_key_id: "test".into(), secret_access_key: "test".into(), session_token: None };
    storage::Config {
        table: "registry".into(),
        bucket: "registry".into(),
        region: "us-east-1".into(),
        credentials: keys,
        dynamodb_endpoint: None,
        s3_endpoint: None,
        policy: storage::Policy::default(),
        s3_attempt_timeout: None,
        observer: None,
    }
}

#[track_caller]
fn assert_refused(answer: &str, status: u16, kind: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert!(answer.contains(&format!("x-amzn-errortype: {kind}\r\n")), "{answer}");
}

fn event() -> Schema1Upgrade {
    Schema1Upgrade { repository: "team/app".parse().unwrap(), digest: Digest::sha256(b"manifest") }
}

#[tokio::test]
async fn an_event_is_taken_at_once_and_reaches_the_function_as_it_is() {
    let mut lambda = Lambda::start(0).await;
    lambda.background(Some("schema1-upgrade")).start_schema1_upgrade(&event()).await.unwrap();
    let [(function, received)] = lambda.invoked().await.try_into().unwrap();
    assert_eq!(function, Function::Schema1Upgrade);
    let received: serde_json::Value = serde_json::from_slice(&received).unwrap();
    let expected = serde_json::json!({"repository": "team/app", "digest": Digest::sha256(b"manifest")});
    assert_eq!(received, expected);
}

#[tokio::test]
async fn a_function_that_there_is_not_is_not_found() {
    let mut lambda = Lambda::start(0).await;
    let requests = [
        ("POST", path("unknown")),
        ("GET", path("schema1-upgrade")),
        ("POST", "/2015-03-31/functions/schema1-upgrade".to_owned()),
        ("POST", "/".to_owned()),
    ];
    for (method, path) in requests {
        assert_refused(&lambda.ask(method, &path, Some("Event"), b"{}").await, 404, "ResourceNotFoundException");
    }
    let error = lambda.background(Some("unknown")).start_schema1_upgrade(&event()).await.unwrap_err();
    assert!(error.to_string().contains("ResourceNotFoundException"), "{error}");
    assert_eq!(lambda.invoked().await, []);
}

#[tokio::test]
async fn without_the_name_of_a_function_nothing_is_started() {
    let mut lambda = Lambda::start(0).await;
    let error = lambda.background(None).start_schema1_upgrade(&event()).await.unwrap_err();
    assert_eq!(error.to_string(), "the environment variable REGISTRY_SCHEMA1_UPGRADE is missing");
    assert_eq!(lambda.invoked().await, []);
}

#[tokio::test]
async fn invocations_that_somebody_would_wait_for_are_refused() {
    let mut lambda = Lambda::start(0).await;
    for kind in [None, Some("RequestResponse"), Some("DryRun"), Some("event")] {
        let answer = lambda.ask("POST", &path("schema1-upgrade"), kind, b"{}").await;
        assert_refused(&answer, 400, "InvalidParameterValueException");
    }
    assert_eq!(lambda.invoked().await, []);
}

#[tokio::test]
async fn an_event_has_256_kilobytes_at_the_most() {
    let mut lambda = Lambda::start(0).await;
    assert!(lambda.invoke(&vec![b' '; LARGEST]).await.starts_with("HTTP/1.1 202 "));
    assert_refused(&lambda.invoke(&vec![b' '; LARGEST + 1]).await, 413, "RequestTooLargeException");
    let lengths: Vec<_> = lambda.invoked().await.iter().map(|(_, event)| event.len()).collect();
    assert_eq!(lengths, [LARGEST]);
}

#[tokio::test]
async fn a_function_that_fails_is_tried_twice_more_with_the_same_event() {
    for (failures, invocations) in [(0, 1), (1, 2), (2, 3), (3, 3), (100, 3)] {
        let mut lambda = Lambda::start(failures).await;
        lambda.invoke(b"{}").await;
        for _ in 0..invocations {
            assert_eq!(lambda.invoked.recv().await, Some((Function::Schema1Upgrade, b"{}".to_vec())));
        }
        // Failures that are left are those of the event that ends the list.
        let more = lambda.invoked().await;
        assert_eq!(more, [], "after {failures} failures");
    }
}

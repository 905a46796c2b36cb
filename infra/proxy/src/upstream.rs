//! Requests to the registry and to its bucket.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue, LOCATION};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::StartError;
use crate::origin::Origin;
use crate::payload::{Counted, Payload};
use crate::retry::{Outcome, Patience, Retries, is_transient};

/// How long it may take to be connected.
const CONNECTING: Duration = Duration::from_secs(10);
/// How long an unused connection is kept. Gateways close theirs after a minute or more.
const IDLE: Duration = Duration::from_secs(30);

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// What goes back to the client.
pub(crate) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// No answer.
#[derive(Debug)]
pub(crate) struct Unreachable(pub(crate) String);

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A request that can be sent more than once.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) to: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Payload,
}

/// The registry, and whoever it sends us to.
pub(crate) struct Upstream {
    pub(crate) registry: Origin,
    patience: Patience,
    client: Client<HttpsConnector<HttpConnector>, Counted>,
}

impl Upstream {
    pub(crate) fn new(registry: Origin, patience: Patience) -> Result<Self, StartError> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECTING));
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::aws_lc_rs::default_provider())
            .map_err(StartError::Certificates)?
            .https_or_http()
            // In HTTP/1.1 a length that is known is sent as such, and the bytes of two blobs never share a connection.
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Ok(Self { registry, patience, client })
    }

    /// A request to the registry.
    pub(crate) fn call(&self, method: Method, path: PathAndQuery, headers: HeaderMap, payload: Payload) -> Call {
        Call { method, to: self.registry.uri(path), headers, payload }
    }

    pub(crate) fn retries(&self) -> Retries<'_> {
        Retries::new(&self.patience)
    }

    /// Sends a request until it is answered with something that another attempt wouldn't change.
    pub(crate) async fn persist(&self, call: &Call) -> Outcome {
        let mut retries = self.retries();
        loop {
            let outcome = self.send(call).await;
            // Without the query: it may be a signature.
            let what = || format!("{} {}", call.method, call.to.path());
            if !is_transient(&outcome) || !retries.again(&what(), &outcome).await {
                return outcome;
            }
        }
    }

    /// Sends a request, once.
    pub(crate) async fn send(&self, call: &Call) -> Outcome {
        let sent = Arc::new(AtomicU64::new(0));
        let mut request = Request::new(call.payload.body(sent.clone()));
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = call.to.clone();
        *request.headers_mut() = call.headers.clone();
        // Never left to be guessed: without a length some read "none", and others "unknown".
        let length = call.payload.length();
        if length > 0 || matches!(call.method, Method::POST | Method::PUT | Method::PATCH) {
            request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        let mut answer = std::pin::pin!(self.client.request(request));
        let mut seen = 0;
        loop {
            match tokio::time::timeout(self.patience.silence, &mut answer).await {
                Ok(answer) => return answer.map_err(|error| Unreachable(with_causes(&error))),
                Err(_) if sent.load(Ordering::Relaxed) > seen => seen = sent.load(Ordering::Relaxed),
                Err(_) => return Err(Unreachable(format!("silent for {:?}", self.patience.silence))),
            }
        }
    }

    /// Where an answer of the registry leads, if that is on the registry.
    pub(crate) fn location(&self, answer: &Response<Incoming>) -> Option<PathAndQuery> {
        self.registry.resolve(answer.headers().get(LOCATION)?.to_str().ok()?)
    }

    /// The body of a small answer; None when there isn't one, or not a small one.
    pub(crate) async fn small_body(&self, body: Incoming) -> Option<Bytes> {
        let collected = Limited::new(body, 64 * 1024).collect();
        Some(tokio::time::timeout(self.patience.silence, collected).await.ok()?.ok()?.to_bytes())
    }
}

/// An error and what is behind it: "client error (Connect)" alone tells nobody anything.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

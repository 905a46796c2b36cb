//! Requests to the registry and to its bucket.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderValue, LOCATION};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;

use crate::StartError;
use crate::client::{HttpClient, http_client, with_causes};
use crate::login::Login;
use crate::origin::Origin;
use crate::payload::{Counted, Payload};
use crate::retry::{Outcome, Patience, Retries, is_transient};

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
    client: HttpClient<Counted>,
    login: Option<Login>,
}

impl Upstream {
    pub(crate) fn new(registry: Origin, patience: Patience, login: Option<Login>) -> Result<Self, StartError> {
        let client = http_client().map_err(StartError::Certificates)?;
        Ok(Self { registry, patience, client, login })
    }

    /// A request to the registry.
    pub(crate) fn call(&self, method: Method, path: PathAndQuery, mut headers: HeaderMap, payload: Payload) -> Call {
        if let Some(login) = &self.login {
            headers.insert(AUTHORIZATION, login.header());
        }
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

//! API Gateway's HTTP API as a registry meets it, on this machine.
//!
//! It reads routes, integrations and response mappings from the deployment's own template, so that what runs here is
//! what is deployed, and it enforces the limits of the platform, so that what would break there breaks here:
//!
//! | limit | value | answer |
//! |---|---|---|
//! | payload of a request | 10 MiB | 413 |
//! | request line and headers | 10,240 bytes | 431 |
//! | event that a function receives | below 6,291,456 bytes, about 4.7 MB of payload in base64 | 413 |
//! | answer of a function | 6,291,556 bytes | 500 |
//! | time for an answer | the integration's, 30 s at most | 503 |
//!
//! Routes whose `AuthorizationType` is `AWS_IAM` want requests signed with Signature Version 4 for the service
//! `execute-api`, in the header `Authorization`. Who signed stands in the event under `requestContext.authorizer.iam`,
//! which nothing that a client sends gets into. They answer other requests with 403, and every one when there are no key
//! pairs.
//!
//! Where AWS isn't documented, or is reported differently by different people, the stricter behaviour is taken: header
//! names count towards the 10,240 bytes, `multiValueHeaders` of an answer are ignored, an answer without a status code
//! is malformed, a path with a slash at its end doesn't match the route without, and every `x-amz-*` header has to be
//! signed.

mod answer;
mod event;
mod integration;
mod invoke;
mod refusal;
mod route;
mod template;

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::{Buf, Bytes};
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Body;
use uuid::Uuid;

pub use invoke::{Invoke, InvokeError};
pub use route::RouteKeyError;
pub use template::TemplateError;

use answer::Answer;
use refusal::Refusal;
use template::{Api, Authorization, Selected};

use crate::iam::{Identities, Identity};

/// The deployment's template.
pub const TEMPLATE: &str = include_str!("../../../../template.yaml");

/// Largest payload of a request, in bytes.
const MAX_PAYLOAD: usize = 10 * 1024 * 1024;
/// Largest request line with headers, in bytes.
const MAX_HEAD: usize = 10_240;
/// An event of a synchronous invocation is smaller than this, in bytes. An answer may have 100 more ([`MAX_ANSWER`]).
const MAX_EVENT: usize = 6 * 1024 * 1024;
/// Largest answer of a synchronous invocation, in bytes.
pub const MAX_ANSWER: usize = MAX_EVENT + 100;

/// What requests to an API are signed for.
const SERVICE: &str = "execute-api";

/// What can be chosen about the gateway.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether a `WWW-Authenticate` of a function's own is renamed to `x-amzn-remapped-www-authenticate`, as REST APIs
    /// do and HTTP APIs are reported to. What the response mapping sets keeps its name.
    pub rename_www_authenticate: bool,
    /// Who may call routes with IAM authorization; nobody when there are none.
    pub identities: Option<Arc<Identities>>,
}

/// An HTTP API with its routes and the functions behind them.
pub struct Gateway {
    api: Api,
    options: Options,
    functions: Arc<dyn Invoke>,
}

impl Gateway {
    /// Reads `template` and puts `functions` behind its routes.
    ///
    /// # Errors
    /// When the template isn't one that AWS would deploy as an HTTP API, or uses something that isn't emulated.
    pub fn new(template: &str, options: Options, functions: Arc<dyn Invoke>) -> Result<Self, TemplateError> {
        Ok(Self { api: Api::parse(template)?, options, functions })
    }

    /// Answers one request that came from `peer`. Whatever goes wrong becomes an answer.
    pub async fn handle<B>(&self, request: Request<B>, peer: SocketAddr) -> Response<Full<Bytes>>
    where
        B: Body,
        B::Data: Buf,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let id = Uuid::new_v4().simple().to_string();
        let is_head = request.method() == Method::HEAD;
        let response = match self.answer(request, peer, &id).await {
            Ok(response) => response,
            Err(refusal) => refusal.response(),
        };
        finish(response, is_head, &id)
    }

    async fn answer<B>(&self, request: Request<B>, peer: SocketAddr, id: &str) -> Result<Response<Bytes>, Refusal>
    where
        B: Body,
        B::Data: Buf,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        if head_size(&head) > MAX_HEAD {
            return Err(Refusal::HeadTooLarge);
        }
        let route = self.api.select(head.method.as_str(), head.uri.path()).ok_or(Refusal::NotFound)?;
        let body = collect(body).await?;
        let caller = self.caller(&route, &head, &body, id)?;
        let event = event::build(&head, &body, &route, caller, peer, id).map_err(|_| Refusal::Internal)?;
        drop(body);
        if event.len() >= MAX_EVENT {
            return Err(Refusal::PayloadTooLarge);
        }

        let integration = route.integration;
        let function = integration.function.name();
        let invocation = self.functions.invoke(integration.function, event);
        let answer = match tokio::time::timeout(integration.timeout, invocation).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                tracing::error!(function, request = id, %error, "function failed");
                return Err(Refusal::Internal);
            }
            Err(_) => {
                tracing::error!(function, request = id, "no answer within {:?}", integration.timeout);
                return Err(Refusal::Unavailable);
            }
        };
        let mut response = Answer::parse(&answer).and_then(Answer::into_response).map_err(|error| {
            tracing::error!(function, request = id, %error, "the function's answer can't be used");
            Refusal::Internal
        })?;
        if self.options.rename_www_authenticate {
            rename_www_authenticate(&mut response);
        }
        integration.map_response(&mut response);
        Ok(response)
    }

    /// Who signed the request; None where the route doesn't ask for it.
    fn caller(&self, route: &Selected<'_>, head: &Parts, body: &[u8], id: &str) -> Result<Option<&Identity>, Refusal> {
        let identities = match (route.authorization, &self.options.identities) {
            (Authorization::None, _) => return Ok(None),
            (Authorization::Iam, Some(identities)) => identities,
            (Authorization::Iam, None) => return Err(Refusal::Forbidden),
        };
        let caller = identities.authenticate(SERVICE, head, body, SystemTime::now());
        caller.map(Some).map_err(|error| {
            tracing::info!(route = route.key, request = id, %error, "IAM authorization refused");
            Refusal::Forbidden
        })
    }
}

/// Bytes of the request line and the header lines.
fn head_size(head: &Parts) -> usize {
    let path = head.uri.path_and_query().map_or(1, |path| path.as_str().len());
    let request_line = head.method.as_str().len() + path + "  HTTP/1.1\r\n".len();
    let headers = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    request_line + headers.sum::<usize>()
}

/// Buffers a payload, up to the gateway's limit.
async fn collect<B>(body: B) -> Result<Bytes, Refusal>
where
    B: Body,
    B::Data: Buf,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    if body.size_hint().lower() > MAX_PAYLOAD as u64 {
        return Err(Refusal::PayloadTooLarge);
    }
    match Limited::new(body, MAX_PAYLOAD).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::PayloadTooLarge),
        Err(_) => Err(Refusal::BrokenRequest),
    }
}

fn rename_www_authenticate(response: &mut Response<Bytes>) {
    if let Some(challenge) = response.headers_mut().remove(header::WWW_AUTHENTICATE) {
        response.headers_mut().insert(HeaderName::from_static("x-amzn-remapped-www-authenticate"), challenge);
    }
}

/// Adds what every answer carries. The length is that of the body also where the body isn't sent.
fn finish(mut response: Response<Bytes>, is_head: bool, id: &str) -> Response<Full<Bytes>> {
    let bodiless = matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if !bodiless {
        let length = HeaderValue::from(response.body().len());
        response.headers_mut().insert(header::CONTENT_LENGTH, length);
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        response.headers_mut().insert(HeaderName::from_static("apigw-requestid"), id);
    }
    response.map(|body| Full::new(if is_head || bodiless { Bytes::new() } else { body }))
}

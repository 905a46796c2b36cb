//! The listener of STS and Secrets Manager: a request for the one has a target in a header, one for the other a form.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http::header::{HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use tokio::net::TcpListener;
use tokio::sync::watch;
use uuid::Uuid;

use super::identity::Identities;
use super::secrets::Secrets;
use super::{secrets_manager, sts};

/// Largest request, in bytes: a secret of 64 KiB whose every byte is escaped, and then some.
const MAX_REQUEST: usize = 512 * 1024;

/// How long running requests may take to finish at the end.
const GRACE: Duration = Duration::from_secs(10);

/// Answers those of `identities` until `stop` turns true; then lets running requests finish.
pub async fn serve(
    listener: TcpListener,
    identities: Arc<Identities>,
    secrets: Arc<Secrets>,
    stop: watch::Receiver<bool>,
) {
    let answer = move |request, _| {
        let (identities, secrets) = (Arc::clone(&identities), Arc::clone(&secrets));
        async move { answer(&identities, &secrets, request).await }
    };
    serve::serve(listener, answer, GRACE, stop).await;
}

async fn answer(identities: &Identities, secrets: &Secrets, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let id = Uuid::new_v4().to_string();
    let (head, body) = request.into_parts();
    let body = StreamBody::new(serve::pieces(body).map_ok(Frame::data));
    // All operations of the two are posts to the root.
    let mut response = if head.method != Method::POST || head.uri.path_and_query().is_none_or(|target| target != "/") {
        status(StatusCode::NOT_FOUND)
    } else if let Ok(body) = Limited::new(body, MAX_REQUEST).collect().await {
        let (body, now) = (body.to_bytes(), SystemTime::now());
        match head.headers.get("x-amz-target").map(HeaderValue::to_str) {
            None => sts::answer(identities, &head, &body, &id, now),
            Some(target) => {
                // What is nobody's target is no operation's name either.
                let target = target.ok().and_then(|target| target.strip_prefix(secrets_manager::TARGET));
                secrets_manager::answer(identities, secrets, target.unwrap_or_default(), &head, &body, now)
            }
        }
    } else {
        status(StatusCode::PAYLOAD_TOO_LARGE)
    };
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HeaderName::from_static("x-amzn-requestid"), id);
    }
    response.map(Full::new)
}

fn status(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

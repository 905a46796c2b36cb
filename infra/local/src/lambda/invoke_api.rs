//! Lambda's own API, as far as functions use it: `Invoke` with the invocation type `Event`.
//!
//! Lambda takes the event, answers at once, and runs the function later; when it fails, it is tried twice more, after a
//! minute and after two (Lambda developer guide, "Asynchronous invocation"). Signatures aren't checked: it listens on
//! loopback.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use protocol::Function;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::gateway::Invoke;

/// Largest event of an asynchronous invocation, in bytes.
const MAX_EVENT: usize = 256 * 1024;

/// How long Lambda waits before it tries a failed event again, and once more.
pub const RETRY_PAUSES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// Serves until `stop` turns true. What was started goes on, as long as the process does. `pauses` are
/// [`RETRY_PAUSES`], or others for who can't wait.
pub async fn serve(
    listener: TcpListener,
    functions: Arc<dyn Invoke>,
    pauses: [Duration; 2],
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let Ok((stream, _)) = accepted else { continue };
        _ = stream.set_nodelay(true);
        let functions = functions.clone();
        let service = service_fn(move |request| {
            let functions = functions.clone();
            async move { Ok::<_, Infallible>(handle(&functions, pauses, request).await) }
        });
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        while connections.try_join_next().is_some() {}
    }
}

async fn handle(
    functions: &Arc<dyn Invoke>,
    pauses: [Duration; 2],
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let path: Vec<&str> = head.uri.path().split('/').collect();
    let function = match path.as_slice() {
        ["", "2015-03-31", "functions", name, "invocations"] if head.method == Method::POST => {
            Function::ALL.iter().copied().find(|function| function.name() == *name)
        }
        _ => None,
    };
    let Some(function) = function else {
        return refused(StatusCode::NOT_FOUND, "ResourceNotFoundException", "there is no such function");
    };
    if head.headers.get("x-amz-invocation-type") != Some(&HeaderValue::from_static("Event")) {
        let message = "only the invocation type Event is emulated";
        return refused(StatusCode::BAD_REQUEST, "InvalidParameterValueException", message);
    }
    match Limited::new(body, MAX_EVENT).collect().await {
        Ok(event) => {
            tokio::spawn(run(functions.clone(), function, event.to_bytes().to_vec(), pauses));
            status(StatusCode::ACCEPTED, "")
        }
        Err(_) => {
            let message = "the event is larger than 256 KB, or broke off";
            refused(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException", message)
        }
    }
}

async fn run(functions: Arc<dyn Invoke>, function: Function, event: Vec<u8>, pauses: [Duration; 2]) {
    let mut pauses = pauses.into_iter();
    while let Err(error) = functions.invoke(function, event.clone()).await {
        tracing::warn!(%error, "{} failed", function.name());
        let Some(pause) = pauses.next() else { return };
        tokio::time::sleep(pause).await;
    }
}

fn refused(code: StatusCode, kind: &'static str, message: &str) -> Response<Full<Bytes>> {
    let body = serde_json::json!({ "Type": "User", "message": message });
    let mut response = status(code, body.to_string());
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(HeaderName::from_static("x-amzn-errortype"), kind);
    response
}

fn status(code: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

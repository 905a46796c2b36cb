//! The Lambda Runtime API for one process: `next`, `response`, `error` and `init/error`.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use protocol::Function;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::gateway::{InvokeError, MAX_ANSWER};

/// An event on its way to a process.
pub(super) struct Invocation {
    pub(super) id: String,
    pub(super) event: Vec<u8>,
    /// When the process will be killed.
    pub(super) deadline: SystemTime,
    pub(super) reply: Reply,
}

/// Where the answer goes.
type Reply = oneshot::Sender<Result<Vec<u8>, InvokeError>>;

/// Serves the runtime API to one process until it is aborted.
pub(super) async fn serve(listener: TcpListener, function: Function, events: mpsc::Receiver<Invocation>) {
    let api = Arc::new(RuntimeApi { function, events: events.into(), running: Mutex::new(None) });
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        // With Nagle's algorithm every answer waits 40 ms for the acknowledgement of the one before.
        _ = stream.set_nodelay(true);
        let api = Arc::clone(&api);
        let service = service_fn(move |request| {
            let api = Arc::clone(&api);
            async move { Ok::<_, Infallible>(api.handle(request).await) }
        });
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        while connections.try_join_next().is_some() {}
    }
}

struct RuntimeApi {
    function: Function,
    events: tokio::sync::Mutex<mpsc::Receiver<Invocation>>,
    /// The request that the process has taken and not answered.
    running: Mutex<Option<(String, Reply)>>,
}

/// What a runtime reports about a failure.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FunctionError {
    #[serde(default)]
    error_type: String,
    #[serde(default)]
    error_message: String,
}

impl RuntimeApi {
    async fn handle(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let path = head.uri.path().strip_prefix("/2018-06-01/runtime/").unwrap_or_default();
        match (&head.method, path.split('/').collect::<Vec<_>>().as_slice()) {
            (&Method::GET, ["invocation", "next"]) => self.next().await,
            (&Method::POST, ["invocation", id, "response"]) => self.response(id, body).await,
            (&Method::POST, ["invocation", id, "error"]) => {
                let FunctionError { error_type, error_message } = function_error(body).await;
                self.reply(id, Err(InvokeError::Failed { kind: error_type, message: error_message }))
            }
            (&Method::POST, ["init", "error"]) => {
                // The process ends now; whoever waits for it learns that it did, the reason stands here.
                let FunctionError { error_type, error_message } = function_error(body).await;
                tracing::error!(function = self.function.name(), error_type, "can't initialise: {error_message}");
                status(StatusCode::ACCEPTED, "")
            }
            _ => status(StatusCode::NOT_FOUND, r#"{"errorType":"NotFound","errorMessage":"no such operation"}"#),
        }
    }

    /// Waits for an event as long as it takes.
    async fn next(&self) -> Response<Full<Bytes>> {
        let Some(invocation) = self.events.lock().await.recv().await else {
            return status(StatusCode::GONE, r#"{"errorType":"Stopped","errorMessage":"the function is stopped"}"#);
        };
        let Invocation { id, event, deadline, reply } = invocation;
        let headers = self.headers(&id, deadline);
        // Overwrites an unanswered request, whose sender thereby learns that no answer will come.
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some((id, reply));
        let mut response = Response::new(Full::from(event));
        *response.headers_mut() = headers;
        response
    }

    fn headers(&self, id: &str, deadline: SystemTime) -> HeaderMap {
        let deadline = deadline.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let arn = format!("arn:aws:lambda:us-east-1:000000000000:function:{}", self.function.name());
        let trace = Uuid::new_v4().simple().to_string();
        let (time, rest) = trace.split_at(8);
        let headers = [
            ("lambda-runtime-aws-request-id", id.to_owned()),
            ("lambda-runtime-deadline-ms", deadline.to_string()),
            ("lambda-runtime-invoked-function-arn", arn),
            ("lambda-runtime-trace-id", format!("Root=1-{time}-{rest};Sampled=0")),
            ("content-type", "application/json".to_owned()),
        ];
        let headers = headers.into_iter().filter_map(|(name, value)| {
            Some((header::HeaderName::from_static(name), HeaderValue::try_from(value).ok()?))
        });
        headers.collect()
    }

    async fn response(&self, id: &str, body: Incoming) -> Response<Full<Bytes>> {
        match Limited::new(body, MAX_ANSWER).collect().await {
            Ok(answer) => self.reply(id, Ok(answer.to_bytes().into())),
            Err(error) if error.is::<LengthLimitError>() => {
                self.reply(id, Err(InvokeError::TooLarge));
                let message = r#"{"errorType":"RequestEntityTooLarge","errorMessage":"Exceeded maximum allowed payload size (6291556 bytes)."}"#;
                status(StatusCode::PAYLOAD_TOO_LARGE, message)
            }
            Err(error) => self.reply(id, Err(InvokeError::Ended(format!("its answer broke off: {error}")))),
        }
    }

    fn reply(&self, id: &str, answer: Result<Vec<u8>, InvokeError>) -> Response<Full<Bytes>> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take_if(|(running, _)| running == id);
        match running {
            Some((_, reply)) => {
                // Nobody listens any more when the request's time was over.
                _ = reply.send(answer);
                status(StatusCode::ACCEPTED, r#"{"status":"OK"}"#)
            }
            None => status(StatusCode::BAD_REQUEST, r#"{"errorType":"InvalidRequestID","errorMessage":"not running"}"#),
        }
    }
}

async fn function_error(body: Incoming) -> FunctionError {
    let text = match Limited::new(body, MAX_ANSWER).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => Bytes::new(),
    };
    serde_json::from_slice(&text).unwrap_or_else(|_| FunctionError {
        error_type: "Unknown".to_owned(),
        error_message: String::from_utf8_lossy(&text).into_owned(),
    })
}

fn status(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

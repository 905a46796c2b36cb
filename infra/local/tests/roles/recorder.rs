//! Stands before a service of AWS, for one function: writes down what it calls, and hands it on.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use protocol::Function;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::call::Call;

/// A service that functions call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    DynamoDb,
    S3,
    Lambda,
    SecretsManager,
    EventBridge,
}

impl Service {
    /// What tells a function where the service is.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::DynamoDb => "AWS_ENDPOINT_URL_DYNAMODB",
            Self::S3 => "AWS_ENDPOINT_URL_S3",
            Self::Lambda => "AWS_ENDPOINT_URL_LAMBDA",
            Self::SecretsManager => "AWS_ENDPOINT_URL_SECRETS_MANAGER",
            Self::EventBridge => "AWS_ENDPOINT_URL_EVENTBRIDGE",
        }
    }
}

/// What was called, and by whom. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Calls {
    known: Arc<Mutex<Vec<(Function, Call)>>>,
    unknown: Arc<Mutex<Vec<String>>>,
}

impl Calls {
    /// Whether a function has called an action.
    pub(crate) fn has(&self, function: Function, action: &str) -> bool {
        let known = self.known.lock().unwrap();
        known.iter().any(|(caller, call)| *caller == function && call.action == action)
    }

    pub(crate) fn take(&self) -> Vec<(Function, Call)> {
        assert_eq!(*self.unknown.lock().unwrap(), Vec::<String>::new(), "teach the test what these calls are");
        std::mem::take(&mut *self.known.lock().unwrap())
    }

    fn add(&self, function: Function, service: Service, request: &Request<Bytes>) {
        let (head, body) = request.clone().into_parts();
        match Call::read(service, &head, &body) {
            Some(calls) => self.known.lock().unwrap().extend(calls.into_iter().map(|call| (function, call))),
            None => {
                let call = format!("{}: {service:?} {} {}", function.name(), head.method, head.uri);
                self.unknown.lock().unwrap().push(call);
            }
        }
    }

    /// An address of a function's own for a service that listens at `upstream`. What comes over URLs that the function
    /// has signed comes here too, and is done with its role.
    pub(crate) async fn stand_before(
        &self,
        function: Function,
        service: Service,
        upstream: SocketAddr,
        stop: watch::Receiver<bool>,
    ) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let calls = self.clone();
        let pass_on = move |request: Request<_>, _| {
            let calls = calls.clone();
            async move {
                let (head, body) = request.into_parts();
                let request = Request::from_parts(head, collect(body).await);
                calls.add(function, service, &request);
                hand_on(upstream, request).await
            }
        };
        tokio::spawn(serve::serve(listener, pass_on, Duration::ZERO, stop));
        address
    }
}

async fn hand_on(upstream: SocketAddr, request: Request<Bytes>) -> Response<Full<Bytes>> {
    let stream = TcpStream::connect(upstream).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (head, body) = sender.send_request(request.map(Full::new)).await.unwrap().into_parts();
    Response::from_parts(head, Full::new(collect(body).await))
}

async fn collect(body: hyper::body::Incoming) -> Bytes {
    body.collect().await.unwrap().to_bytes()
}

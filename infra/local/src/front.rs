//! The streaming front: uploads of any length go to the session code as they come in, everything else to the gateway.

use std::net::SocketAddr;
use std::sync::Arc;

use access::Origin;
use blob_upload::BlobUpload;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http_body_util::{Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response};
use protocol::{Function, Route};
use runtime::Gate;
use storage::StreamError;

use crate::gateway::Gateway;

/// What a client's connection reaches first.
pub(crate) struct Front {
    pub(crate) gateway: Gateway,
    /// The session code for streams; None when there is nothing before the gateway.
    pub(crate) uploads: Option<Arc<BlobUpload>>,
    pub(crate) gate: Arc<Gate>,
}

impl Front {
    pub(crate) async fn handle(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let pieces = serve::pieces(body);
        match self.uploads.as_ref().filter(|_| is_upload(&parts)) {
            Some(uploads) => {
                let host = parts.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
                let incoming = runtime::Incoming {
                    method: parts.method.to_string(),
                    path: parts.uri.path().to_owned(),
                    query: parts.uri.query().unwrap_or_default().to_owned(),
                    origin: Origin::new(host.unwrap_or_default(), false),
                    headers: parts.headers,
                    body: Box::pin(pieces.map_err(|error| StreamError(error.to_string()))),
                    id: uuid::Uuid::new_v4().to_string(),
                    iam: None,
                };
                runtime::answer(uploads.as_ref(), &self.gate, incoming).await.response.map(Full::new)
            }
            None => {
                let body = StreamBody::new(pieces.map_ok(Frame::data));
                self.gateway.handle(Request::from_parts(parts, body), peer).await
            }
        }
    }
}

/// POST, PATCH and PUT of a session: the requests whose bodies may be larger than an event.
fn is_upload(parts: &http::request::Parts) -> bool {
    let carries = matches!(parts.method, http::Method::POST | http::Method::PATCH | http::Method::PUT);
    let route = carries.then(|| Route::parse(parts.uri.path()));
    matches!(route, Some(Ok(route)) if route.function(parts.method.as_str()) == Ok(Function::BlobUpload))
}

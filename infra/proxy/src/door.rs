//! What a client's request reaches first.

use std::path::PathBuf;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;
use http::header::{AUTHORIZATION, HeaderMap};
use http::{Method, Uri};
use hyper::body::Incoming;
use protocol::{ApiError, ErrorCode, Route, RouteError};

use crate::progress::Display;
use crate::reply::{Answer, Failure};
use crate::sessions::Sessions;
use crate::spool::Spool;
use crate::upstream::{Unreachable, Upstream};
use crate::{Options, StartError};

/// A client's body.
pub(crate) type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, hyper::Error>> + Send>>;

/// A client's request.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Pieces,
}

impl Request {
    /// What the registry is to know of the client when the proxy asks something on its behalf.
    pub(crate) fn caller(&self) -> HeaderMap {
        let credentials = self.headers.get(AUTHORIZATION).map(|value| (AUTHORIZATION, value.clone()));
        credentials.into_iter().collect()
    }
}

/// Everything that requests share.
pub(crate) struct Door {
    pub(crate) upstream: Upstream,
    pub(crate) sessions: Sessions,
    pub(crate) display: Display,
    pub(crate) spool: PathBuf,
}

impl Door {
    pub(crate) fn new(options: Options) -> Result<Self, StartError> {
        // Better now than with the first layer.
        Spool::create(&options.spool).map_err(|error| StartError::Spool(options.spool.clone(), error))?;
        Ok(Self {
            upstream: Upstream::new(options.registry, options.patience, options.login)?,
            sessions: Sessions::default(),
            display: Display::new(),
            spool: options.spool,
        })
    }

    pub(crate) async fn handle(&self, request: http::Request<Incoming>) -> Answer {
        let (parts, body) = request.into_parts();
        let what = format!("{} {}", parts.method, parts.uri.path());
        let body = Box::pin(serve::pieces(body));
        let mut headers = parts.headers;
        if let Some(credentials) = headers.get_mut(AUTHORIZATION) {
            // No log shows them.
            credentials.set_sensitive(true);
        }
        let request = Request { method: parts.method, uri: parts.uri, headers, body };
        let answer = self.route(request).await.unwrap_or_else(Failure::into_answer);
        let status = answer.status().as_u16();
        match status {
            500.. => tracing::warn!(status, "{what}"),
            _ => tracing::debug!(status, "{what}"),
        }
        answer
    }

    /// What the client is told when the registry says nothing.
    pub(crate) fn unreachable(&self, error: Unreachable) -> Failure {
        let message = format!("the registry at {} doesn't answer: {error}", self.upstream.registry);
        ApiError::new(ErrorCode::Unavailable, message).header("Retry-After", "5").into()
    }

    async fn route(&self, request: Request) -> Result<Answer, Failure> {
        let path = percent_encoding::percent_decode_str(request.uri.path()).decode_utf8_lossy();
        let route = Route::parse(&path);
        if let Ok(session @ Route::Upload(..)) = &route {
            session.function(request.method.as_str()).map_err(ApiError::from)?;
        }
        match route {
            Ok(Route::Uploads(name)) if request.method == Method::POST => self.open(&name, request).await,
            Ok(Route::Upload(name, id)) => match request.method {
                Method::PATCH => self.append(&name, &id, request).await,
                Method::PUT => self.close(&name, &id, request).await,
                Method::DELETE => self.cancel(&name, &id, request).await,
                _ => self.status(&name, &id),
            },
            // All sessions are the proxy's.
            Err(error @ RouteError::Upload(_)) => Err(ApiError::from(error).into()),
            // A path that is unknown here may be one that a newer registry knows.
            Ok(_) | Err(_) => self.pass(request).await,
        }
    }
}

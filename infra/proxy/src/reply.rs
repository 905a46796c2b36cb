//! Answers of the proxy's own, as the registry gives them.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RANGE};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use protocol::{ApiError, Digest, ErrorCode, RepositoryName};

use crate::pass;
use crate::sessions::Session;
use crate::upstream::Body;

const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");

pub(crate) type Answer = Response<Body>;

/// An answer that isn't the wanted one: the proxy's refusal, or the registry's as it came.
pub(crate) struct Failure(Box<Answer>);

impl Failure {
    pub(crate) fn into_answer(self) -> Answer {
        *self.0
    }
}

impl From<Response<Incoming>> for Failure {
    /// The registry's.
    fn from(answer: Response<Incoming>) -> Self {
        Self(Box::new(pass::back(answer)))
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer = answer(status, error.body());
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in &error.headers {
            if let Ok(name) = name.parse::<HeaderName>() {
                set(headers, name, value);
            }
        }
        Self(Box::new(answer))
    }
}

impl From<std::io::Error> for Failure {
    /// The proxy's own disk.
    fn from(error: std::io::Error) -> Self {
        ApiError::new(ErrorCode::Internal, format!("the proxy can't keep the blob: {error}")).into()
    }
}

/// A blob that is in the repository now.
pub(crate) fn created(name: &RepositoryName, digest: &Digest) -> Answer {
    let mut answer = answer(StatusCode::CREATED, Bytes::new());
    set(answer.headers_mut(), LOCATION, &format!("/v2/{name}/blobs/{digest}"));
    set(answer.headers_mut(), CONTENT_DIGEST, &digest.to_string());
    answer
}

/// A session and how far it is.
pub(crate) fn session(status: StatusCode, session: &Session) -> Answer {
    let mut answer = answer(status, Bytes::new());
    set(answer.headers_mut(), LOCATION, &session.location());
    set(answer.headers_mut(), RANGE, &session.range());
    set(answer.headers_mut(), UPLOAD_UUID, session.id.as_str());
    answer
}

pub(crate) fn no_content() -> Answer {
    answer(StatusCode::NO_CONTENT, Bytes::new())
}

fn answer(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()).map_err(|never| match never {}).boxed_unsync());
    *answer.status_mut() = status;
    answer.headers_mut().insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
    answer
}

/// Names, digests and paths passed their grammar, so they can stand in a header.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

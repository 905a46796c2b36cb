//! The one path from a request to an answer.

use access::Access;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use protocol::{ApiError, ErrorCode, InvalidReference, Method, MethodNotAllowed, Route, RouteError};
use storage::BodyStream;
use tracing::Instrument as _;

use crate::{CHALLENGE_HEADER, Query, Request};

/// An answer. Bodies are small: blobs are redirects, manifests have at most 4 MiB.
pub type Response = http::Response<Bytes>;

/// What a function does with a request that was let in.
pub trait Handler: Send + Sync {
    /// Answers it.
    fn handle(&self, request: Request) -> impl Future<Output = Result<Response, ApiError>> + Send;
}

/// A request as it came in.
pub struct Incoming {
    /// As it stands in the request line.
    pub method: String,
    /// Of the URL; percent escapes are read.
    pub path: String,
    /// Of the URL, still encoded, without the question mark.
    pub query: String,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: BodyStream,
    /// The registry's name as the client knows it.
    pub host: String,
    /// Names the request in the log and in the answer.
    pub id: String,
}

/// Parses, decides, handles and renders.
pub async fn answer(handler: &impl Handler, access: Access, incoming: Incoming) -> Response {
    let span = tracing::info_span!("request", id = %incoming.id);
    respond(handler, access, incoming).instrument(span).await
}

async fn respond(handler: &impl Handler, access: Access, incoming: Incoming) -> Response {
    let (id, host) = (incoming.id.clone(), incoming.host.clone());
    let what = format!("{} {}", incoming.method, incoming.path);
    let mut response = match handle(handler, access, incoming).await {
        Ok(response) => {
            tracing::info!(status = response.status().as_u16(), "{what}");
            response
        }
        Err(error) => {
            let status = error.code.status();
            match status {
                500.. => tracing::error!(status, %error, "{what}"),
                _ => tracing::info!(status, %error, "{what}"),
            }
            render(&error, &host)
        }
    };
    let headers = response.headers_mut();
    headers.insert("docker-distribution-api-version", HeaderValue::from_static("registry/2.0"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert("x-request-id", id);
    }
    response
}

async fn handle(handler: &impl Handler, access: Access, incoming: Incoming) -> Result<Response, ApiError> {
    // The gateway is reported to have decoded it; a name can't contain a percent sign, so decoding what is left does no
    // harm. From here on access and handler see one and the same thing.
    let path = percent_encoding::percent_decode_str(&incoming.path).decode_utf8_lossy();
    let route = Route::parse(&path).map_err(|error| misnamed(error, &incoming.method))?;
    let allowed = route.function(&incoming.method);
    let granted = access.grant(route)?;
    allowed?;
    let method = Method::parse(&incoming.method)
        .ok_or(MethodNotAllowed { method: incoming.method.clone(), allowed: Vec::new() })?;
    let query = Query::parse(&incoming.query);
    handler.handle(Request { granted, method, query, headers: incoming.headers, body: incoming.body }).await
}

/// What can't be a tag can't be pushed. Whoever asks for it asks for a manifest that isn't there, like any other.
fn misnamed(error: RouteError, method: &str) -> ApiError {
    match error {
        RouteError::Reference(tag @ InvalidReference::Tag(_)) if method != "PUT" => {
            ApiError::new(ErrorCode::ManifestUnknown, tag.to_string())
        }
        error => error.into(),
    }
}

/// An error as the specification wants it.
fn render(error: &ApiError, host: &str) -> Response {
    let mut response = Response::new(Bytes::from(error.body()));
    *response.status_mut() = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in &error.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    if error.code == ErrorCode::Unauthorized
        && let Ok(challenge) = HeaderValue::from_str(&access::challenge(host))
    {
        headers.insert(WWW_AUTHENTICATE, challenge.clone());
        headers.insert(CHALLENGE_HEADER, challenge);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Hello;

    impl Handler for Hello {
        async fn handle(&self, request: Request) -> Result<Response, ApiError> {
            Ok(Response::new(Bytes::from(format!("{:?}", request.route()))))
        }
    }

    async fn ask(method: &str, path: &str, access: Access) -> Response {
        let incoming = Incoming {
            method: method.to_owned(),
            path: path.to_owned(),
            query: String::new(),
            headers: HeaderMap::new(),
            body: Box::pin(futures_util::stream::empty()),
            host: "registry.example.com".to_owned(),
            id: "id-1".to_owned(),
        };
        answer(&Hello, access, incoming).await
    }

    #[tokio::test]
    async fn a_closed_registry_answers_with_a_challenge_in_both_headers() {
        let response = ask("GET", "/v2/", Access::Closed).await;
        assert_eq!(response.status(), 401);
        let challenge = response.headers()[WWW_AUTHENTICATE].clone();
        assert_eq!(challenge, "Basic realm=\"https://registry.example.com/\", service=\"registry.example.com\"");
        assert_eq!(response.headers()[CHALLENGE_HEADER], challenge);
    }

    #[tokio::test]
    async fn percent_escapes_are_read_before_the_path_is_parsed() {
        assert_eq!(ask("GET", "/v2/a%2Fb/tags/list", Access::Open).await.status(), 200);
        assert_eq!(ask("GET", "/v2/a%25b/tags/list", Access::Open).await.status(), 400);
        assert_eq!(ask("GET", "/v2/a%FFb/tags/list", Access::Open).await.status(), 400);
    }

    #[tokio::test]
    async fn methods_and_paths_that_are_not_there_say_so() {
        let response = ask("PUT", "/v2/a/tags/list", Access::Open).await;
        assert_eq!((response.status().as_u16(), &response.headers()["allow"]), (405, &HeaderValue::from_static("GET")));
        assert_eq!(ask("GET", "/v3/", Access::Open).await.status(), 404);
        assert_eq!(ask("OPTIONS", "/v2/", Access::Open).await.status(), 405);
    }

    #[tokio::test]
    async fn every_answer_names_its_request() {
        assert_eq!(ask("GET", "/v2/", Access::Open).await.headers()["x-request-id"], "id-1");
        assert_eq!(ask("GET", "/x", Access::Closed).await.headers()["x-request-id"], "id-1");
    }
}

//! The one path from a request to an answer.

use access::{Ask, Need, Origin};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use protocol::{ApiError, ErrorCode, InvalidReference, Method, MethodNotAllowed, Route, RouteError};
use storage::BodyStream;
use tracing::Instrument as _;

use crate::{Answered, CHALLENGE_HEADER, Gate, Journal, Query, Record, Request};

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
    /// Where the registry is, as the client knows it.
    pub origin: Origin,
    /// Names the request in the log and in the answer.
    pub id: String,
    /// The ARN of the principal that the gateway has authenticated with IAM, on the route that asks for it.
    pub iam: Option<String>,
}

/// Parses, decides, handles and renders.
pub async fn answer(handler: &impl Handler, gate: &Gate, incoming: Incoming) -> Answered<Response> {
    let span = tracing::info_span!("request", id = %incoming.id);
    // On the heap: the compiler needn't know how large all of it is wherever it is awaited.
    Box::pin(respond(handler, gate, incoming)).instrument(span).await
}

async fn respond(handler: &impl Handler, gate: &Gate, incoming: Incoming) -> Answered<Response> {
    let mut record = Record { request_id: incoming.id.clone(), ..Record::default() };
    let what = format!("{} {}", incoming.method, incoming.path);
    let mut response = match handle(handler, gate, incoming, &mut record).await {
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
            record.error = Some(error.code);
            render(&error)
        }
    };
    let headers = response.headers_mut();
    headers.insert("docker-distribution-api-version", HeaderValue::from_static("registry/2.0"));
    if let Ok(id) = HeaderValue::from_str(&record.request_id) {
        headers.insert("x-request-id", id);
    }
    Answered { response, record }
}

async fn handle(
    handler: &impl Handler,
    gate: &Gate,
    incoming: Incoming,
    record: &mut Record,
) -> Result<Response, ApiError> {
    let Incoming { method, path, query, headers, body, origin, id, iam } = incoming;
    // The gateway is reported to have decoded it; a name can't contain a percent sign, so decoding what is left does no
    // harm. From here on access and handler see one and the same thing.
    let path = percent_encoding::percent_decode_str(&path).decode_utf8_lossy();
    let route = Route::parse(&path).map_err(|error| misnamed(error, &method))?;
    route.function(&method)?;
    let method = Method::parse(&method).ok_or(MethodNotAllowed { method, allowed: Vec::new() })?;
    let mut query = Query::parse(&query);
    let source = match route {
        Route::Uploads(_) if query.get("mount").is_some() => query.take_repository("from")?,
        _ => None,
    };
    let ask = Ask::new(route, method, source);
    let need = ask.need();
    let granted = gate.admit(ask, &headers, &origin, &id).await?;
    record.principal = Some(granted.principal().clone());
    if let Need::Action(_, name) = need {
        record.repository = Some(name);
    }
    let journal = Journal::default();
    let request = Request { granted, method, query, headers, body, origin, id, iam, journal: journal.clone() };
    let answered = handler.handle(request).await;
    record.happenings = journal.take();
    answered
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
fn render(error: &ApiError) -> Response {
    let mut response = Response::new(Bytes::from(error.body()));
    *response.status_mut() = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in &error.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    if let Some(challenge) = headers.get(WWW_AUTHENTICATE).cloned() {
        headers.insert(CHALLENGE_HEADER, challenge);
    }
    response
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use access::Access;
    use storage::Storage;

    use super::*;
    use crate::Happening;

    struct Hello;

    impl Handler for Hello {
        async fn handle(&self, request: Request) -> Result<Response, ApiError> {
            request.journal.note(Happening::Pulled { bytes: 1, digest: protocol::Digest::sha256(b"") });
            match request.query.get("fail") {
                Some(_) => Err(ApiError::new(ErrorCode::Internal, "after all")),
                None => Ok(Response::new(Bytes::from(format!("{:?}", request.route())))),
            }
        }
    }

    /// Nothing here is read from it: what needs a key or a grant is tested where there is a table.
    fn gate(access: Access) -> Gate {
        Gate::new(access, Arc::new(Storage::new(&crate::environment::unreachable())))
    }

    async fn ask(method: &str, path: &str, access: Access) -> Response {
        answered(method, path, "", access).await.response
    }

    async fn answered(method: &str, path: &str, query: &str, access: Access) -> Answered<Response> {
        let incoming = Incoming {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: HeaderMap::new(),
            body: Box::pin(futures_util::stream::empty()),
            origin: Origin::new("registry.example.com", true),
            id: "id-1".to_owned(),
            iam: None,
        };
        answer(&Hello, &gate(access), incoming).await
    }

    #[tokio::test]
    async fn a_registry_with_login_answers_with_a_challenge_in_both_headers() {
        let response = ask("GET", "/v2/a/tags/list", Access::Login).await;
        assert_eq!(response.status(), 401);
        let challenge = response.headers()[WWW_AUTHENTICATE].clone();
        let expected = "Bearer realm=\"https://registry.example.com/token\",service=\"registry.example.com\",\
                        scope=\"repository:a:pull\"";
        assert_eq!(challenge, expected);
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
        assert_eq!(ask("GET", "/x", Access::Login).await.headers()["x-request-id"], "id-1");
    }

    #[tokio::test]
    async fn what_a_request_did_is_told_also_when_it_ends_with_an_error() {
        for (query, error) in [("", None), ("fail", Some(ErrorCode::Internal))] {
            let expected = Record {
                request_id: "id-1".to_owned(),
                principal: Some(access::Principal::Anyone),
                repository: "a/b".parse().ok(),
                happenings: vec![Happening::Pulled { bytes: 1, digest: protocol::Digest::sha256(b"") }],
                error,
            };
            assert_eq!(answered("GET", "/v2/a/b/tags/list", query, Access::Open).await.record, expected);
        }
    }

    #[tokio::test]
    async fn who_was_not_let_in_did_nothing() {
        let record = answered("GET", "/v2/a/tags/list", "", Access::Login).await.record;
        let error = Some(ErrorCode::Unauthorized);
        assert_eq!(record, Record { request_id: "id-1".to_owned(), error, ..Record::default() });
    }
}

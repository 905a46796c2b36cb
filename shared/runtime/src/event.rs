//! Events of API Gateway, payload format 2.0, and the answers to them.
//!
//! The event's raw path and query are read as they are, rather than through a URL built of them: what a client puts into
//! a path then meets one parser, ours.

use std::time::{Duration, Instant};

use access::Origin;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use lambda_http::aws_lambda_events::encodings::Body;

use crate::{Answered, Deadline, Gate, Handler, Incoming, Response, answer};

/// What the gateway sends.
pub type Event = ApiGatewayV2httpRequest;
/// What it wants back.
pub type EventResponse = ApiGatewayV2httpResponse;

/// What is kept of a function's time for the answer, after all that storage may take.
const FOR_THE_ANSWER: Duration = Duration::from_secs(1);

/// How clients reach a registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// Its public host name, when it isn't the gateway's.
    pub name: Option<String>,
    /// Whether it is spoken to without TLS, as on loopback.
    pub is_plain_http: bool,
}

/// Answers one event before the deadline.
pub async fn invoke(
    handler: &impl Handler,
    gate: &Gate,
    host: &Host,
    event: Event,
    deadline: Deadline,
) -> Answered<EventResponse> {
    let for_storage = deadline.remaining().saturating_sub(storage::deadline::RESERVE + FOR_THE_ANSWER);
    let answered = answer(handler, gate, incoming(host, event));
    let Answered { response, record } = storage::deadline::until(Instant::now() + for_storage, answered).await;
    Answered { response: respond(response), record }
}

fn incoming(host: &Host, event: Event) -> Incoming {
    let context = event.request_context;
    let name = host.name.clone().or(context.domain_name).unwrap_or_default();
    // Only a route with an authorizer has one, and nothing that a client sends ends up there.
    let iam = context.authorizer.and_then(|authorizer| authorizer.iam).and_then(|iam| iam.user_arn);
    let body = match (event.body, event.is_base64_encoded) {
        (None, _) => Ok(Bytes::new()),
        (Some(text), false) => Ok(Bytes::from(text)),
        (Some(text), true) => {
            STANDARD.decode(text).map(Bytes::from).map_err(|error| storage::StreamError(error.to_string()))
        }
    };
    Incoming {
        method: context.http.method.to_string(),
        path: event.raw_path.unwrap_or_default(),
        query: event.raw_query_string.unwrap_or_default(),
        headers: event.headers,
        body: Box::pin(futures_util::stream::iter([body])),
        origin: Origin::new(&name, !host.is_plain_http),
        id: context.request_id.unwrap_or_default(),
        iam,
    }
}

/// Bodies always travel in base64: a manifest's bytes are what its digest is about, and no gateway shall touch them.
fn respond(response: Response) -> EventResponse {
    let (parts, body) = response.into_parts();
    let mut answer = EventResponse::default();
    answer.status_code = i64::from(parts.status.as_u16());
    answer.headers = parts.headers;
    answer.multi_value_headers = HeaderMap::new();
    if !body.is_empty() {
        answer.is_base64_encoded = true;
        answer.body = Some(Body::Binary(body.to_vec()));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Request;

    struct Echo;

    impl Handler for Echo {
        async fn handle(&self, request: Request) -> Result<Response, protocol::ApiError> {
            let too_large = protocol::ApiError::new(protocol::ErrorCode::SizeInvalid, "too large");
            request.into_bytes(100, too_large).await.map(|bytes| Response::new(Bytes::from(bytes)))
        }
    }

    fn event(body: &str, base64: bool) -> Event {
        let event = serde_json::json!({
            "version": "2.0", "routeKey": "$default", "rawPath": "/v2/a/manifests/latest", "rawQueryString": "",
            "headers": {"accept": "application/json"}, "isBase64Encoded": base64, "body": body,
            "requestContext": {
                "accountId": "1", "apiId": "1", "domainName": "registry.example.com", "domainPrefix": "registry",
                "http": {"method": "PUT", "path": "/v2/a/manifests/latest", "protocol": "HTTP/1.1",
                         "sourceIp": "192.0.2.1", "userAgent": "test"},
                "requestId": "id-1", "routeKey": "$default", "stage": "$default",
                "time": "12/Mar/2026:19:03:58 +0000", "timeEpoch": 1773342238000_u64
            }
        });
        serde_json::from_value(event).unwrap()
    }

    fn gate() -> Gate {
        let storage = storage::Storage::new(&crate::environment::unreachable());
        Gate::new(access::Access::Open, std::sync::Arc::new(storage))
    }

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(25))
    }

    #[tokio::test]
    async fn bodies_come_and_go_unchanged() {
        for (sent, base64) in [("plain", false), ("cGxhaW4=", true)] {
            let answer = invoke(&Echo, &gate(), &Host::default(), event(sent, base64), soon()).await.response;
            let json = serde_json::to_value(&answer).unwrap();
            assert_eq!((&json["statusCode"], &json["body"]), (&200.into(), &"cGxhaW4=".into()));
            assert_eq!(json["isBase64Encoded"], true);
        }
    }

    #[tokio::test]
    async fn a_body_that_is_not_base64_is_an_error_and_no_crash() {
        let answer = invoke(&Echo, &gate(), &Host::default(), event("%%%", true), soon()).await.response;
        assert_eq!(answer.status_code, 400);
    }
}

//! The gateway's own answers, which a deployment can't change.

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};

/// Why the gateway answers in place of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The client broke off, or sent something that isn't HTTP.
    BrokenRequest,
    /// The route wants a signed request, and this one isn't, or isn't rightly.
    Forbidden,
    /// No route matches and there is no `$default`.
    NotFound,
    /// Over 10 MiB of payload. An event over 6 MiB, which Lambda refuses, is answered alike: some report 413 for it and
    /// some 500, and to a client it is the same fault.
    PayloadTooLarge,
    /// Request line and headers over 10,240 bytes.
    HeadTooLarge,
    /// The function failed, or its answer was malformed or too large.
    Internal,
    /// The function didn't answer in time.
    Unavailable,
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::BrokenRequest => StatusCode::BAD_REQUEST,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn body(self) -> &'static str {
        match self {
            Self::BrokenRequest => r#"{"message":"Bad Request"}"#,
            Self::Forbidden => r#"{"message":"Forbidden"}"#,
            Self::NotFound => r#"{"message":"Not Found"}"#,
            Self::PayloadTooLarge => r#"{"message":"Request Entity Too Large"}"#,
            Self::HeadTooLarge => r#"{"message":"Request Header Fields Too Large"}"#,
            Self::Internal => r#"{"message":"Internal Server Error"}"#,
            Self::Unavailable => r#"{"message":"Service Unavailable"}"#,
        }
    }

    pub(super) fn response(self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from_static(self.body().as_bytes()));
        *response.status_mut() = self.status();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

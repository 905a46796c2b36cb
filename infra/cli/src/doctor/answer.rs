//! What came back, as checks look at it.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

/// An answer, or why there is none.
pub(super) type Outcome<T = Answer> = Result<T, Unanswered>;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unanswered {
    /// No connection, with the reason.
    #[error("no connection: {0}")]
    NoConnection(String),
    /// The connection ended before an answer came, with the reason.
    #[error("the connection broke off: {0}")]
    BrokeOff(String),
    /// Nothing came for so many seconds.
    #[error("no answer within {0} s")]
    Silent(u64),
    /// The request can't be made: a URL that is none.
    #[error("not a request: {0}")]
    NotARequest(String),
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The answer to HEAD, byte by byte.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    pub(super) answer: Answer,
    /// How many bytes came after the head. There should be none.
    pub(super) trailing: usize,
}

/// Whose words an answer has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// The registry's error: code and message.
    Registry(String, String),
    /// API Gateway's.
    Gateway(String),
    /// S3's code.
    Bucket(String),
    /// Somebody else's, or no error at all.
    Other,
}

/// Both kinds of error.
#[derive(Deserialize)]
#[serde(untagged)]
enum ErrorBody {
    Registry { errors: Vec<RegistryError> },
    Gateway { message: String },
}

#[derive(Deserialize)]
struct RegistryError {
    code: String,
    #[serde(default)]
    message: String,
}

impl Answer {
    /// A header that is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `Content-Length`.
    pub(super) fn length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    /// Whose words these are.
    pub(super) fn voice(&self) -> Voice {
        match serde_json::from_slice(&self.body) {
            Ok(ErrorBody::Registry { errors }) => match errors.into_iter().next() {
                Some(error) => Voice::Registry(error.code, error.message),
                None => Voice::Other,
            },
            Ok(ErrorBody::Gateway { message }) => Voice::Gateway(message),
            Err(_) => match bucket_code(&self.body) {
                Some(code) => Voice::Bucket(code),
                None => Voice::Other,
            },
        }
    }

    /// Whether the registry itself refused: nothing before it did.
    pub(super) fn is_registrys_error(&self) -> bool {
        matches!(self.voice(), Voice::Registry(..))
    }

    /// The registry's error code.
    pub(super) fn code(&self) -> Option<String> {
        match self.voice() {
            Voice::Registry(code, _) => Some(code),
            Voice::Gateway(_) | Voice::Bucket(_) | Voice::Other => None,
        }
    }

    /// The status, and the error if it is one.
    pub(super) fn said(&self) -> String {
        let status = self.status.as_u16();
        match self.voice() {
            Voice::Registry(code, message) => format!("{status} ({code}: {message})"),
            Voice::Gateway(message) => format!("{status} (the gateway: {message})"),
            Voice::Bucket(code) => format!("{status} ({code})"),
            Voice::Other => status.to_string(),
        }
    }
}

/// `said`, or why nothing was.
pub(super) fn said(outcome: &Outcome) -> String {
    match outcome {
        Ok(answer) => answer.said(),
        Err(unanswered) => unanswered.to_string(),
    }
}

/// S3 answers errors in XML.
fn bucket_code(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    Some(code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Answer {
        Answer { status: StatusCode::NOT_FOUND, body: Bytes::copy_from_slice(body.as_bytes()), ..Answer::default() }
    }

    #[test]
    fn an_error_is_told_in_the_words_of_whoever_made_it() {
        for (body, expected) in [
            (r#"{"errors":[{"code":"NAME_UNKNOWN","message":"no a"}]}"#, "404 (NAME_UNKNOWN: no a)"),
            (r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#, "404 (NAME_UNKNOWN: )"),
            (r#"{"message":"Not Found"}"#, "404 (the gateway: Not Found)"),
            ("<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>", "404 (NoSuchKey)"),
            (r#"{"errors":[]}"#, "404"),
            ("<html>", "404"),
            ("", "404"),
        ] {
            assert_eq!(answer(body).said(), expected);
        }
    }
}

//! A function's answer, read as payload format 2.0.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue, InvalidHeaderName, InvalidHeaderValue};
use http::{Response, StatusCode};
use serde::Deserialize;

use super::event::HOP_BY_HOP;

/// What a function answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    status_code: u16,
    headers: Option<BTreeMap<String, String>>,
    cookies: Option<Vec<String>>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// Why an answer can't be turned into a response.
#[derive(Debug, thiserror::Error)]
pub(super) enum AnswerError {
    #[error("{0} bytes; Lambda transports {max}", max = super::MAX_ANSWER)]
    TooLarge(usize),
    #[error("not an answer of payload format 2.0: {0}")]
    Form(#[from] serde_json::Error),
    #[error("status {0}")]
    Status(u16),
    #[error("{0}")]
    HeaderName(#[from] InvalidHeaderName),
    #[error("{0}")]
    HeaderValue(#[from] InvalidHeaderValue),
    #[error("the body isn't base64: {0}")]
    Base64(#[from] base64::DecodeError),
}

impl Answer {
    pub(super) fn parse(json: &[u8]) -> Result<Self, AnswerError> {
        if json.len() > super::MAX_ANSWER {
            return Err(AnswerError::TooLarge(json.len()));
        }
        Ok(serde_json::from_slice(json)?)
    }

    /// The response, without `Content-Length` and the headers of a connection, which aren't the function's to set.
    pub(super) fn into_response(self) -> Result<Response<Bytes>, AnswerError> {
        let status = StatusCode::from_u16(self.status_code).ok().filter(|status| !status.is_informational());
        let status = status.ok_or(AnswerError::Status(self.status_code))?;
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers.unwrap_or_default() {
            let name = HeaderName::from_bytes(name.as_bytes())?;
            if name != header::CONTENT_LENGTH && !HOP_BY_HOP.contains(&name.as_str()) {
                headers.insert(name, HeaderValue::from_str(&value)?);
            }
        }
        for cookie in self.cookies.unwrap_or_default() {
            headers.append(header::SET_COOKIE, HeaderValue::from_str(&cookie)?);
        }
        // What the gateway says of a body that the function says nothing about.
        headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("text/plain;charset=UTF-8"));
        let body = match self.body {
            Some(body) if self.is_base64_encoded => Bytes::from(BASE64_STANDARD.decode(body)?),
            Some(body) => Bytes::from(body),
            None => Bytes::new(),
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

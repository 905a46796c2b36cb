//! Integrations: the function that a route leads to, and what is done to the function's answer.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::header::{HeaderName, HeaderValue};
use protocol::Function;

/// A Lambda function behind the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Integration {
    pub(super) function: Function,
    /// How long an answer may take.
    pub(super) timeout: Duration,
    /// What is done to answers, by status.
    pub(super) mappings: BTreeMap<u16, Vec<HeaderMapping>>,
}

impl Integration {
    /// Applies the mappings for the answer's status.
    pub(super) fn map_response(&self, response: &mut Response<Bytes>) {
        for mapping in self.mappings.get(&response.status().as_u16()).into_iter().flatten() {
            mapping.apply(response);
        }
    }
}

/// One entry of an integration's `ResponseParameters`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HeaderMapping {
    action: Action,
    destination: HeaderName,
    source: Source,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Append,
    Overwrite,
    Remove,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// `$response.header.<name>` of the function's answer. Nothing is mapped when it has no such header.
    Header(HeaderName),
    Text(HeaderValue),
}

/// Header names, or beginnings of them, that AWS lets nobody map.
const RESERVED: &[&str] = &[
    "access-control-",
    "apigw-",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-location",
    "forwarded",
    "keep-alive",
    "origin",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailers",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-amz-",
    "x-amzn-",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

impl HeaderMapping {
    /// Reads a mapping; None for one that AWS refuses or that isn't emulated (other destinations than headers, sources
    /// other than headers and plain text).
    pub(super) fn parse(source: &str, destination: &str) -> Option<Self> {
        let (action, name) = destination.split_once(":header.")?;
        let action = match action {
            "append" => Action::Append,
            "overwrite" => Action::Overwrite,
            "remove" => Action::Remove,
            _ => return None,
        };
        let destination = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let reserved = |name: &str| {
            RESERVED.iter().any(|reserved| name == *reserved || reserved.ends_with('-') && name.starts_with(reserved))
        };
        if reserved(destination.as_str()) {
            return None;
        }
        let source = match source.strip_prefix("$response.header.") {
            Some(name) => Source::Header(HeaderName::from_bytes(name.as_bytes()).ok()?),
            None if source.contains('$') => return None,
            None => Source::Text(HeaderValue::from_str(source).ok()?),
        };
        Some(Self { action, destination, source })
    }

    fn apply(&self, response: &mut Response<Bytes>) {
        let headers = response.headers_mut();
        if self.action == Action::Remove {
            headers.remove(&self.destination);
            return;
        }
        let value = match &self.source {
            Source::Header(name) => headers.get(name).cloned(),
            Source::Text(text) => Some(text.clone()),
        };
        match (value, self.action) {
            (Some(value), Action::Append) => _ = headers.append(&self.destination, value),
            (Some(value), _) => _ = headers.insert(&self.destination, value),
            (None, _) => {}
        }
    }
}

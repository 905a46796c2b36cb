//! Everything that isn't an upload goes to the registry and comes back as it is.

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt as _;
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName};
use http::uri::PathAndQuery;
use http::{Method, Response, Uri};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use protocol::{ApiError, ErrorCode, MAX_MANIFEST_SIZE};

use crate::door::{Door, Request};
use crate::payload::Payload;
use crate::reply::{Answer, Failure};
use crate::upstream::BoxError;

/// Headers that belong to one connection.
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    http::header::PROXY_AUTHENTICATE,
    http::header::PROXY_AUTHORIZATION,
    http::header::TE,
    http::header::TRAILER,
    http::header::TRANSFER_ENCODING,
    http::header::UPGRADE,
];

impl Door {
    /// Asks the registry what the client asked.
    pub(crate) async fn pass(&self, request: Request) -> Result<Answer, Failure> {
        let mut headers = request.headers;
        let payload = collect(request.body, &headers).await?;
        drop_hop_by_hop(&mut headers);
        for name in [HOST, CONTENT_LENGTH, EXPECT] {
            headers.remove(name);
        }
        let call = self.upstream.call(request.method, path_and_query(&request.uri), headers, Payload::Bytes(payload));
        // What changes nothing when it is done twice is tried again; to repeat a DELETE would turn success into 404.
        let outcome = match call.method {
            Method::GET | Method::HEAD | Method::PUT => self.upstream.persist(&call).await,
            _ => self.upstream.send(&call).await,
        };
        outcome.map(back).map_err(|error| self.unreachable(error))
    }
}

/// An answer of the registry on its way to the client.
pub(crate) fn back(answer: Response<Incoming>) -> Answer {
    let mut answer = answer.map(|body| body.map_err(BoxError::from).boxed_unsync());
    drop_hop_by_hop(answer.headers_mut());
    answer
}

fn path_and_query(uri: &Uri) -> PathAndQuery {
    uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"))
}

/// The whole body: a manifest, as a rule.
async fn collect(mut body: crate::door::Pieces, headers: &HeaderMap) -> Result<Bytes, Failure> {
    let too_large = || {
        let message = format!("a manifest may have at most {MAX_MANIFEST_SIZE} bytes");
        Failure::from(ApiError::new(ErrorCode::ManifestTooLarge, message))
    };
    if content_length(headers).is_some_and(|length| length > MAX_MANIFEST_SIZE as u64) {
        return Err(too_large());
    }
    let mut bytes = BytesMut::new();
    let broken = |error| ApiError::new(ErrorCode::SizeInvalid, format!("the body broke off: {error}"));
    while let Some(piece) = body.try_next().await.map_err(broken)? {
        if bytes.len() + piece.len() > MAX_MANIFEST_SIZE {
            return Err(too_large());
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.freeze())
}

/// The body's length, when it is announced.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn drop_hop_by_hop(headers: &mut HeaderMap) {
    let lines = headers.get_all(CONNECTION).iter().filter_map(|line| line.to_str().ok());
    let named: Vec<HeaderName> = lines.flat_map(|line| line.split(',')).filter_map(|n| n.trim().parse().ok()).collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn headers_of_the_connection_stay_on_it() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Mine"),
            ("x-mine", "1"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("www-authenticate", "Basic"),
            ("content-length", "7"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        drop_hop_by_hop(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["content-length", "www-authenticate"]);
    }
}

//! A request as handlers see it.

use access::{Granted, Origin};
use http::{HeaderMap, HeaderName};
use protocol::{Accept, ApiError, ContentRange, Digest, ErrorCode, Method, RepositoryName, Route};
use storage::BodyStream;

use crate::Journal;

/// A request whose route was granted.
pub struct Request {
    pub(crate) granted: Granted,
    /// The method.
    pub method: Method,
    /// The query.
    pub query: Query,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body, in pieces.
    pub body: BodyStream,
    /// Where the registry is, as the client knows it.
    pub origin: Origin,
    /// Names the request in the log.
    pub id: String,
    /// The ARN of the principal that the gateway has authenticated with IAM, on the route that asks for it.
    pub iam: Option<String>,
    /// Where is written down what the request does.
    pub journal: Journal,
}

impl Request {
    /// What the caller may do.
    pub fn granted(&self) -> &Granted {
        &self.granted
    }

    /// What the path names.
    pub fn route(&self) -> &Route {
        self.granted.route()
    }

    /// The error for a route that isn't this function's: the gateway's routes and the functions' disagree.
    pub fn unrouted(&self) -> ApiError {
        let what = format!("{} on {:?} is answered by another function", self.method.as_str(), self.route());
        ApiError::new(ErrorCode::RouteUnknown, what)
    }

    /// Everything that the client says it can read.
    pub fn accept(&self) -> Accept {
        let lines = self.headers.get_all(http::header::ACCEPT);
        Accept::parse(lines.iter().filter_map(|line| line.to_str().ok()))
    }

    /// A header field as text; None when it is absent or isn't text.
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The range of a chunk.
    ///
    /// # Errors
    /// When it is malformed, or the body announces another length.
    pub fn content_range(&self) -> Result<Option<ContentRange>, ApiError> {
        let Some(value) = self.headers.get(http::header::CONTENT_RANGE) else { return Ok(None) };
        let text = value.to_str().unwrap_or("?");
        let range: ContentRange = text
            .parse()
            .map_err(|error: protocol::InvalidRange| ApiError::new(ErrorCode::BlobUploadInvalid, error.to_string()))?;
        match self.content_length() {
            Some(length) if length != range.length() => Err(ApiError::new(
                ErrorCode::SizeInvalid,
                format!("Content-Range {text} has {} bytes, the body has {length}", range.length()),
            )),
            _ => Ok(Some(range)),
        }
    }

    /// The body's length, when it is announced.
    pub fn content_length(&self) -> Option<u64> {
        self.header(http::header::CONTENT_LENGTH).and_then(|text| text.parse().ok())
    }

    /// Reads the whole body, up to `limit` bytes.
    ///
    /// # Errors
    /// `too_large` when there are more, and an error of its own when the body breaks off.
    pub async fn into_bytes(self, limit: usize, too_large: ApiError) -> Result<Vec<u8>, ApiError> {
        use futures_util::TryStreamExt as _;
        let expected = self.content_length();
        if expected.is_some_and(|length| length > limit as u64) {
            return Err(too_large);
        }
        let mut body = self.body;
        let mut bytes = Vec::new();
        let broken = |error: storage::StreamError| {
            ApiError::new(ErrorCode::SizeInvalid, format!("the body broke off after it began: {error}"))
        };
        while let Some(piece) = body.try_next().await.map_err(broken)? {
            if bytes.len() + piece.len() > limit {
                return Err(too_large);
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }
}

/// The query of a URL, decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query string, without the question mark.
    pub fn parse(text: &str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// The first value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter that may be repeated.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that is a digest.
    ///
    /// # Errors
    /// When it is there and malformed.
    pub fn digest(&self, name: &str) -> Result<Option<Digest>, ApiError> {
        let invalid = |error: protocol::InvalidDigest| {
            ApiError::new(ErrorCode::DigestInvalid, format!("the parameter {name}: {error}"))
        };
        self.get(name).map(str::parse).transpose().map_err(invalid)
    }

    /// Takes out a parameter that names a repository: whether the caller may touch it is decided before a handler sees the
    /// query, and a handler learns it from that decision.
    pub(crate) fn take_repository(&mut self, name: &str) -> Result<Option<RepositoryName>, ApiError> {
        let invalid = |error: protocol::InvalidName| {
            ApiError::new(ErrorCode::NameInvalid, format!("the parameter {name}: {error}"))
        };
        let repository = self.get(name).map(str::parse).transpose().map_err(invalid)?;
        self.0.retain(|(key, _)| key != name);
        Ok(repository)
    }

    /// Where the previous page ended, `last`.
    ///
    /// # Errors
    /// When it is longer than anything that is listed.
    pub fn last(&self) -> Result<Option<&str>, ApiError> {
        match self.get("last").filter(|last| !last.is_empty()) {
            Some(last) if last.len() > RepositoryName::MAX_LENGTH => {
                let message = format!("last may have at most {} characters", RepositoryName::MAX_LENGTH);
                Err(ApiError::new(ErrorCode::PaginationInvalid, message))
            }
            last => Ok(last),
        }
    }

    /// The page length `n`.
    ///
    /// # Errors
    /// When it is there and isn't a number.
    pub fn page_length(&self) -> Result<Option<usize>, ApiError> {
        let invalid = |text: &str| {
            ApiError::new(ErrorCode::PaginationInvalid, format!("n must be a number, 0 or greater; it is {text:?}"))
        };
        self.get("n").map(|text| text.parse().map_err(|_| invalid(text))).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded_once() {
        let mut query = Query::parse("digest=sha256%3Aab&from=a%2Fb&from=c");
        assert_eq!(query.get("digest"), Some("sha256:ab"));
        assert_eq!(query.get("from"), Some("a/b"));
        assert!(query.digest("digest").is_err());
        assert!(query.take_repository("from").is_ok_and(|name| name.is_some_and(|name| name.as_str() == "a/b")));
        assert_eq!(query.get("from"), None);
    }

    #[test]
    fn the_end_of_the_last_page_has_the_length_of_a_name() {
        assert_eq!(Query::parse("last=a%2Fb").last(), Ok(Some("a/b")));
        assert_eq!(Query::parse("last=").last(), Ok(None));
        assert!(Query::parse(&format!("last={}", "a".repeat(257))).last().is_err());
    }

    #[test]
    fn a_page_length_is_a_number() {
        assert_eq!(Query::parse("n=0").page_length(), Ok(Some(0)));
        assert_eq!(Query::parse("").page_length(), Ok(None));
        for bad in ["n=", "n=-1", "n=ten", "n=1.5"] {
            assert!(Query::parse(bad).page_length().is_err(), "{bad}");
        }
    }
}

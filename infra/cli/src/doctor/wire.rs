//! Requests exactly as they are wanted: one connection each, no redirects, no retries, bodies with or without a length.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Frame, SizeHint};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use proxy::{Connector, connector, with_causes};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use tower_service::Service as _;

use super::answer::{Answer, Head, Outcome, Unanswered};

/// How long an answer may take after its request was sent. A gateway gives up after 30 s.
const PATIENCE: Duration = Duration::from_secs(40);
/// What a slow line carries, in bytes a second: bodies get the time that they take there.
const SLOW_LINE: u64 = 100_000;
/// How long a body may take to appear where none belongs, when the server doesn't close the connection.
const LINGER: Duration = Duration::from_secs(5);
/// The longest answer that is read, in bytes. Everything that is asked for is small.
const LONGEST: usize = 1024 * 1024;
/// Pieces of a body without a length, in bytes.
const PIECE: usize = 64 * 1024;

/// A request.
pub(super) struct Ask {
    method: Method,
    url: Uri,
    headers: HeaderMap,
    body: Bytes,
    has_length: bool,
}

impl Ask {
    pub(super) fn new(method: Method, url: Uri) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: Bytes::new(), has_length: true }
    }

    /// With a header.
    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// With a header, if there is one to add.
    pub(super) fn maybe(self, name: HeaderName, value: Option<&HeaderValue>) -> Self {
        match value {
            Some(value) => self.header(name, value.clone()),
            None => self,
        }
    }

    /// With a body of a length that is told.
    pub(super) fn body(mut self, body: Bytes) -> Self {
        self.body = body;
        self
    }

    /// With a body in chunks (RFC 9112, section 7.1).
    pub(super) fn chunked(mut self, body: Bytes) -> Self {
        (self.body, self.has_length) = (body, false);
        self
    }

    fn patience(&self) -> Duration {
        PATIENCE + Duration::from_secs(self.body.len() as u64 / SLOW_LINE)
    }

    /// As it stands on a connection to its host.
    fn into_request(self) -> Outcome<Request<Payload>> {
        let not_a_request = |error: String| Unanswered::NotARequest(error);
        let authority = self.url.authority().ok_or_else(|| not_a_request("a URL without a host".to_owned()))?;
        let host = HeaderValue::from_str(authority.as_str()).map_err(|error| not_a_request(error.to_string()))?;
        let target = self.url.path_and_query().map_or("/", |path| path.as_str());
        let carries = matches!(self.method, Method::POST | Method::PUT | Method::PATCH);
        let length = (self.has_length && carries).then(|| HeaderValue::from(self.body.len()));
        let body = Payload { rest: self.body, has_length: self.has_length };
        let request = Request::builder().method(self.method).uri(target).body(body);
        let mut request = request.map_err(|error| not_a_request(error.to_string()))?;
        *request.headers_mut() = self.headers;
        request.headers_mut().insert(HOST, host);
        request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        if let Some(length) = length {
            // Also where it is 0: without a length some read "none", and others "unknown".
            request.headers_mut().insert(CONTENT_LENGTH, length);
        }
        Ok(request)
    }
}

/// What goes over the line.
struct Payload {
    rest: Bytes,
    has_length: bool,
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.rest.len().min(PIECE);
        let frame = (piece > 0).then(|| Ok(Frame::data(self.rest.split_to(piece))));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.has_length && self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if self.has_length { SizeHint::with_exact(self.rest.len() as u64) } else { SizeHint::default() }
    }
}

/// What sends them.
pub(super) struct Wire {
    connector: Connector,
}

impl Wire {
    /// # Errors
    /// When this machine's certificates can't be read.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { connector: connector()? })
    }

    /// Sends a request and reads its answer.
    pub(super) async fn send(&self, ask: Ask) -> Outcome {
        let patience = ask.patience();
        timeout(patience, self.exchange(ask)).await.unwrap_or(Err(Unanswered::Silent(patience.as_secs())))
    }

    async fn exchange(&self, ask: Ask) -> Outcome {
        let broke_off = |error: hyper::Error| Unanswered::BrokeOff(with_causes(&error));
        let stream = self.connect(&ask.url).await?;
        let request = ask.into_request()?;
        let (mut sender, connection) = http1::handshake(stream).await.map_err(broke_off)?;
        let connection = tokio::spawn(connection);
        let answered = async {
            let (head, body) = sender.send_request(request).await.map_err(broke_off)?.into_parts();
            let body = Limited::new(body, LONGEST).collect().await;
            let body = body.map_err(|error| Unanswered::BrokeOff(with_causes(error.as_ref())))?.to_bytes();
            Ok(Answer { status: head.status, headers: head.headers, body })
        };
        let outcome = answered.await;
        // What is left of a body that nobody wanted needn't be sent.
        connection.abort();
        outcome
    }

    /// Sends HEAD, and reads whatever comes until the connection ends: libraries don't show bytes that don't belong
    /// there.
    pub(super) async fn head(&self, url: Uri, headers: HeaderMap) -> Outcome<Head> {
        let silent = Err(Unanswered::Silent(PATIENCE.as_secs()));
        timeout(PATIENCE, self.exchange_head(url, headers)).await.unwrap_or(silent)
    }

    async fn exchange_head(&self, url: Uri, headers: HeaderMap) -> Outcome<Head> {
        let broke_off = |error: io::Error| Unanswered::BrokeOff(error.to_string());
        let mut stream = TokioIo::new(self.connect(&url).await?);
        let request = Ask { headers, ..Ask::new(Method::HEAD, url) }.into_request()?;
        let mut text = format!("HEAD {} HTTP/1.1\r\n", request.uri()).into_bytes();
        for (name, value) in request.headers() {
            text.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        text.extend(b"\r\n");
        stream.write_all(&text).await.map_err(broke_off)?;
        let mut read = Vec::new();
        let (answer, length) = loop {
            if let Some(parsed) = parse_head(&read)? {
                break parsed;
            }
            if stream.read_buf(&mut read).await.map_err(broke_off)? == 0 {
                return Err(Unanswered::BrokeOff("within the head of the answer".to_owned()));
            }
        };
        // An end without TLS's farewell is an end as well.
        while read.len() < LONGEST && matches!(timeout(LINGER, stream.read_buf(&mut read)).await, Ok(Ok(1..))) {}
        Ok(Head { answer, trailing: read.len() - length })
    }

    async fn connect(&self, url: &Uri) -> Outcome<<Connector as tower_service::Service<Uri>>::Response> {
        let connected = self.connector.clone().call(url.clone()).await;
        connected.map_err(|error| Unanswered::NoConnection(with_causes(error.as_ref())))
    }
}

/// The head of an answer and its length in bytes, once all of it is there.
fn parse_head(read: &[u8]) -> Outcome<Option<(Answer, usize)>> {
    const MOST_HEADERS: usize = 64;
    let malformed = |what: String| Unanswered::BrokeOff(format!("the answer isn't HTTP: {what}"));
    let mut lines = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Response::new(&mut lines);
    let length = match head.parse(read).map_err(|error| malformed(error.to_string()))? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return Ok(None),
    };
    let status = StatusCode::from_u16(head.code.unwrap_or_default()).map_err(|error| malformed(error.to_string()))?;
    let mut headers = HeaderMap::new();
    for line in head.headers {
        if let (Ok(name), Ok(value)) = (line.name.parse::<HeaderName>(), HeaderValue::from_bytes(line.value)) {
            headers.append(name, value);
        }
    }
    Ok(Some((Answer { status, headers, body: Bytes::new() }, length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_all_of_it_is_there() {
        let text = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /a\r\nContent-Length: 5\r\n\r\nHello";
        assert!(parse_head(&text[..40]).unwrap().is_none());
        let (answer, length) = parse_head(text).unwrap().unwrap();
        assert_eq!((answer.status.as_u16(), answer.header("location"), answer.length()), (307, Some("/a"), Some(5)));
        assert_eq!(&text[length..], b"Hello");
        assert!(parse_head(b"220 smtp.example.com ready\r\n").is_err());
    }
}

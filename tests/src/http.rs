//! HTTP without a client's opinions: what a test says is what travels.
//!
//! No header is added but `Host`, `Connection` and the body's length, no path is tidied up, no redirect is followed: a
//! client library sends an `Accept` of its own, and the registry answers by it. Every request has its own connection.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// An answer takes milliseconds. This only keeps a server that hangs from hanging the run.
const LIMIT: Duration = Duration::from_secs(120);

/// A request that hasn't been sent yet.
#[derive(Clone)]
pub struct Request {
    method: String,
    authority: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    announced: Option<usize>,
}

/// What came back.
#[derive(Clone)]
pub struct Answer {
    /// Method and path of the request, to name it in a failure.
    pub request: String,
    /// The status code.
    pub status: u16,
    /// Every header line, its name in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A request to an absolute URL.
    #[track_caller]
    pub fn new(method: &str, url: &str) -> Self {
        let rest = url.strip_prefix("http://").unwrap_or_else(|| panic!("not a URL of plain HTTP: {url}"));
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        Self {
            method: method.to_owned(),
            authority: authority.to_owned(),
            path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
            headers: Vec::new(),
            body: Vec::new(),
            announced: None,
        }
    }

    /// With a header line.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a line of `Accept` for each of these.
    #[must_use]
    pub fn accept(self, lines: &[&str]) -> Self {
        lines.iter().fold(self, |request, line| request.header("Accept", line))
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// With another `Content-Length` than the body's. A longer one is a body that breaks off.
    #[must_use]
    pub fn announcing(mut self, length: usize) -> Self {
        self.announced = Some(length);
        self
    }

    /// Sends it, and waits for the whole answer.
    #[track_caller]
    pub fn send(&self) -> Answer {
        let what = format!("{} {}", self.method, self.path);
        let answer = self.try_send().unwrap_or_else(|error| panic!("{what}: {error}"));
        Answer::read(what, &answer)
    }

    /// The same, for a server that may crash: None when it closes the connection without an answer.
    #[track_caller]
    pub fn send_to_a_fragile_server(&self) -> Option<Answer> {
        let what = format!("{} {}", self.method, self.path);
        let answer = self.try_send().unwrap_or_else(|error| panic!("{what}: {error}"));
        (!answer.is_empty()).then(|| Answer::read(what, &answer))
    }

    fn try_send(&self) -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(&self.authority)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        stream.write_all(&self.head())?;
        // A server may answer and close before it has everything. The answer is what counts.
        let _ = stream.write_all(&self.body);
        if self.announced.is_some() {
            stream.shutdown(Shutdown::Write)?;
        }
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    }

    fn head(&self) -> Vec<u8> {
        let Self { method, authority, path, .. } = self;
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n");
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let has_a_body = !self.body.is_empty() || matches!(method.as_str(), "POST" | "PUT" | "PATCH");
        if has_a_body || self.announced.is_some() {
            head.push_str(&format!("Content-Length: {}\r\n", self.announced.unwrap_or(self.body.len())));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }
}

impl Answer {
    #[track_caller]
    pub(crate) fn read(request: String, bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("{request}: no answer but {:?}", String::from_utf8_lossy(bytes)));
        let head = std::str::from_utf8(&bytes[..end]).expect("a readable head");
        let (status, lines) = head.split_once("\r\n").unwrap_or((head, ""));
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let headers = lines.split("\r\n").filter_map(|line| line.split_once(':'));
        let answer = Self {
            status: status.unwrap_or_else(|| panic!("{request}: no status in {head:?}")),
            headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect(),
            body: bytes[end + 4..].to_vec(),
            request,
        };
        assert_eq!(answer.header("transfer-encoding"), None, "{}: the length is to be known", answer.request);
        answer
    }

    /// The value of a header; None when it is absent.
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(header, _)| header == name).map(|(_, value)| value.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "{}: {name} is there twice", self.request);
        value
    }

    /// The value of a header that has to be there.
    #[track_caller]
    pub fn expect_header(&self, name: &str) -> &str {
        self.header(name).unwrap_or_else(|| panic!("{}: no {name} in {:?}", self.request, self.headers))
    }

    /// The answer, provided that it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.request, self.text());
        self
    }

    /// The error in the body, provided that it is this one in the specification's form. Returns its message.
    #[track_caller]
    pub fn expect_error(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{}: {}", self.request, self.text());
        assert_eq!(self.expect_header("content-type"), "application/json", "{}", self.request);
        let body = self.json();
        let errors = body["errors"].as_array().unwrap_or_else(|| panic!("{}: no errors in {body}", self.request));
        assert_eq!(errors.len(), 1, "{}: {body}", self.request);
        assert_eq!(errors[0]["code"], code, "{}: {body}", self.request);
        errors[0]["message"].as_str().unwrap_or_else(|| panic!("{}: no message in {body}", self.request)).to_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{}: {error}: {}", self.request, self.text()))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(2_000).collect()
    }
}

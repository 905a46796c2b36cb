//! Requests that say nothing of their own, and their answers.

use std::fmt;
use std::net::SocketAddr;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    pub(crate) fn new(method: &str, target: impl Into<String>) -> Self {
        Self { method: method.to_owned(), target: target.into(), headers: HeaderMap::new(), body: Bytes::new() }
    }

    pub(crate) fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    pub(crate) fn post(target: impl Into<String>) -> Self {
        Self::new("POST", target)
    }

    /// One more field, also where there is one of that name.
    pub(crate) fn header(mut self, name: HeaderName, value: impl AsRef<[u8]>) -> Self {
        self.headers.append(name, HeaderValue::from_bytes(value.as_ref()).unwrap());
        self
    }

    pub(crate) fn authorization(self, value: impl AsRef<[u8]>) -> Self {
        self.header(AUTHORIZATION, value)
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.authorization(format!("Bearer {token}"))
    }

    pub(crate) fn basic(self, user: &str, password: &str) -> Self {
        self.authorization(basic(user, password))
    }

    pub(crate) fn body(self, media_type: &str, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self.header(CONTENT_TYPE, media_type) }
    }

    pub(crate) fn form(self, parameters: &[(&str, &str)]) -> Self {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        self.body("application/x-www-form-urlencoded", form)
    }

    pub(crate) async fn send(&self, address: SocketAddr) -> Answer {
        Connection::open(address).await.send(self).await
    }
}

pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

/// A connection for one request after the other.
pub(crate) struct Connection {
    address: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        // It ends with the sender; what goes wrong shows there.
        tokio::spawn(connection);
        Self { address, sender }
    }

    pub(crate) async fn send(&mut self, request: &Request) -> Answer {
        let what = format!("{} {}", request.method, request.target);
        let head = http::Request::builder().method(request.method.as_str()).uri(&request.target);
        let mut sent = head.body(Full::new(request.body.clone())).unwrap_or_else(|error| panic!("{what}: {error}"));
        *sent.headers_mut() = request.headers.clone();
        let host = HeaderValue::from_str(&self.address.to_string()).unwrap();
        sent.headers_mut().entry(HOST).or_insert(host);
        self.sender.ready().await.unwrap();
        let answer = self.sender.send_request(sent).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        let (head, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { what, status: head.status.as_u16(), headers: head.headers, body }
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    what: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The code of an error.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        self.json()["errors"][0]["code"].as_str().unwrap_or_else(|| panic!("{self}")).to_owned()
    }

    /// What tells one request from the next is left out, and what `names` say, who are told apart by nothing else.
    pub(crate) fn without_names(&self, names: &[&str]) -> (u16, Vec<(String, String)>, String) {
        let plain = |text: &str| names.iter().fold(text.to_owned(), |text, name| text.replace(name, "NAME"));
        let differ = ["date", "x-request-id", "apigw-requestid"];
        let headers = self.headers.iter().filter(|(name, _)| !differ.contains(&name.as_str()));
        let headers = headers.map(|(name, value)| (name.to_string(), plain(value.to_str().unwrap()))).collect();
        (self.status, headers, plain(&String::from_utf8_lossy(&self.body)))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body: String = String::from_utf8_lossy(&self.body).chars().take(1000).collect();
        write!(f, "{}: {} {:?}\n{body}", self.what, self.status, self.headers)
    }
}

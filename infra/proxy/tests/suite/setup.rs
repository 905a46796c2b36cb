//! A proxy in this process, and a client.

use std::net::SocketAddr;
use std::time::Duration;

use protocol::Digest;
use proxy::{Options, Patience, Proxy};
use reqwest::{Method, RequestBuilder, Response};

use crate::fake::Fake;

/// How often the proxy tries.
pub(crate) const ATTEMPTS: u32 = 4;

/// A proxy that pauses for milliseconds.
pub(crate) async fn proxy(registry: SocketAddr) -> Client {
    with_silence(registry, Duration::from_secs(60)).await
}

/// One that can't bear silence either. When everything is slow, it takes that for silence, too: what it needs to get
/// there isn't for a test to count.
pub(crate) async fn impatient_proxy(registry: SocketAddr) -> Client {
    with_silence(registry, Duration::from_millis(200)).await
}

async fn with_silence(registry: SocketAddr, silence: Duration) -> Client {
    let patience = Patience {
        attempts: ATTEMPTS,
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(5),
        silence,
    };
    let registry = format!("http://{registry}").parse().unwrap();
    let options = Options { registry, port: 0, spool: std::env::temp_dir(), patience, login: None };
    let proxy = Proxy::start(options).await.unwrap();
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    Client { proxy, http }
}

/// A client of a proxy, with credentials.
pub(crate) struct Client {
    proxy: Proxy,
    http: reqwest::Client,
}

pub(crate) const CREDENTIALS: &str = "Basic bWU6c2VjcmV0";

impl Client {
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let url = format!("http://{}{path}", self.proxy.address());
        self.http.request(method, url).header("Authorization", CREDENTIALS)
    }

    pub(crate) async fn send(&self, method: &str, path: &str) -> Response {
        self.request(method, path).send().await.unwrap()
    }

    /// Opens a session and returns its path.
    pub(crate) async fn open(&self) -> String {
        let opened = self.send("POST", "/v2/a/blobs/uploads/").await;
        assert_eq!(opened.status(), 202);
        header(&opened, "location")
    }

    /// POST and one PUT. What is returned answered the PUT.
    pub(crate) async fn push(&self, bytes: &[u8]) -> Response {
        let session = self.open().await;
        self.put(&session, bytes, &Digest::sha256(bytes)).await
    }

    pub(crate) async fn put(&self, session: &str, bytes: &[u8], digest: &Digest) -> Response {
        self.request("PUT", &format!("{session}?digest={digest}")).body(bytes.to_vec()).send().await.unwrap()
    }

    /// Pushes, and looks at what the registry got.
    pub(crate) async fn expect_pushed(&self, registry: &Fake, bytes: &[u8]) {
        let digest = Digest::sha256(bytes);
        let pushed = self.push(bytes).await;
        assert_eq!(pushed.status(), 201, "{:?}", pushed.text().await);
        assert_eq!(header(&pushed, "location"), format!("/v2/a/blobs/{digest}"));
        assert_eq!(header(&pushed, "docker-content-digest"), digest.to_string());
        assert!(registry.blob(&digest).unwrap() == bytes);
        assert_eq!(registry.open_sessions(), 0);
    }
}

pub(crate) fn header(answer: &Response, name: &str) -> String {
    let value = answer.headers().get(name).unwrap_or_else(|| panic!("no {name} in {:?}", answer.headers()));
    value.to_str().unwrap().to_owned()
}

/// Bytes in which no two kilobytes are alike.
pub(crate) fn content(length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 1024);
    for number in 0_u64.. {
        if bytes.len() >= length {
            break;
        }
        bytes.extend_from_slice(&[number.to_le_bytes(); 128].concat());
    }
    bytes.truncate(length);
    bytes
}

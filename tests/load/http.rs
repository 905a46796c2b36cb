//! Requests of a client that keeps its connections.

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::image::MEDIA_TYPE;
use lambda_registry_tests::registry::Registry;
use reqwest::Method;
use reqwest::blocking::{Body, Client, Response};

/// HTTP with the registry: every answer has to have the status that is expected.
pub(crate) struct Http {
    client: Client,
    base: String,
}

impl Http {
    pub(crate) fn new(registry: &Registry) -> Self {
        let client = Client::builder().timeout(None).build().expect("a client");
        Self { client, base: registry.url("") }
    }

    /// Sends a request, as part of a session if it has a range.
    #[track_caller]
    pub(crate) fn send(&self, method: Method, path: &str, range: Option<&str>, body: Body, expected: u16) -> Response {
        let what = format!("{method} {path}");
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        request = request.header("content-type", MEDIA_TYPE).header("accept", MEDIA_TYPE).body(body);
        if let Some(range) = range {
            request = request.header("content-range", range);
        }
        let answer = request.send().unwrap_or_else(|error| panic!("{what}: {error:?}"));
        let status = answer.status().as_u16();
        if status != expected {
            panic!("{what}: {status}: {}", answer.text().unwrap_or_default());
        }
        answer
    }

    /// A request without a body.
    #[track_caller]
    pub(crate) fn ask(&self, method: Method, path: &str, expected: u16) -> Response {
        self.send(method, path, None, "".into(), expected)
    }

    /// The whole body, which has to have this digest.
    #[track_caller]
    pub(crate) fn get(&self, path: &str, digest: &str) -> Vec<u8> {
        let bytes = bytes(path, self.ask(Method::GET, path, 200));
        assert_eq!(sha256(&bytes), digest, "{path}");
        bytes
    }
}

/// An answer's whole body.
#[track_caller]
pub(crate) fn bytes(what: &str, answer: Response) -> Vec<u8> {
    answer.bytes().unwrap_or_else(|error| panic!("{what}: {error:?}")).to_vec()
}

/// The value of a header that has to be there.
#[track_caller]
pub(crate) fn header(answer: &Response, name: &str) -> String {
    let value = answer.headers().get(name).unwrap_or_else(|| panic!("{}: no {name}", answer.url()));
    value.to_str().expect("a readable header").to_owned()
}

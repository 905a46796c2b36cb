//! What every part of a visit needs: whom it visits, as whom, and where findings go.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};
use lambda_registry::Registry;
use protocol::RepositoryName;

use super::answer::{Head, Outcome, Unanswered};
use super::report::Report;
use super::wire::{Ask, Wire};

/// A visit to a registry.
pub(super) struct Visit {
    pub(super) wire: Wire,
    pub(super) registry: Registry,
    /// Where something is pushed.
    pub(super) repository: RepositoryName,
    /// What is shown to the registry, and to nobody else.
    pub(super) authorization: Option<HeaderValue>,
    pub(super) report: Report,
}

impl Visit {
    /// A request to a path of the registry, by nobody in particular.
    pub(super) fn anonymously(&self, method: Method, path: &str) -> Outcome<Ask> {
        let path = path.parse().map_err(|_| Unanswered::NotARequest(path.to_owned()))?;
        Ok(Ask::new(method, self.registry.uri(path)))
    }

    /// A request to a URL of the registry, by whoever is logged in.
    pub(super) fn at(&self, method: Method, url: Uri) -> Ask {
        Ask::new(method, url).maybe(AUTHORIZATION, self.authorization.as_ref())
    }

    /// Sends a request without a body, by nobody in particular.
    pub(super) async fn ask_anonymously(&self, method: Method, path: &str) -> Outcome {
        self.wire.send(self.anonymously(method, path)?).await
    }

    /// Sends a request without a body.
    pub(super) async fn ask(&self, method: Method, path: &str) -> Outcome {
        let ask = self.anonymously(method, path)?.maybe(AUTHORIZATION, self.authorization.as_ref());
        self.wire.send(ask).await
    }

    /// Gets a path in one format.
    pub(super) async fn get_as(&self, path: &str, accept: HeaderValue) -> Outcome {
        let ask = self.anonymously(Method::GET, path)?.maybe(AUTHORIZATION, self.authorization.as_ref());
        self.wire.send(ask.header(ACCEPT, accept)).await
    }

    /// HEAD of a path, byte by byte.
    pub(super) async fn head(&self, path: &str, accept: HeaderValue) -> Outcome<Head> {
        let path = path.parse().map_err(|_| Unanswered::NotARequest(path.to_owned()))?;
        let mut headers = HeaderMap::from_iter([(ACCEPT, accept)]);
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        self.wire.head(self.registry.uri(path), headers).await
    }

    /// The path of something in the repository.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/v2/{}/{rest}", self.repository)
    }

    /// Where an answer leads, if that is on the registry: credentials go nowhere else.
    pub(super) fn location(&self, outcome: &Outcome) -> Option<Uri> {
        self.registry.resolve(outcome.as_ref().ok()?.header("location")?)
    }

    /// Opens an upload.
    pub(super) async fn open(&self) -> Outcome {
        self.ask(Method::POST, &self.path("blobs/uploads/")).await
    }

    /// Sends a whole blob with its length to an upload that was opened.
    pub(super) async fn put_blob(&self, upload: Uri, digest: &str, bytes: Bytes) -> Outcome {
        self.wire.send(self.at(Method::PUT, with_digest(&upload, digest)).body(bytes)).await
    }

    /// Sends what a signed URL is for: nothing of ours but the headers that were signed.
    pub(super) async fn put_signed(&self, url: Uri, headers: &BTreeMap<String, String>, bytes: Bytes) -> Outcome {
        let mut ask = Ask::new(Method::PUT, url).body(bytes);
        for (name, value) in headers {
            let name = name.parse::<HeaderName>().map_err(|_| Unanswered::NotARequest(name.clone()))?;
            // Length and host are the connection's.
            if name != http::header::CONTENT_LENGTH && name != http::header::HOST {
                let value = HeaderValue::from_str(value).map_err(|_| Unanswered::NotARequest(name.to_string()))?;
                ask = ask.header(name, value);
            }
        }
        self.wire.send(ask).await
    }
}

/// The URL of an upload with the digest that finishes it.
pub(super) fn with_digest(upload: &Uri, digest: &str) -> Uri {
    let mut parts = upload.clone().into_parts();
    let joint = if upload.query().is_some() { '&' } else { '?' };
    let target = parts.path_and_query.as_ref().map_or("/", |target| target.as_str());
    parts.path_and_query = format!("{target}{joint}digest={digest}").parse().ok();
    // Never: nothing but a digest was added.
    Uri::from_parts(parts).unwrap_or_default()
}

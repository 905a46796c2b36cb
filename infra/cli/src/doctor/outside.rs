//! What anybody sees of a registry.

use std::time::SystemTime;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use protocol::RepositoryName;

use super::answer::{Answer, Outcome};
use super::challenge::{Bearer, find};
use super::check::Check;
use super::checks::{base, clock, paths, size};
use super::finding::Finding;
use super::visit::Visit;

/// An upload that isn't there: a body that is sent to it leaves nothing behind.
const NO_UPLOAD: &str = "00000000-0000-4000-8000-000000000000";
/// A repository that isn't there, and names below it with more components.
const NO_REPOSITORY: &str = "lambda-registry-doctor";

/// What a registry wants of those who come.
pub(super) enum Entrance {
    /// Nobody answers.
    Unreachable,
    /// Somebody answers who is no registry.
    NoRegistry,
    /// Nobody has to log in.
    Open,
    /// Everybody has to, as the challenge says if it can be read.
    Login(Option<Bearer>),
}

impl Visit {
    /// Looks at everything that needs no credentials.
    pub(super) async fn outside(&mut self) -> Entrance {
        let sent = SystemTime::now();
        let base = self.ask_anonymously(Method::GET, "/v2/").await;
        let answered = SystemTime::now();
        self.report.found(base::reachable(&self.registry, &base));
        let Ok(base) = base else {
            self.report.skip_from(Check::Redirect, "nobody answers");
            return Entrance::Unreachable;
        };
        let bare = self.ask_anonymously(Method::GET, "/v2").await;
        self.report.found(base::redirect(&self.registry, &base, &bare));
        self.report.found(base::trailing_slash(&base, &bare));
        self.report.found(base::api_version(&base));
        self.report.found(clock::clock(&base, sent, answered));
        self.report.found(base::challenge(&base));
        let entrance = entrance(&base);
        let realm = match &entrance {
            Entrance::Login(Some(bearer)) => base::realm(&self.registry, bearer),
            Entrance::Login(None) => Finding::not_checked(Check::Realm, "there is no challenge that names one"),
            Entrance::Open => Finding::not_checked(Check::Realm, "the registry is open: nobody logs in"),
            Entrance::Unreachable | Entrance::NoRegistry => {
                Finding::not_checked(Check::Realm, "this is no registry that answers")
            }
        };
        self.report.found(realm);
        if matches!(entrance, Entrance::NoRegistry) {
            self.report.skip_from(Check::ErrorShape, "this is no registry that answers");
            return entrance;
        }
        self.paths().await;
        self.sizes(base.status).await;
        entrance
    }

    async fn paths(&mut self) {
        let unknown = self.ask_anonymously(Method::GET, &format!("/{NO_REPOSITORY}")).await;
        self.report.found(base::error_shape(&unknown));
        let mut asked = Vec::new();
        for components in [1, 2, 8] {
            let Ok(name) = name(components) else { continue };
            let outcome = self.ask_anonymously(Method::GET, &format!("/v2/{name}/tags/list")).await;
            asked.push((name, outcome));
        }
        self.report.found(paths::names(&asked));
        if let Ok(name) = name(2) {
            let path = format!("/v2/{}/tags/list", name.as_str().replace('/', "%2F"));
            let outcome = self.ask_anonymously(Method::GET, &path).await;
            self.report.found(paths::encoded_slash(&name, &outcome));
        }
        let slash = self.opened_and_closed("blobs/uploads/").await;
        let bare = self.opened_and_closed("blobs/uploads").await;
        self.report.found(paths::upload_route(&self.registry, &slash, &bare));
    }

    /// An open registry opens an upload for anybody.
    async fn opened_and_closed(&self, path: &str) -> Outcome {
        let opened = self.ask_anonymously(Method::POST, &self.path(path)).await;
        if let Some(upload) = self.location(&opened) {
            drop(self.ask_anonymously(Method::DELETE, upload.path()).await);
        }
        opened
    }

    async fn sizes(&mut self, usual: StatusCode) {
        let long = self.with_header_of(size::LONG_HEADER).await;
        let overlong = self.with_header_of(size::OVERLONG_HEADER).await;
        self.report.found(size::header_size(usual, &long, &overlong));
        let mut tried = Vec::new();
        let mut refused = false;
        for (index, length) in size::BODIES.into_iter().enumerate() {
            // Where a body was refused larger ones will be; how the largest is, is the gateway's own answer.
            if refused && index + 1 < size::BODIES.len() {
                continue;
            }
            let outcome = self.with_body_of(length).await;
            refused |= !size::goes_on(&outcome);
            tried.push((length, outcome));
        }
        self.report.found(size::body_size(&tried));
    }

    async fn with_header_of(&self, length: usize) -> Outcome {
        // Never fails: it is letters.
        let value = HeaderValue::from_str(&"x".repeat(length)).unwrap_or(HeaderValue::from_static("x"));
        let ask = self.anonymously(Method::GET, "/v2/")?;
        self.wire.send(ask.header(HeaderName::from_static("x-doctor"), value)).await
    }

    async fn with_body_of(&self, length: usize) -> Outcome {
        let ask = self.anonymously(Method::PATCH, &self.path(&format!("blobs/uploads/{NO_UPLOAD}")))?;
        let ask = ask.header(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        self.wire.send(ask.body(Bytes::from(vec![b'.'; length]))).await
    }
}

fn entrance(base: &Answer) -> Entrance {
    match base.status {
        StatusCode::OK => Entrance::Open,
        StatusCode::UNAUTHORIZED => Entrance::Login(find(base).and_then(|found| found.bearer)),
        _ => Entrance::NoRegistry,
    }
}

/// A name with so many components.
fn name(components: usize) -> Result<RepositoryName, protocol::InvalidName> {
    let rest = (1..components).map(|number| format!("/{number}")).collect::<String>();
    format!("{NO_REPOSITORY}{rest}").parse()
}

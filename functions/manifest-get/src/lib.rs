//! GET and HEAD of a manifest; tags, referrers, catalog.

mod layers;
mod listing;
mod serve;

use std::sync::Arc;

use http::StatusCode;
use http::header::{ETAG, IF_NONE_MATCH, VARY};
use protocol::{Accept, ApiError, ErrorCode, Function, Method, Reference, RepositoryName, Route};
use runtime::{
    Background, DOCKER_CONTENT_DIGEST, Handler, Happening, Journal, Parts, Reply, Request, Response, STORED_DIGEST,
    StartError,
};
use storage::Storage;

use serve::Served;

/// The function.
pub struct ManifestGet {
    storage: Arc<Storage>,
    background: Background,
}

impl ManifestGet {
    /// Over a storage that is shared.
    pub fn new(storage: Arc<Storage>, background: Background) -> Self {
        Self { storage, background }
    }

    /// The table is open; the bucket is for configs and the few manifests that are large.
    pub async fn start(parts: Parts) -> Self {
        let background = Background::new(&parts.environment.background, &parts.environment.storage);
        Self::new(parts.storage, background)
    }

    /// By digest the stored bytes, by tag what the client can read: the one place that knows the difference.
    async fn manifest(
        &self,
        method: Method,
        name: &RepositoryName,
        reference: &Reference,
        accept: &Accept,
        if_none_match: Option<&str>,
        journal: &Journal,
    ) -> Result<Response, ApiError> {
        let served = match reference {
            Reference::Digest(digest) => self.by_digest(method, name, digest).await?,
            Reference::Tag(tag) => self.by_tag(name, tag, accept, journal).await?,
        };
        match served {
            Some(served) => {
                let response = render(&served, if_none_match);
                // A HEAD and a manifest that the client has already aren't pulls.
                if method == Method::Get && response.status() == StatusCode::OK {
                    let bytes = response.body().len() as u64;
                    journal.note(Happening::Pulled { bytes, digest: served.stored.unwrap_or(served.digest) });
                }
                Ok(response)
            }
            None => Err(self.unknown(name, reference).await?),
        }
    }

    async fn unknown(&self, name: &RepositoryName, reference: &Reference) -> Result<ApiError, ApiError> {
        Ok(match self.storage.repository_exists(name).await? {
            true => ApiError::new(ErrorCode::ManifestUnknown, format!("{reference} is not in repository {name}")),
            false => ApiError::new(ErrorCode::NameUnknown, format!("repository {name} does not exist")),
        })
    }
}

impl Handler for ManifestGet {
    /// HEAD carries the body as well: the gateway drops it and keeps its length.
    async fn handle(&self, request: Request) -> Result<Response, ApiError> {
        let (accept, query, journal) = (request.accept(), request.query.clone(), &request.journal);
        match (request.method, request.route().clone()) {
            (Method::Get | Method::Head, Route::Manifest(name, reference)) => {
                let if_none_match = request.header(IF_NONE_MATCH).map(str::to_owned);
                self.manifest(request.method, &name, &reference, &accept, if_none_match.as_deref(), journal).await
            }
            (Method::Get, Route::Tags(name)) => self.tags(&name, &query).await,
            (Method::Get, Route::Catalog) => self.catalog(&query, request.granted().visible()).await,
            (Method::Get, Route::Referrers(name, subject)) => self.referrers(&name, &subject, &query).await,
            _ => Err(request.unrouted()),
        }
    }
}

/// Every header describes the bytes that are served. The entity tag is their digest, so a client that has them in one
/// format isn't told that nothing changed when it asks for another.
fn render(served: &Served, if_none_match: Option<&str>) -> Response {
    let tag = format!("\"{}\"", served.digest);
    let known = if_none_match.is_some_and(|known| {
        known.split(',').map(|known| known.trim().trim_start_matches("W/")).any(|known| known == "*" || known == tag)
    });
    let status = if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let mut reply = Reply::new(status).header(DOCKER_CONTENT_DIGEST, &served.digest).header(ETAG, tag);
    if served.negotiated {
        reply = reply.header(VARY, "Accept");
    }
    if let Some(stored) = &served.stored {
        reply = reply.header(STORED_DIGEST, stored);
    }
    match known {
        true => reply.done(),
        false => reply.body(served.manifest.media_type.as_str(), served.manifest.bytes.clone()),
    }
}

/// Runs the function in Lambda.
///
/// # Errors
/// When the environment lacks something.
pub fn main() -> Result<(), StartError> {
    runtime::run_with_events(Function::ManifestGet, ManifestGet::start)
}

//! GET and HEAD of a blob: a redirect to S3, so that the bytes never pass a function. And DELETE.

use std::sync::Arc;

use http::StatusCode;
use http::header::LOCATION;
use protocol::{ApiError, Digest, ErrorCode, Function, Method, RepositoryName, Route};
use runtime::{DOCKER_CONTENT_DIGEST, Handler, Happening, Journal, Parts, Reply, Request, Response, StartError};
use storage::{DeleteError, Storage, UrlMethod};

/// The function.
pub struct BlobGet {
    storage: Arc<Storage>,
}

impl BlobGet {
    /// Over a storage that is shared.
    pub fn new(storage: Arc<Storage>) -> Self {
        Self { storage }
    }

    /// S3 is only signed for.
    pub async fn start(parts: Parts) -> Self {
        Self::new(parts.storage)
    }

    /// One read of the table, and a signature.
    async fn redirect(
        &self,
        name: &RepositoryName,
        digest: &Digest,
        method: UrlMethod,
        journal: &Journal,
    ) -> Result<Response, ApiError> {
        let blob = match method {
            UrlMethod::Get => self.storage.blob(name, digest).await?,
            // Who pushes asks before it sends.
            UrlMethod::Head => self.storage.wanted_blob(name, digest).await?,
        };
        let blob = blob.ok_or_else(|| unknown(name, digest))?;
        let url = self.storage.blob_url(&blob, method).await?;
        match method {
            UrlMethod::Get => journal.note(Happening::Redirected { bytes: blob.size }),
            UrlMethod::Head => {}
        }
        Ok(Reply::new(StatusCode::TEMPORARY_REDIRECT)
            .header(LOCATION, url)
            .header(DOCKER_CONTENT_DIGEST, digest)
            .done())
    }

    /// Takes the blob out of the repository.
    async fn delete(&self, name: &RepositoryName, digest: &Digest) -> Result<Response, ApiError> {
        match self.storage.delete_blob(name, digest).await {
            Ok(()) => Ok(Reply::new(StatusCode::ACCEPTED).done()),
            Err(DeleteError::Unknown) => Err(unknown(name, digest)),
            Err(DeleteError::ReferredTo(manifests) | DeleteError::DerivedFromSeveral(manifests)) => {
                let manifests = manifests.iter().map(Digest::to_string).collect::<Vec<_>>().join(", ");
                let message = format!("blob {digest} is part of a manifest; delete that first: {manifests}");
                Err(ApiError::new(ErrorCode::StillReferred, message).header("Allow", "GET, HEAD"))
            }
            Err(DeleteError::Storage(error)) => Err(error.into()),
        }
    }
}

fn unknown(name: &RepositoryName, digest: &Digest) -> ApiError {
    ApiError::new(ErrorCode::BlobUnknown, format!("blob {digest} is not in repository {name}"))
}

impl Handler for BlobGet {
    async fn handle(&self, request: Request) -> Result<Response, ApiError> {
        let journal = &request.journal;
        match (request.method, request.route()) {
            (Method::Get, Route::Blob(name, digest)) => self.redirect(name, digest, UrlMethod::Get, journal).await,
            (Method::Head, Route::Blob(name, digest)) => self.redirect(name, digest, UrlMethod::Head, journal).await,
            (Method::Delete, Route::Blob(name, digest)) => self.delete(name, digest).await,
            _ => Err(request.unrouted()),
        }
    }
}

/// Runs the function in Lambda.
///
/// # Errors
/// When the environment lacks something.
pub fn main() -> Result<(), StartError> {
    runtime::run(Function::BlobGet, BlobGet::start)
}

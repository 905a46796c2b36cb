//! Upload sessions (distribution specification, "Pushing blobs") and mounts.
//!
//! A body is a stream: in Lambda one that is there at once, behind the streaming front of the local stack one of any
//! length. The handler doesn't know which.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::Granted;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue, LOCATION, RANGE};
use protocol::{Algorithm, ApiError, Digest, ErrorCode, Function, Method, RepositoryName, Route, UploadId};
use runtime::{
    DOCKER_CONTENT_DIGEST, DOCKER_UPLOAD_UUID, Handler, Happening, OCI_CHUNK_MIN_LENGTH, Parts, Query, Reply, Request,
    Response, StartError,
};
use serde_json::json;
use storage::{DirectStart, MountError, Progress, Storage, UploadError, new_upload_id};

/// What a client should send at a time, in bytes, but for the last piece. Smaller ones are taken as well, and cost three
/// writes each; larger than 4 MB doesn't fit through a gateway.
const MIN_PIECE: u32 = 1024 * 1024;

/// The function.
pub struct BlobUpload {
    storage: Arc<Storage>,
}

impl BlobUpload {
    /// Over a storage that is shared.
    pub fn new(storage: Arc<Storage>) -> Self {
        Self { storage }
    }

    /// Opens the bucket as well.
    pub async fn start(parts: Parts) -> Self {
        parts.storage.warm_up_bucket().await;
        Self::new(parts.storage)
    }

    /// POST: a mount, a whole blob at once, or a new session.
    async fn open(&self, name: &RepositoryName, request: Request) -> Result<Response, ApiError> {
        known_algorithm(request.query.get("digest-algorithm"))?;
        if let Some(digest) = request.query.digest("mount")? {
            // Without a source, or one that the caller may pull from, only this repository is looked at: who pushes here
            // may know what is here, and no more.
            let from = request.granted().source().unwrap_or(name);
            match self.storage.mount(from, name, &digest).await {
                Ok(_) => return Ok(created(name, &digest)),
                // The specification wants a session then, for the client to send the blob.
                Err(MountError::Unknown) => {}
                Err(MountError::NoRepository(none)) => return Err(none.into()),
                Err(MountError::Storage(error)) => return Err(error.into()),
            }
        }
        if let Some(digest) = request.query.digest("direct")? {
            return self.open_direct(name, &digest, &request.query, request.granted()).await;
        }
        let digest = request.query.digest("digest")?;
        let id = new_upload_id()?;
        self.storage.start_upload(name, &request.granted().session(&id)).await?;
        match digest {
            Some(digest) => self.finish(name, &id, digest, request).await,
            None => {
                let mut opened = session(StatusCode::ACCEPTED, name, &id, Progress { received: 0 });
                opened.headers_mut().insert(OCI_CHUNK_MIN_LENGTH, HeaderValue::from(MIN_PIECE));
                Ok(opened)
            }
        }
    }

    /// POST for a blob that goes straight to S3 (docs/direct-uploads.md).
    async fn open_direct(
        &self,
        name: &RepositoryName,
        digest: &Digest,
        query: &Query,
        granted: &Granted,
    ) -> Result<Response, ApiError> {
        let size = query.get("size").and_then(|size| size.parse().ok()).ok_or_else(|| {
            ApiError::new(ErrorCode::SizeInvalid, "the parameter size is missing; give the blob's length in bytes")
        })?;
        let id = new_upload_id()?;
        match self.storage.start_direct_upload(name, &granted.session(&id), digest, size).await? {
            DirectStart::Exists => Ok(created(name, digest)),
            DirectStart::Upload(upload) => {
                let headers: BTreeMap<_, _> = upload.headers.iter().map(|(name, value)| (name, value)).collect();
                let expires_in = upload.expires_in.as_secs();
                let body = json!({ "method": "PUT", "url": upload.url, "headers": headers, "expires_in": expires_in });
                Ok(Reply::new(StatusCode::ACCEPTED)
                    .header(LOCATION, location(name, &id))
                    .header(DOCKER_UPLOAD_UUID, &id)
                    // The URL lets whoever has it send the blob.
                    .header(CACHE_CONTROL, "no-store")
                    .body("application/json", body.to_string()))
            }
        }
    }

    /// PATCH: more bytes.
    async fn append(&self, name: &RepositoryName, id: &UploadId, request: Request) -> Result<Response, ApiError> {
        let (range, kept) = (request.content_range()?, request.granted().session(id));
        let appended = self.storage.append(name, &kept, range, request.body).await;
        let progress = appended.map_err(|error| about(name, id, error))?;
        Ok(session(StatusCode::ACCEPTED, name, id, progress))
    }

    /// PUT: the last bytes, if any, and the digest.
    async fn close(&self, name: &RepositoryName, id: &UploadId, request: Request) -> Result<Response, ApiError> {
        match request.query.digest("digest")? {
            Some(digest) => self.finish(name, id, digest, request).await,
            None => Err(ApiError::new(
                ErrorCode::DigestInvalid,
                "the parameter digest is missing; finish with PUT <location>?digest=<digest of the whole blob>",
            )),
        }
    }

    async fn finish(
        &self,
        name: &RepositoryName,
        id: &UploadId,
        digest: Digest,
        request: Request,
    ) -> Result<Response, ApiError> {
        let (range, kept) = (request.content_range()?, request.granted().session(id));
        let finished = self.storage.finish_upload(name, &kept, &digest, range, request.body).await;
        let finished = finished.map_err(|error| about(name, id, error))?;
        if let Some(bytes) = finished.size {
            request.journal.note(Happening::Uploaded { bytes });
        }
        Ok(created(name, &finished.digest))
    }

    /// GET: how far the session is.
    async fn status(&self, name: &RepositoryName, id: &UploadId, granted: &Granted) -> Result<Response, ApiError> {
        let progress = self.storage.upload_progress(name, &granted.session(id)).await?;
        Ok(session(StatusCode::NO_CONTENT, name, id, progress))
    }

    /// DELETE: the client gives up.
    async fn cancel(&self, name: &RepositoryName, id: &UploadId, granted: &Granted) -> Result<Response, ApiError> {
        self.storage.cancel_upload(name, &granted.session(id)).await?;
        Ok(Reply::new(StatusCode::NO_CONTENT).done())
    }
}

impl Handler for BlobUpload {
    async fn handle(&self, request: Request) -> Result<Response, ApiError> {
        match (request.method, request.route().clone()) {
            (Method::Post, Route::Uploads(name)) => self.open(&name, request).await,
            (Method::Patch, Route::Upload(name, id)) => self.append(&name, &id, request).await,
            (Method::Put, Route::Upload(name, id)) => self.close(&name, &id, request).await,
            (Method::Get, Route::Upload(name, id)) => self.status(&name, &id, request.granted()).await,
            (Method::Delete, Route::Upload(name, id)) => self.cancel(&name, &id, request.granted()).await,
            _ => Err(request.unrouted()),
        }
    }
}

/// A session computes every digest that the registry knows, so the algorithm only has to be one of those (distribution
/// specification, "Pushing a blob in chunks").
fn known_algorithm(name: Option<&str>) -> Result<(), ApiError> {
    match name {
        Some(name) if Algorithm::from_name(name).is_none() => {
            let message = format!("the parameter digest-algorithm: {name:?} is not known; use sha256 or sha512");
            Err(ApiError::new(ErrorCode::DigestInvalid, message))
        }
        Some(_) | None => Ok(()),
    }
}

/// A blob that is in the repository now.
fn created(name: &RepositoryName, digest: &Digest) -> Response {
    Reply::new(StatusCode::CREATED)
        .header(LOCATION, format!("/v2/{name}/blobs/{digest}"))
        .header(DOCKER_CONTENT_DIGEST, digest)
        .done()
}

/// A session and how far it is. Docker takes the layer's size from `Range`.
fn session(status: StatusCode, name: &RepositoryName, id: &UploadId, progress: Progress) -> Response {
    Reply::new(status)
        .header(LOCATION, location(name, id))
        .header(RANGE, progress.range())
        .header(DOCKER_UPLOAD_UUID, id)
        .done()
}

/// Relative, so that it stays on the host that the client came to.
fn location(name: &RepositoryName, id: &UploadId) -> String {
    format!("/v2/{name}/blobs/uploads/{id}")
}

/// An error that says where to go on, when the session still exists.
fn about(name: &RepositoryName, id: &UploadId, error: UploadError) -> ApiError {
    let goes_on = matches!(error, UploadError::OutOfOrder(_) | UploadError::Busy(_));
    let error = ApiError::from(error);
    if goes_on { error.header("Location", location(name, id)) } else { error }
}

/// Runs the function in Lambda.
///
/// # Errors
/// When the environment lacks something.
pub fn main() -> Result<(), StartError> {
    runtime::run(Function::BlobUpload, BlobUpload::start)
}

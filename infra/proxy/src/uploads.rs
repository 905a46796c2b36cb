//! Taking blobs from clients: the upload API as the registry has it, with the bytes in a spool.

use futures_util::StreamExt as _;
use http::header::{CONTENT_RANGE, HeaderName};
use http::uri::PathAndQuery;
use http::{HeaderMap, StatusCode};
use protocol::{ApiError, ContentRange, Digest, ErrorCode, InvalidDigest, InvalidRange, RepositoryName, UploadId};

use crate::delivery::Delivery;
use crate::door::{Door, Pieces, Request};
use crate::pass;
use crate::payload::Payload;
use crate::reply::{self, Answer, Failure};
use crate::sessions::{Session, State, Upload, unknown};
use crate::spool::Spool;

const CHUNK_MIN_LENGTH: HeaderName = HeaderName::from_static("oci-chunk-min-length");

impl Door {
    /// POST: a mount, a whole blob at once, or a new session.
    ///
    /// The registry is asked for a session first: it knows who may push, and its refusal comes before the client has sent
    /// megabytes. The session is what small blobs go through then.
    pub(crate) async fn open(&self, name: &RepositoryName, request: Request) -> Result<Answer, Failure> {
        let query = request.uri.query().unwrap_or_default();
        let digest = digest_in(query)?;
        let path = uploads_path(name, &passed_on(query)).ok_or_else(unknown)?;
        let call = self.upstream.call(http::Method::POST, path, request.caller(), Payload::nothing());
        let opened = self.upstream.persist(&call).await.map_err(|error| self.unreachable(error))?;
        if opened.status() != StatusCode::ACCEPTED {
            // A mount that worked, or a refusal.
            return Ok(pass::back(opened));
        }
        let upload =
            Upload { spool: Spool::create(&self.spool)?, delivery: Delivery::through(self.upstream.location(&opened)) };
        let session = self.sessions.open(name, upload)?;
        let Some(digest) = digest else {
            let mut answer = reply::session(StatusCode::ACCEPTED, &session);
            if let Some(length) = opened.headers().get(CHUNK_MIN_LENGTH) {
                answer.headers_mut().insert(CHUNK_MIN_LENGTH, length.clone());
            }
            return Ok(answer);
        };
        let caller = request.caller();
        let finished = self.finish(&session, digest, request).await;
        if finished.is_err() {
            // The client doesn't know that there is a session.
            self.abandon(&session, &caller).await;
        }
        finished
    }

    /// PATCH: more bytes.
    pub(crate) async fn append(
        &self,
        name: &RepositoryName,
        id: &UploadId,
        request: Request,
    ) -> Result<Answer, Failure> {
        let range = content_range(&request.headers)?;
        let session = self.sessions.find(name, id)?;
        let mut state = session.claim(range.map(|range| range.first))?;
        let State::Open(upload) = &mut *state else { return Err(unknown().into()) };
        take(&session, &mut upload.spool, request.body, range).await?;
        Ok(reply::session(StatusCode::ACCEPTED, &session))
    }

    /// PUT: the last bytes, if any, and the digest.
    pub(crate) async fn close(
        &self,
        name: &RepositoryName,
        id: &UploadId,
        request: Request,
    ) -> Result<Answer, Failure> {
        let session = self.sessions.find(name, id)?;
        let Some(digest) = digest_in(request.uri.query().unwrap_or_default())? else {
            let message =
                "the parameter digest is missing; finish with PUT <location>?digest=<digest of the whole blob>";
            return Err(ApiError::new(ErrorCode::DigestInvalid, message).into());
        };
        self.finish(&session, digest, request).await
    }

    /// Takes the last bytes, verifies the digest, and sends the blob on. When that fails, the request never was: the
    /// client may send it again.
    async fn finish(&self, session: &Session, digest: Digest, request: Request) -> Result<Answer, Failure> {
        let caller = request.caller();
        let range = content_range(&request.headers)?;
        let mut state = session.claim(range.map(|range| range.first))?;
        let upload = match &mut *state {
            State::Open(upload) => upload,
            State::Finished(finished) if *finished == digest => return Ok(reply::created(session.name(), &digest)),
            State::Finished(_) => return Err(unknown().into()),
        };
        let before = upload.spool.mark();
        take(session, &mut upload.spool, request.body, range).await?;
        let actual = upload.spool.digest(digest.algorithm());
        if actual != digest {
            self.sessions.remove(session);
            self.withdraw(&mut upload.delivery, &caller).await;
            let message = format!("the content's digest is {actual}, not {digest}; nothing was stored, start again");
            return Err(ApiError::new(ErrorCode::DigestInvalid, message).into());
        }
        let Upload { spool, delivery } = &mut **upload;
        if let Err(failure) = self.deliver(session.name(), spool, &digest, delivery, &caller).await {
            spool.reset(before);
            session.set_received(spool.length());
            return Err(failure);
        }
        let answer = reply::created(session.name(), &digest);
        session.finish(&mut state, digest);
        Ok(answer)
    }

    /// GET: how far the session is.
    pub(crate) fn status(&self, name: &RepositoryName, id: &UploadId) -> Result<Answer, Failure> {
        let session = self.sessions.find(name, id)?;
        match session.is_finished() {
            true => Err(unknown().into()),
            false => Ok(reply::session(StatusCode::NO_CONTENT, &session)),
        }
    }

    /// DELETE: the client gives up.
    pub(crate) async fn cancel(
        &self,
        name: &RepositoryName,
        id: &UploadId,
        request: Request,
    ) -> Result<Answer, Failure> {
        let session = self.sessions.find(name, id)?;
        if session.is_finished() {
            return Err(unknown().into());
        }
        self.abandon(&session, &request.caller()).await;
        Ok(reply::no_content())
    }

    /// Forgets a session, and what the registry has of it.
    async fn abandon(&self, session: &Session, caller: &HeaderMap) {
        self.sessions.remove(session);
        // A request that still holds it ends on its own.
        if let Some(mut state) = session.try_claim()
            && let State::Open(upload) = &mut *state
        {
            self.withdraw(&mut upload.delivery, caller).await;
        }
    }
}

/// Takes a body into the spool.
///
/// What came of one that breaks off stays, and the session's status tells the client where to go on.
async fn take(
    session: &Session,
    spool: &mut Spool,
    mut body: Pieces,
    range: Option<ContentRange>,
) -> Result<(), Failure> {
    let before = spool.mark();
    let start = spool.length();
    while let Some(piece) = body.next().await {
        let broken = |error| ApiError::new(ErrorCode::BlobUploadInvalid, format!("the body broke off: {error}"));
        spool.append(&piece.map_err(broken)?)?;
        session.set_received(spool.length());
    }
    match range {
        Some(range) if range.length() != spool.length() - start => {
            spool.reset(before);
            session.set_received(start);
            let message = format!("the body doesn't have the {} bytes that its headers announce", range.length());
            Err(ApiError::new(ErrorCode::SizeInvalid, message).into())
        }
        _ => Ok(()),
    }
}

/// The path of a repository's uploads; None when the query isn't one.
pub(crate) fn uploads_path(name: &RepositoryName, query: &str) -> Option<PathAndQuery> {
    let separator = if query.is_empty() { "" } else { "?" };
    format!("/v2/{name}/blobs/uploads/{separator}{query}").parse().ok()
}

/// What the registry is asked for: everything but what the proxy does itself.
fn passed_on(query: &str) -> String {
    let parameters = form_urlencoded::parse(query.as_bytes());
    let passed_on = parameters.filter(|(name, _)| !matches!(&**name, "digest" | "direct" | "size"));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(passed_on).finish()
}

fn digest_in(query: &str) -> Result<Option<Digest>, ApiError> {
    let text = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "digest").map(|(_, value)| value);
    let invalid =
        |error: InvalidDigest| ApiError::new(ErrorCode::DigestInvalid, format!("the parameter digest: {error}"));
    text.map(|text| text.parse()).transpose().map_err(invalid)
}

/// The range of a chunk, which has to agree with the length that the body announces.
fn content_range(headers: &HeaderMap) -> Result<Option<ContentRange>, ApiError> {
    let Some(value) = headers.get(CONTENT_RANGE) else { return Ok(None) };
    let text = value.to_str().unwrap_or("?");
    let invalid = |error: InvalidRange| ApiError::new(ErrorCode::BlobUploadInvalid, error.to_string());
    let range: ContentRange = text.parse().map_err(invalid)?;
    match pass::content_length(headers) {
        Some(length) if length != range.length() => Err(ApiError::new(
            ErrorCode::SizeInvalid,
            format!("Content-Range {text} has {} bytes, the body has {length}", range.length()),
        )),
        _ => Ok(Some(range)),
    }
}

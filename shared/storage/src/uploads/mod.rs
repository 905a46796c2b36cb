//! Upload sessions.
//!
//! A session takes bytes in pieces of any size, gathers them into S3 parts, and computes the digests while the bytes
//! pass. Between two requests it is a record in the table: how much it has, the state of both hashes, and where the rest
//! that was too small for a part lies. So finishing costs the same for any size, and a broken connection goes on where
//! the last part ended.
//!
//! One request at a time holds a session: it claims it with a lease and a fencing token before it sends the first byte
//! to S3, and every write it makes to the record is on condition of the token. Whoever finds the lease expired takes the
//! session over, under the next token and past the part that its predecessor may still be sending.
//!
//! A session ends as a tombstone, so that a repeated request gets the answer that was lost.

mod append;
mod direct;
mod finish;
mod gather;
mod session;
mod sweep;

use std::fmt;
use std::pin::Pin;

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use futures_util::Stream;
use protocol::{ApiError, Digest, ErrorCode, RepositoryName, UploadId};

pub use direct::{DirectError, DirectStart, DirectUpload};
pub use finish::Finished;
pub use sweep::{Pending, SessionEntry};

use crate::marks::Mark;
use crate::table::{item, n, now, s};
use crate::{Error, NoRepository, Storage, keys};
pub(crate) use session::Phase;

/// What a client sends: pieces of any size, until it ends or breaks.
pub type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, StreamError>> + Send>>;

/// The client's body ended early.
#[derive(Debug)]
pub struct StreamError(pub String);

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StreamError {}

/// How far a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that the registry holds.
    pub received: u64,
}

impl Progress {
    /// The `Range` header: inclusive, and `0-0` for nothing as well, because clients want it so.
    pub fn range(self) -> String {
        format!("0-{}", self.received.saturating_sub(1))
    }
}

/// Why an upload didn't go on.
#[derive(Debug)]
pub enum UploadError {
    /// There is no such session, or it was cancelled.
    Unknown,
    /// The request starts somewhere else than where the session is.
    OutOfOrder(Progress),
    /// Another request holds the session.
    Busy(Progress),
    /// The content has another digest. The session is gone.
    DigestMismatch {
        /// What the client said.
        expected: Digest,
        /// What it is.
        actual: Digest,
    },
    /// The body's length isn't the one that `Content-Range` announced.
    LengthMismatch {
        /// What the client said.
        announced: u64,
    },
    /// More than 10,000 parts.
    TooLarge,
    /// The repository doesn't exist, and a push doesn't create it.
    NoRepository(NoRepository),
    /// A blob that was to go straight to S3 can't, or hasn't.
    Direct(DirectError),
    /// The client went away in the middle of its body.
    Interrupted(StreamError),
    /// The platform failed.
    Storage(Error),
}

impl From<NoRepository> for UploadError {
    fn from(error: NoRepository) -> Self {
        Self::NoRepository(error)
    }
}

impl From<Error> for UploadError {
    fn from(error: Error) -> Self {
        Self::Storage(error)
    }
}

impl From<UploadError> for ApiError {
    fn from(error: UploadError) -> Self {
        let at = |progress: Progress, message: String| {
            ApiError::new(ErrorCode::BlobUploadRange, message).header("Range", progress.range())
        };
        match error {
            UploadError::Unknown => ApiError::new(
                ErrorCode::BlobUploadUnknown,
                "there is no such upload session; start one with POST /v2/<name>/blobs/uploads/",
            ),
            UploadError::OutOfOrder(progress) => {
                at(progress, format!("the upload holds {} bytes; go on from there", progress.received))
            }
            UploadError::Busy(progress) => {
                at(progress, "another request is writing to this upload; wait for it, then ask for its status".into())
            }
            UploadError::DigestMismatch { expected, actual } => ApiError::new(
                ErrorCode::DigestInvalid,
                format!("the content's digest is {actual}, not {expected}; nothing was stored, start again"),
            ),
            UploadError::LengthMismatch { announced } => ApiError::new(
                ErrorCode::SizeInvalid,
                format!("the body doesn't have the {announced} bytes that its headers announce"),
            ),
            UploadError::TooLarge => {
                ApiError::new(ErrorCode::SizeInvalid, "the blob needs more than the 10,000 parts that S3 allows")
            }
            UploadError::NoRepository(none) => none.into(),
            UploadError::Direct(error) => error.into(),
            UploadError::Interrupted(error) => {
                ApiError::new(ErrorCode::BlobUploadInvalid, format!("the body broke off: {error}"))
            }
            UploadError::Storage(error) => error.into(),
        }
    }
}

/// An id that nobody else has, and nobody can guess.
///
/// # Errors
/// Never, as long as UUIDs are what ids are.
pub fn new_upload_id() -> Result<UploadId, Error> {
    uuid::Uuid::new_v4().to_string().parse().map_err(|_| Error::Corrupt("a UUID".into()))
}

impl Storage {
    /// Opens a session under an id that nobody else has ([`new_upload_id`]). One read and one write; a transaction when the
    /// repository is still to be created.
    ///
    /// # Errors
    /// When the repository takes no pushes, or the platform fails.
    pub async fn start_upload(&self, name: &RepositoryName, id: &UploadId) -> Result<(), UploadError> {
        let exists = self.takes_pushes(name).await??;
        Ok(self.open_session(name, exists, id, Phase::Open, vec![]).await?)
    }

    /// Opens a session that only names the object of a large manifest.
    pub(crate) async fn open_manifest_session(&self, name: &RepositoryName) -> Result<UploadId, Error> {
        let id = new_upload_id()?;
        let exists = self.repository_exists(name).await?;
        self.open_session(name, exists, &id, Phase::Manifest, vec![]).await?;
        Ok(id)
    }

    /// A session of a repository that doesn't exist yet isn't found by way of the catalog, so a note says that there is one.
    async fn open_session(
        &self,
        name: &RepositoryName,
        exists: bool,
        id: &UploadId,
        phase: Phase,
        more: Vec<(&str, AttributeValue)>,
    ) -> Result<(), Error> {
        let attributes = [
            ("phase", s(phase.as_str())),
            ("created_at", n(now())),
            ("received", n(0)),
            ("next_part", n(1)),
            ("fence", n(0)),
        ];
        let mut session = item(keys::upload(name, id), attributes);
        session.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
        if exists {
            return self.table.insert(session).await;
        }
        let pending = item(keys::pending(name), [("doomed", Mark::new().value())]);
        let writes = vec![self.table.put(session).build()?, self.table.put(pending).build()?];
        self.table.retry("opening an upload", || async { self.table.transact(writes.clone()).await }).await
    }

    /// How far a session is. One read.
    ///
    /// # Errors
    /// When there is no such session, or the platform fails.
    pub async fn upload_progress(&self, name: &RepositoryName, id: &UploadId) -> Result<Progress, UploadError> {
        let session = self.read_session(name, id).await?.ok_or(UploadError::Unknown)?;
        match session.phase {
            Phase::Open | Phase::Direct => Ok(Progress { received: session.received }),
            Phase::Finished | Phase::Cancelled | Phase::Manifest => Err(UploadError::Unknown),
        }
    }

    /// Gives a session up, whoever holds it; what it had stored is removed.
    ///
    /// # Errors
    /// When there is no such session, or the platform fails.
    pub async fn cancel_upload(&self, name: &RepositoryName, id: &UploadId) -> Result<(), UploadError> {
        let mut session = self.end_session(name, id, None).await?;
        session.untidy |= session.lease.is_some();
        self.discard(&session).await;
        Ok(())
    }
}

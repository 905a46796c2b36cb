//! Blobs that go straight to S3, for clients that know digest and size before they send.
//!
//! The session hands out a signed URL for one PUT. Checksum, length and that there is no object yet are part of the
//! signature, so S3 takes exactly the announced bytes, once. Finishing looks at the object and records it: the bytes never
//! pass a function. The URL outlives the session, so the session stays in the table until whoever collects garbage has seen
//! that it left nothing behind.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use futures_util::StreamExt as _;
use protocol::{Algorithm, ApiError, Digest, ErrorCode, RepositoryName, UploadId};

use super::session::{Phase, Session};
use super::{BodyStream, UploadError};
use crate::objects::URL_LIFETIME;
use crate::table::{n, s};
use crate::{Blob, Error, Storage, keys};

/// What S3 takes in one PUT, in bytes: 5 GiB.
const MOST: u64 = 5 * 1024 * 1024 * 1024;

/// Where a client may put a blob.
#[derive(Clone, PartialEq, Eq)]
pub struct DirectUpload {
    /// For one PUT. Whoever has it may send these bytes, so it is a secret.
    pub url: String,
    /// To be sent along; they are signed.
    pub headers: Vec<(String, String)>,
    /// How long the PUT may begin.
    pub expires_in: Duration,
}

/// What came of asking for a direct upload.
pub enum DirectStart {
    /// The repository has the blob.
    Exists,
    /// It is to be sent.
    Upload(DirectUpload),
}

/// Why a blob can't go straight to S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectError {
    /// S3 verifies SHA-256 only.
    Algorithm(Digest),
    /// More than one PUT takes.
    TooLarge(u64),
    /// The session takes its bytes from S3 and no others.
    Session,
    /// Nothing was sent to the URL yet.
    NothingThere,
}

impl From<DirectError> for ApiError {
    fn from(error: DirectError) -> Self {
        match error {
            DirectError::Algorithm(digest) => ApiError::new(
                ErrorCode::DigestInvalid,
                format!("{digest} can't go straight to S3, which verifies SHA-256 only; open an ordinary session"),
            ),
            DirectError::TooLarge(size) => ApiError::new(
                ErrorCode::SizeInvalid,
                format!("{size} bytes are more than the {MOST} that S3 takes at once; open an ordinary session"),
            ),
            DirectError::Session => ApiError::new(
                ErrorCode::BlobUploadInvalid,
                "this upload takes its bytes at the URL that it was opened with; send none here",
            ),
            DirectError::NothingThere => ApiError::new(
                ErrorCode::BlobUploadInvalid,
                "nothing has come to the URL of this upload; send the bytes there first",
            ),
        }
    }
}

impl From<DirectError> for UploadError {
    fn from(error: DirectError) -> Self {
        Self::Direct(error)
    }
}

impl Storage {
    /// Opens a session whose bytes go straight to S3. Two reads and one write.
    ///
    /// # Errors
    /// When S3 couldn't take the blob so, or the repository takes no pushes; when the platform fails.
    pub async fn start_direct_upload(
        &self,
        name: &RepositoryName,
        id: &UploadId,
        digest: &Digest,
        size: u64,
    ) -> Result<DirectStart, UploadError> {
        if digest.algorithm() != Algorithm::Sha256 {
            return Err(DirectError::Algorithm(digest.clone()).into());
        }
        if size > MOST {
            return Err(DirectError::TooLarge(size).into());
        }
        if self.wanted_blob(name, digest).await?.is_some() {
            return Ok(DirectStart::Exists);
        }
        let exists = self.takes_pushes(name).await??;
        let attributes =
            vec![("digest", s(digest.to_string())), ("content_size", n(size)), ("untidy", AttributeValue::Bool(true))];
        self.open_session(name, exists, id, Phase::Direct, attributes).await?;
        let (url, headers) = self.bucket.signed_put(&keys::direct_object(id), digest, size).await?;
        Ok(DirectStart::Upload(DirectUpload { url, headers, expires_in: URL_LIFETIME }))
    }

    /// Records what S3 took. What is returned is its length, unless another request had recorded it already, and the
    /// object that is left over, when another one held the digest already.
    pub(crate) async fn finish_direct(
        &self,
        session: &Session,
        digest: &Digest,
        mut body: BodyStream,
    ) -> Result<(Option<u64>, Option<String>), UploadError> {
        while let Some(piece) = body.next().await {
            if !piece.map_err(UploadError::Interrupted)?.is_empty() {
                return Err(DirectError::Session.into());
            }
        }
        let announced = session.digest.as_ref().filter(|announced| *announced == digest);
        if announced.is_none() {
            let actual = session.digest.clone().ok_or_else(|| Error::Corrupt(format!("digest of {}", session.id)))?;
            return Err(UploadError::DigestMismatch { expected: digest.clone(), actual });
        }
        let object = keys::direct_object(&session.id);
        let Some(size) = self.bucket.verified_length(&object, digest).await? else {
            // Another request may have recorded the blob and removed an object that wasn't needed.
            let finished = self.is_finished(session).await?;
            return if finished { Ok((None, None)) } else { Err(DirectError::NothingThere.into()) };
        };
        let new = Blob { object, size };
        self.table
            .retry("recording a blob", || async {
                let shelf = self.shelf(&session.name, digest).await?;
                let (blob, mut writes) = self.shelve(&session.name, digest, Some(new.clone()), &shelf)??;
                writes.push(self.end_direct(session)?);
                if self.table.transact(writes).await?.is_none() {
                    return Ok(self.is_finished(session).await?.then_some((None, None)));
                }
                let left_over = (blob.object != new.object).then(|| new.object.clone());
                Ok(Some((Some(size), left_over)))
            })
            .await
    }

    /// Whether another request has finished the session meanwhile; an error when it was cancelled.
    async fn is_finished(&self, session: &Session) -> Result<bool, UploadError> {
        match self.read_session(&session.name, &session.id).await?.map(|now| now.phase) {
            Some(Phase::Direct) => Ok(false),
            Some(Phase::Finished) => Ok(true),
            _ => Err(UploadError::Unknown),
        }
    }

    fn end_direct(&self, session: &Session) -> Result<TransactWriteItem, Error> {
        let update = self.table.update(keys::upload(&session.name, &session.id), "SET phase = :finished");
        let update = update.when("phase = :direct").value(":direct", s(Phase::Direct.as_str()));
        update.value(":finished", s(Phase::Finished.as_str())).build()
    }
}

//! From a session to a blob.

use bytes::Bytes;
use protocol::{ContentRange, Digest, RepositoryName, UploadId};

use super::gather::Gather;
use super::session::{Phase, Session};
use super::{BodyStream, UploadError, new_upload_id};
use crate::objects::Completed;
use crate::{Blob, Error, Storage, keys};

/// A blob that is in the repository now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Its digest, verified.
    pub digest: Digest,
    /// Its length in bytes; None when an earlier request had finished the upload already.
    pub size: Option<u64>,
}

impl Storage {
    /// Takes the last bytes of a session, checks the digest, and puts the blob into the repository. A request that
    /// repeats one that failed or whose answer was lost comes to the same, also when it sends the whole blob again without
    /// saying where it starts, as clients do.
    ///
    /// # Errors
    /// As for [`Storage::append`]; and when the content has another digest, which ends the session.
    pub async fn finish_upload(
        &self,
        name: &RepositoryName,
        id: &UploadId,
        digest: &Digest,
        range: Option<ContentRange>,
        body: BodyStream,
    ) -> Result<Finished, UploadError> {
        let mut session = self.claim(name, id, range.map(|range| range.first)).await?;
        if session.phase == Phase::Finished {
            let same = session.digest.as_ref() == Some(digest);
            let before = || Finished { digest: digest.clone(), size: None };
            return if same { Ok(before()) } else { Err(UploadError::Unknown) };
        }
        if session.phase == Phase::Direct {
            let (size, left_over) = self.finish_direct(&session, digest, body).await?;
            self.tidy(&session, left_over.as_slice()).await;
            return Ok(Finished { digest: digest.clone(), size });
        }
        let finished = async {
            // Bytes for which no place is named: more of the blob, or what a failed request sent before.
            let anywhere = range.is_none() && session.received > 0;
            let complete = anywhere && session.hasher()?.digest(digest.algorithm()) == *digest;
            let body = if complete { Box::pin(futures_util::stream::empty()) } else { body };
            let mut gather = self.gather(&session, range.map(ContentRange::length)).await?;
            if anywhere && session.tail.is_none() {
                gather.hash_alone();
            }
            let first_part = session.next_part;
            self.take(&mut session, &mut gather, body).await?;
            let actual = gather.digest(digest.algorithm());
            if actual != *digest {
                if !gather.alone_has(digest) {
                    return Err(UploadError::DigestMismatch { expected: digest.clone(), actual });
                }
                self.start_over(&mut session, &mut gather, first_part).await?;
            }
            let blob = self.complete(&mut session, &mut gather, digest).await?;
            let size = blob.size;
            self.adopt(&session, digest, blob).await.map(|left_over| (size, left_over))
        };
        match finished.await {
            Ok((size, left_over)) => {
                self.tidy(&session, &left_over).await;
                Ok(Finished { digest: digest.clone(), size: Some(size) })
            }
            Err(error @ UploadError::DigestMismatch { .. }) => {
                match self.end_session(name, id, Some(session.fence)).await {
                    Ok(ended) => self.discard(&ended).await,
                    Err(failed) => {
                        self.let_go(&session, &failed).await;
                        return Err(failed);
                    }
                }
                Err(error)
            }
            Err(error) => {
                self.let_go(&session, &error).await;
                Err(error)
            }
        }
    }

    /// Lets the blob begin with this request's bytes, the first of which are in `first_part`.
    async fn start_over(&self, session: &mut Session, gather: &mut Gather, first_part: i32) -> Result<(), UploadError> {
        let checkpoint = gather.checkpoint();
        let remainder = gather.remainder();
        if !remainder.is_empty() {
            self.send_part(session, remainder, checkpoint).await?;
        }
        gather.start_over();
        self.restart_session(session, first_part, gather.checkpoint()).await
    }

    /// Puts a small blob that the registry made itself into a repository.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn put_blob(&self, name: &RepositoryName, digest: &Digest, bytes: Bytes) -> Result<(), UploadError> {
        if self.wanted_blob(name, digest).await?.is_some() {
            return Ok(());
        }
        let id = new_upload_id()?;
        self.start_upload(name, &id).await?;
        let body = Box::pin(futures_util::stream::iter([Ok(bytes)]));
        self.finish_upload(name, &id, digest, None, body).await.map(|_| ())
    }

    /// Makes one object of the session's bytes.
    async fn complete(&self, session: &mut Session, gather: &mut Gather, digest: &Digest) -> Result<Blob, UploadError> {
        let checkpoint = gather.checkpoint();
        let size = checkpoint.received;
        let remainder = gather.remainder();
        let Some(multipart) = session.multipart.clone() else {
            let object = keys::whole_object(&session.id, session.fence);
            // S3 verifies what we computed, when the bytes are all here.
            self.bucket.put(&object, remainder, Some(digest)).await?;
            return Ok(Blob { object, size });
        };
        if !remainder.is_empty() {
            self.send_part(session, remainder, checkpoint).await?;
        }
        let object = keys::multipart_object(&session.id);
        match self.bucket.complete_multipart(&object, &multipart, self.parts(session).await?).await? {
            Completed::Now => {}
            // An earlier attempt got this far, and no further.
            Completed::UnknownUpload if self.bucket.length(&object).await? == Some(size) => {}
            Completed::UnknownUpload => {
                self.still_held(session).await?;
                let lost = format!("the multipart upload of session {} is gone", session.id);
                return Err(Error::Corrupt(lost).into());
            }
        }
        Ok(Blob { object, size })
    }

    /// Records the blob and ends the session, in one transaction. What is returned are the objects that the session
    /// leaves over: the last tail, and its own when another one held the digest already.
    async fn adopt(&self, session: &Session, digest: &Digest, new: Blob) -> Result<Vec<String>, UploadError> {
        self.table
            .retry("recording a blob", || async {
                let shelf = self.shelf(&session.name, digest).await?;
                let (blob, mut writes) = self.shelve(&session.name, digest, Some(new.clone()), &shelf)??;
                let tail = session.tail.map(|tail| keys::tail_object(&session.id, tail.fence));
                let duplicate = (blob.object != new.object).then(|| new.object.clone());
                let left_over: Vec<String> = tail.into_iter().chain(duplicate).collect();
                writes.push(self.tombstone(session, digest, left_over.is_empty())?);
                match self.table.transact(writes).await? {
                    Some(()) => Ok(Some(left_over)),
                    None => self.still_held(session).await.map(|()| None),
                }
            })
            .await
    }

    /// Removes what a finished session leaves over, and then lets it go.
    async fn tidy(&self, session: &Session, left_over: &[String]) {
        if left_over.is_empty() {
            return;
        }
        let tidied = async {
            for object in left_over {
                self.bucket.delete(object).await?;
            }
            self.let_expire(session).await
        };
        if let Err(error) = tidied.await {
            tracing::warn!(%error, session = %session.id, "left the rest of an upload to the collector");
        }
    }

    /// Removes what a cancelled session stored. Its record stays until that is done.
    pub(crate) async fn discard(&self, session: &Session) {
        let discarded = async {
            if let Some(multipart) = &session.multipart {
                self.bucket.abort_multipart(&keys::multipart_object(&session.id), multipart).await?;
            }
            if let Some(tail) = session.tail {
                self.bucket.delete(&keys::tail_object(&session.id, tail.fence)).await?;
            }
            if session.digest.is_some() {
                self.bucket.delete(&keys::direct_object(&session.id)).await?;
            }
            self.let_expire(session).await
        };
        if let Err(error) = discarded.await {
            tracing::warn!(%error, session = %session.id, "left a cancelled upload to the collector");
        }
    }
}

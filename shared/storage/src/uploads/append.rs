//! Taking a request's bytes.

use bytes::Bytes;
use futures_util::future::join;
use protocol::{ContentRange, RepositoryName, UploadId};

use super::gather::{Filled, Gather};
use super::session::{Checkpoint, Phase, Session};
use super::{BodyStream, DirectError, Progress, UploadError};
use crate::{Error, Storage, keys};

/// S3's limit.
const MOST_PARTS: i32 = 10_000;

impl Storage {
    /// Appends a request's bytes to a session, in parts as they fill.
    ///
    /// When the body breaks off, the session is where its last part ended.
    ///
    /// # Errors
    /// When the session is unknown, held by another request or elsewhere than `range` says; when the body breaks off or
    /// has another length than `range`; when the platform fails.
    pub async fn append(
        &self,
        name: &RepositoryName,
        id: &UploadId,
        range: Option<ContentRange>,
        body: BodyStream,
    ) -> Result<Progress, UploadError> {
        let mut session = self.claim(name, id, range.map(|range| range.first)).await?;
        match session.phase {
            Phase::Open => {}
            Phase::Direct => return Err(DirectError::Session.into()),
            Phase::Finished | Phase::Cancelled | Phase::Manifest => return Err(UploadError::Unknown),
        }
        let appended = async {
            let mut gather = self.gather(&session, range.map(ContentRange::length)).await?;
            self.take(&mut session, &mut gather, body).await?;
            self.keep_remainder(&mut session, &mut gather).await
        };
        match appended.await {
            Ok(progress) => Ok(progress),
            Err(error) => {
                self.let_go(&session, &error).await;
                Err(error)
            }
        }
    }

    /// Goes on where a session is.
    pub(crate) async fn gather(&self, session: &Session, announced: Option<u64>) -> Result<Gather, UploadError> {
        let tail = self.fetch_tail(session).await?;
        Ok(Gather::new(session.hasher()?, session.received, session.next_part, &tail, announced))
    }

    /// Sends full parts while the body comes in; `gather` holds the rest then.
    pub(crate) async fn take(
        &self,
        session: &mut Session,
        gather: &mut Gather,
        mut body: BodyStream,
    ) -> Result<(), UploadError> {
        let mut filled = gather.fill(&mut body).await?;
        while let Filled::Part(bytes, checkpoint) = filled {
            // One part is on its way while the next one comes in.
            let (sent, next) = join(self.send_part(session, bytes, checkpoint), gather.fill(&mut body)).await;
            sent?;
            filled = next?;
        }
        Ok(())
    }

    /// Sends a part and records it.
    pub(crate) async fn send_part(
        &self,
        session: &mut Session,
        bytes: Bytes,
        checkpoint: Checkpoint,
    ) -> Result<(), UploadError> {
        if session.next_part > MOST_PARTS {
            return Err(UploadError::TooLarge);
        }
        let key = keys::multipart_object(&session.id);
        let multipart = match &session.multipart {
            Some(multipart) => multipart.clone(),
            // One that is forgotten before it is recorded goes with the bucket's rule for abandoned ones.
            None => self.bucket.create_multipart(&key).await?,
        };
        session.multipart = Some(multipart.clone());
        let part = self.bucket.put_part(&key, &multipart, session.next_part, bytes).await?;
        // The session was cancelled meanwhile.
        let part = part.ok_or(UploadError::Unknown)?;
        let tail = session.tail;
        self.checkpoint_part(session, &part, checkpoint).await?;
        if let Some(tail) = tail {
            self.forget_tail(session, tail.fence).await;
        }
        Ok(())
    }

    /// Keeps what a request leaves over: as a part when it is large enough for one, else as a tail. Lets go.
    async fn keep_remainder(&self, session: &mut Session, gather: &mut Gather) -> Result<Progress, UploadError> {
        let checkpoint = gather.checkpoint();
        let progress = Progress { received: checkpoint.received };
        let makes_a_part = gather.makes_a_part();
        let remainder = gather.remainder();
        let nothing_new = checkpoint.received == session.received;
        if nothing_new {
            self.release(session).await?;
        } else if makes_a_part {
            self.send_part(session, remainder, checkpoint).await?;
            self.release(session).await?;
        } else {
            self.bucket.put(&keys::tail_object(&session.id, session.fence), remainder, None).await?;
            self.checkpoint_tail(session, &checkpoint).await?;
            if let Some(tail) = session.tail {
                self.forget_tail(session, tail.fence).await;
            }
        }
        Ok(progress)
    }

    async fn fetch_tail(&self, session: &Session) -> Result<Bytes, UploadError> {
        let Some(tail) = session.tail else { return Ok(Bytes::new()) };
        let key = keys::tail_object(&session.id, tail.fence);
        if let Some(bytes) = self.bucket.get(&key).await? {
            return Ok(bytes);
        }
        // Gone with a session that was cancelled meanwhile.
        self.still_held(session).await?;
        Err(Error::Corrupt(format!("no object {key}")).into())
    }

    /// A tail that is left behind is named by its session still, so the collector finds it.
    async fn forget_tail(&self, session: &Session, fence: u64) {
        if let Err(error) = self.bucket.delete(&keys::tail_object(&session.id, fence)).await {
            tracing::warn!(%error, session = %session.id, "left the tail of an upload to the collector");
        }
    }
}

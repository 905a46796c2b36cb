//! The record of a session, and the writes that move it on.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use protocol::{Digest, Hasher, HasherState, RepositoryName, UploadId};

use super::{Progress, UploadError};
use crate::objects::Part;
use crate::table::{Item, Update, Wanted, b, bytes, item, n, now, now_ms, number, parsed, s, text};
use crate::{Error, Storage, deadline, keys};

/// How long a claim keeps others out when its holder dies without a word. Each part renews it; longer than a function
/// may run, so a living function never loses it.
const LEASE: Duration = Duration::from_secs(35);

/// How long tombstones and part records stay, in seconds. They name no object, so DynamoDB may remove them by itself.
pub(super) const KEPT: u64 = 14 * 24 * 60 * 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    /// Its client sends the bytes straight to S3.
    Direct,
    Finished,
    Cancelled,
    /// Names the object of a manifest that no record names yet, or any more.
    Manifest,
}

impl Phase {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Direct => "direct",
            Self::Finished => "finished",
            Self::Cancelled => "cancelled",
            Self::Manifest => "manifest",
        }
    }

    pub(super) fn read(item: &Item) -> Result<Self, Error> {
        let text = text(item, "phase")?;
        let phases = [Self::Open, Self::Direct, Self::Finished, Self::Cancelled, Self::Manifest];
        phases.into_iter().find(|phase| phase.as_str() == text).ok_or(Error::Corrupt(format!("upload phase {text}")))
    }
}

/// Bytes too few for a part, in an object of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tail {
    /// The fence under which it was written.
    pub(crate) fence: u64,
}

/// A session as it was read.
pub(crate) struct Session {
    pub(crate) name: RepositoryName,
    pub(crate) id: UploadId,
    pub(crate) phase: Phase,
    pub(crate) received: u64,
    pub(crate) next_part: i32,
    /// Where the blob begins: later than 1 when a client started again in the same session.
    pub(crate) first_part: i32,
    pub(crate) tail: Option<Tail>,
    pub(crate) multipart: Option<String>,
    pub(crate) fence: u64,
    pub(crate) lease: Option<u64>,
    pub(crate) hashes: Option<HasherState>,
    /// A request failed or died, so objects under earlier fences may be left over.
    pub(crate) untidy: bool,
    /// The request that holds it or held it last.
    claimant: Option<String>,
    /// Of the blob, once finished; of one that goes straight to S3 from the beginning.
    pub(crate) digest: Option<Digest>,
}

/// How far the bytes of a request have come.
pub(crate) struct Checkpoint {
    pub(crate) received: u64,
    pub(crate) hashes: HasherState,
}

impl Session {
    fn read(name: &RepositoryName, id: &UploadId, item: &Item) -> Result<Self, Error> {
        fn optional<T>(
            item: &Item,
            key: &str,
            read: impl Fn(&Item, &str) -> Result<T, Error>,
        ) -> Result<Option<T>, Error> {
            item.contains_key(key).then(|| read(item, key)).transpose()
        }
        let sha256 = optional(item, "sha256", bytes)?;
        let sha512 = optional(item, "sha512", bytes)?;
        Ok(Self {
            name: name.clone(),
            id: id.clone(),
            phase: Phase::read(item)?,
            received: number(item, "received")?,
            next_part: number(item, "next_part")?,
            first_part: optional(item, "first_part", number)?.unwrap_or(1),
            tail: optional(item, "tail", number)?.map(|fence| Tail { fence }),
            multipart: optional(item, "multipart", text)?,
            fence: number(item, "fence")?,
            lease: optional(item, "lease", number)?,
            hashes: sha256.zip(sha512).map(|(sha256, sha512)| HasherState { sha256, sha512 }),
            untidy: item.contains_key("untidy"),
            claimant: optional(item, "claimant", text)?,
            digest: optional(item, "digest", parsed)?,
        })
    }

    /// The hash state at the last checkpoint.
    pub(crate) fn hasher(&self) -> Result<Hasher, Error> {
        match &self.hashes {
            Some(state) => {
                Hasher::resume(state).map_err(|_| Error::Corrupt(format!("hash state of upload {}", self.id)))
            }
            None => Ok(Hasher::default()),
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        Progress { received: self.received }
    }

    fn key(&self) -> keys::Key {
        keys::upload(&self.name, &self.id)
    }

    /// Why a request that held the session holds it no more, going by what the record says now.
    fn lost(&self, now: Option<Item>) -> Result<UploadError, Error> {
        let now = now.map(|item| Self::read(&self.name, &self.id, &item)).transpose()?;
        Ok(now.map_or(UploadError::Unknown, Self::taken))
    }

    fn taken(self) -> UploadError {
        match self.phase {
            Phase::Open => UploadError::Busy(self.progress()),
            Phase::Direct | Phase::Finished | Phase::Cancelled | Phase::Manifest => UploadError::Unknown,
        }
    }
}

impl Storage {
    pub(crate) async fn read_session(&self, name: &RepositoryName, id: &UploadId) -> Result<Option<Session>, Error> {
        let found = self.table.get(keys::upload(name, id)).await?;
        found.map(|item| Session::read(name, id, &item)).transpose()
    }

    /// Takes hold of a session, which has to be at `first` when the request says so. One that is finished, or whose bytes
    /// go straight to S3, is returned as it is.
    pub(crate) async fn claim(
        &self,
        name: &RepositoryName,
        id: &UploadId,
        first: Option<u64>,
    ) -> Result<Session, UploadError> {
        let me = uuid::Uuid::new_v4().to_string();
        let claimed = self.try_claim(name, id, first, &me).await;
        if matches!(claimed, Err(UploadError::Storage(_))) {
            self.undo_claim(name, id, &me).await;
        }
        claimed
    }

    /// Lets go of a session whose claim may have taken effect though nobody said so.
    async fn undo_claim(&self, name: &RepositoryName, id: &UploadId, me: &str) {
        let values = vec![(":open", s(Phase::Open.as_str())), (":me", s(me))];
        let mine = "phase = :open AND claimant = :me";
        let undone = self.table.update_if(keys::upload(name, id), "REMOVE lease", mine, values);
        if let Err(error) = deadline::with_reserve(undone).await {
            tracing::debug!(%error, session = %id, "the lease of an upload is left to run out");
        }
    }

    async fn try_claim(
        &self,
        name: &RepositoryName,
        id: &UploadId,
        first: Option<u64>,
        me: &str,
    ) -> Result<Session, UploadError> {
        let lease = n(now_ms() + u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX));
        let claimed_at = n(now());
        let mut condition = "phase = :open AND attribute_not_exists(lease)".to_owned();
        let mut values = vec![
            (":open", s(Phase::Open.as_str())),
            (":lease", lease.clone()),
            (":now", claimed_at.clone()),
            (":me", s(me)),
            (":one", n(1)),
        ];
        if let Some(first) = first {
            condition.push_str(" AND received = :first");
            values.push((":first", n(first)));
        }
        let key = keys::upload(name, id);
        let claim = "SET lease = :lease, claimed_at = :now, claimant = :me ADD fence :one";
        let seen = match self.table.update_if(key.clone(), claim, &condition, values).await? {
            Update::Done(item) => return Ok(Session::read(name, id, &item)?),
            Update::Refused(None) => return Err(UploadError::Unknown),
            Update::Refused(Some(item)) => Session::read(name, id, &item)?,
        };
        if seen.claimant.as_deref() == Some(me) {
            // The SDK repeated a claim whose answer was lost.
            return Ok(seen);
        }
        match seen.phase {
            Phase::Direct | Phase::Finished => return Ok(seen),
            Phase::Cancelled | Phase::Manifest => return Err(UploadError::Unknown),
            Phase::Open => {}
        }
        let Some(expired) = seen.lease.filter(|lease| *lease <= now_ms()) else {
            let out_of_order = first.is_some_and(|first| first != seen.received);
            let error = if seen.lease.is_none() || out_of_order { UploadError::OutOfOrder } else { UploadError::Busy };
            return Err(error(seen.progress()));
        };
        if first.is_some_and(|first| first != seen.received) {
            return Err(UploadError::OutOfOrder(seen.progress()));
        }
        // The holder died, or is so slow that it may as well have: it may still be sending the next part, so that
        // number is left to it.
        let values = vec![
            (":open", s(Phase::Open.as_str())),
            (":expired", n(expired)),
            (":seen", n(seen.fence)),
            (":lease", lease),
            (":now", claimed_at),
            (":me", s(me)),
            (":true", AttributeValue::Bool(true)),
            (":one", n(1)),
        ];
        let condition = "phase = :open AND lease = :expired AND fence = :seen";
        let take_over =
            "SET lease = :lease, claimed_at = :now, claimant = :me, untidy = :true ADD fence :one, next_part :one";
        match self.table.update_if(key, take_over, condition, values).await? {
            Update::Done(item) => Ok(Session::read(name, id, &item)?),
            Update::Refused(Some(item)) => {
                let now = Session::read(name, id, &item)?;
                if now.claimant.as_deref() == Some(me) { Ok(now) } else { Err(UploadError::Busy(seen.progress())) }
            }
            Update::Refused(None) => Err(UploadError::Unknown),
        }
    }

    /// Lets go of a session whose bytes are all recorded.
    pub(crate) async fn release(&self, session: &Session) -> Result<(), UploadError> {
        let values = vec![(":fence", n(session.fence)), (":open", s(Phase::Open.as_str()))];
        match self.table.update_if(session.key(), "REMOVE lease", HOLDS, values).await? {
            Update::Done(_) => Ok(()),
            Update::Refused(now) => Err(session.lost(now)?),
        }
    }

    /// Lets go of a session whose request failed, as of its last checkpoint. When that fails too, the lease runs out.
    pub(crate) async fn let_go(&self, session: &Session, error: &UploadError) {
        let mut values = vec![
            (":fence", n(session.fence)),
            (":open", s(Phase::Open.as_str())),
            (":true", AttributeValue::Bool(true)),
        ];
        let update = if matches!(error, UploadError::Storage(_)) {
            // S3 may be about to store a part that it gave no answer to, so that number isn't used again.
            values.push((":one", n(1)));
            "SET untidy = :true REMOVE lease ADD next_part :one"
        } else {
            "SET untidy = :true REMOVE lease"
        };
        let released = deadline::with_reserve(self.table.update_if(session.key(), update, HOLDS, values)).await;
        if let Err(error) = released {
            tracing::debug!(%error, session = %session.id, "the lease of an upload is left to run out");
        }
    }

    /// A write on condition of the session that didn't happen is worth repeating only while the session is ours.
    pub(crate) async fn still_held(&self, session: &Session) -> Result<(), UploadError> {
        match self.read_session(&session.name, &session.id).await? {
            Some(now) if now.fence == session.fence && now.phase == Phase::Open => Ok(()),
            Some(now) => Err(now.taken()),
            None => Err(UploadError::Unknown),
        }
    }

    /// Records a part that S3 has, and renews the lease.
    pub(crate) async fn checkpoint_part(
        &self,
        session: &mut Session,
        part: &Part,
        checkpoint: Checkpoint,
    ) -> Result<(), UploadError> {
        let lease = now_ms() + u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX);
        let record = item(
            keys::upload_part(&session.name, &session.id, part.number),
            [("etag", s(&part.etag)), ("number", n(part.number)), ("expires_at", n(now() + KEPT))],
        );
        let update = self.table.update(
            session.key(),
            "SET received = :received, next_part = :next, sha256 = :sha256, sha512 = :sha512, \
             multipart = :multipart, lease = :lease REMOVE tail",
        );
        let update = update
            .when(HOLDS)
            .value(":fence", n(session.fence))
            .value(":open", s(Phase::Open.as_str()))
            .value(":received", n(checkpoint.received))
            .value(":next", n(part.number + 1))
            .value(":sha256", b(checkpoint.hashes.sha256.clone()))
            .value(":sha512", b(checkpoint.hashes.sha512.clone()))
            .value(":multipart", s(session.multipart.clone().unwrap_or_default()))
            .value(":lease", n(lease));
        let writes = vec![self.table.put(record).build()?, update.build()?];
        let held: &Session = session;
        self.table
            .retry("recording a part", || async {
                match self.table.transact(writes.clone()).await? {
                    Some(()) => Ok(Some(())),
                    None => self.still_held(held).await.map(|()| None),
                }
            })
            .await?;
        session.received = checkpoint.received;
        session.hashes = Some(checkpoint.hashes);
        session.next_part = part.number + 1;
        session.tail = None;
        Ok(())
    }

    /// Records the rest of a request's bytes, which lie in a tail under this session's fence, and lets go.
    pub(crate) async fn checkpoint_tail(&self, session: &Session, checkpoint: &Checkpoint) -> Result<(), UploadError> {
        let values = vec![
            (":fence", n(session.fence)),
            (":open", s(Phase::Open.as_str())),
            (":received", n(checkpoint.received)),
            (":sha256", b(checkpoint.hashes.sha256.clone())),
            (":sha512", b(checkpoint.hashes.sha512.clone())),
        ];
        let update = "SET received = :received, sha256 = :sha256, sha512 = :sha512, tail = :fence REMOVE lease";
        match self.table.update_if(session.key(), update, HOLDS, values).await? {
            Update::Done(_) => Ok(()),
            Update::Refused(now) => Err(session.lost(now)?),
        }
    }

    /// Makes the blob begin at `first_part`: the checkpoint is of what came from there on, all of which is in parts.
    pub(crate) async fn restart_session(
        &self,
        session: &mut Session,
        first_part: i32,
        checkpoint: Checkpoint,
    ) -> Result<(), UploadError> {
        let values = vec![
            (":fence", n(session.fence)),
            (":open", s(Phase::Open.as_str())),
            (":first", n(first_part)),
            (":received", n(checkpoint.received)),
            (":sha256", b(checkpoint.hashes.sha256.clone())),
            (":sha512", b(checkpoint.hashes.sha512.clone())),
        ];
        let update = "SET first_part = :first, received = :received, sha256 = :sha256, sha512 = :sha512";
        match self.table.update_if(session.key(), update, HOLDS, values).await? {
            Update::Done(_) => {}
            Update::Refused(now) => return Err(session.lost(now)?),
        }
        session.first_part = first_part;
        session.received = checkpoint.received;
        session.hashes = Some(checkpoint.hashes);
        Ok(())
    }

    /// The write that turns a session into the tombstone of a finished one, which expires when nothing is left over.
    pub(crate) fn tombstone(
        &self,
        session: &Session,
        digest: &Digest,
        nothing_left_over: bool,
    ) -> Result<TransactWriteItem, Error> {
        const REMOVE: &str = "REMOVE lease, sha256, sha512";
        let update = if nothing_left_over && !session.untidy {
            let expiring = format!("SET phase = :finished, digest = :digest, expires_at = :at {REMOVE}");
            self.table.update(session.key(), &expiring).value(":at", n(now() + KEPT))
        } else {
            self.table.update(session.key(), &format!("SET phase = :finished, digest = :digest {REMOVE}"))
        };
        update
            .when(HOLDS)
            .value(":fence", n(session.fence))
            .value(":open", s(Phase::Open.as_str()))
            .value(":finished", s(Phase::Finished.as_str()))
            .value(":digest", s(digest.to_string()))
            .build()
    }

    /// Ends a session without a blob: as its holder under a fence, or whoever holds it. Then the holder loses it, and may
    /// leave something behind.
    pub(crate) async fn end_session(
        &self,
        name: &RepositoryName,
        id: &UploadId,
        fence: Option<u64>,
    ) -> Result<Session, UploadError> {
        let me = uuid::Uuid::new_v4().to_string();
        let mut values = vec![
            (":open", s(Phase::Open.as_str())),
            (":cancelled", s(Phase::Cancelled.as_str())),
            (":me", s(&me)),
            (":one", n(1)),
        ];
        let condition = match fence {
            Some(fence) => {
                values.push((":fence", n(fence)));
                HOLDS
            }
            None => {
                values.push((":direct", s(Phase::Direct.as_str())));
                "phase = :open OR phase = :direct"
            }
        };
        let update = "SET phase = :cancelled, claimant = :me ADD fence :one";
        let seen = match self.table.update_if(keys::upload(name, id), update, condition, values).await? {
            Update::Done(item) => return Ok(Session::read(name, id, &item)?),
            Update::Refused(None) => return Err(UploadError::Unknown),
            Update::Refused(Some(item)) => Session::read(name, id, &item)?,
        };
        // The SDK may have repeated a write whose answer was lost.
        if seen.claimant.as_deref() == Some(&me) { Ok(seen) } else { Err(UploadError::Unknown) }
    }

    /// Gives up the session that names a large manifest's object. False when a record has taken the object over.
    pub(crate) async fn give_up_manifest_session(&self, name: &RepositoryName, id: &UploadId) -> Result<bool, Error> {
        let values = vec![(":manifest", s(Phase::Manifest.as_str())), (":cancelled", s(Phase::Cancelled.as_str()))];
        let update = "SET phase = :cancelled";
        match self.table.update_if(keys::upload(name, id), update, "phase = :manifest", values).await? {
            Update::Done(_) => Ok(true),
            // The SDK may have repeated a write whose answer was lost.
            Update::Refused(Some(item)) => Ok(Phase::read(&item)? == Phase::Cancelled),
            Update::Refused(None) => Ok(false),
        }
    }

    /// Lets DynamoDB remove the record in time, when it names no object any more. A session that isn't tidy may: it is
    /// left to the collector.
    pub(crate) async fn let_expire(&self, session: &Session) -> Result<(), Error> {
        if session.untidy {
            return Ok(());
        }
        let values = vec![(":at", n(now() + KEPT))];
        self.table.update_if(session.key(), "SET expires_at = :at", "attribute_exists(pk)", values).await.map(|_| ())
    }

    /// The parts of the blob, in order.
    pub(crate) async fn parts(&self, session: &Session) -> Result<Vec<Part>, Error> {
        let (pk, prefix) = (keys::repository(&session.name), keys::upload_part_prefix(&session.id));
        let before = format!("{:05}", session.first_part - 1);
        let (items, _) = self.table.page(&pk, &prefix, Some(&before), usize::MAX, Wanted::Items).await?;
        items.iter().map(|item| Ok(Part { number: number(item, "number")?, etag: text(item, "etag")? })).collect()
    }
}

/// The session is still this request's.
const HOLDS: &str = "fence = :fence AND phase = :open";

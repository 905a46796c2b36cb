//! What sessions leave behind.
//!
//! Every object that no record names lies under the id of a session, so whoever goes through the sessions finds it. A
//! session that ended is kept until no request of it can still be running; then everything under its id goes, but for the
//! object that the registry has its blob in.

use std::time::Duration;

use aws_sdk_dynamodb::types::TransactWriteItem;
use protocol::{Digest, RepositoryName, UploadId};

use super::session::Phase;
use crate::guards::Guard;
use crate::marks::Mark;
use crate::table::{Item, WRITES_AT_ONCE, Wanted, item, n, now, now_ms, number, parsed, s, text};
use crate::uploads::new_upload_id;
use crate::{Blob, Error, Page, Storage, keys};

/// A session, as somebody sees it who isn't part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEntry {
    /// Its id, which is part of its URL.
    pub id: UploadId,
    /// When a request was last seen to work on it, in seconds since 1970.
    pub touched: u64,
    phase: Phase,
    fence: u64,
    digest: Option<Digest>,
}

/// A repository that had sessions before it existed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its name.
    pub name: RepositoryName,
    /// Of the session that was opened last.
    mark: Mark,
}

impl SessionEntry {
    fn read(id: UploadId, item: &Item) -> Result<Self, Error> {
        let optional = |name| if item.contains_key(name) { number::<u64>(item, name) } else { Ok(0) };
        let lease = optional("lease")? / 1000;
        Ok(Self {
            id,
            touched: optional("created_at")?.max(optional("claimed_at")?).max(lease),
            phase: Phase::read(item)?,
            fence: optional("fence")?,
            digest: item.contains_key("digest").then(|| parsed(item, "digest")).transpose()?,
        })
    }

    /// How long nothing has happened to it, at the least: the second in which something did isn't counted.
    pub fn idle(&self) -> Duration {
        Duration::from_secs(now().saturating_sub(self.touched + 1))
    }

    /// Whether it goes on when a client comes back to it.
    pub fn is_open(&self) -> bool {
        match self.phase {
            Phase::Open | Phase::Direct => true,
            Phase::Finished | Phase::Cancelled | Phase::Manifest => false,
        }
    }
}

impl Storage {
    /// A page of the repository's sessions, of every kind, in the order of their ids, after `after`; the records of parts
    /// are passed over.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn sessions(
        &self,
        name: &RepositoryName,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<SessionEntry>, Error> {
        let mut after = after.map(str::to_owned);
        let mut sessions = Vec::new();
        loop {
            let partition = keys::repository(name);
            let (items, more) =
                self.table.page(&partition, keys::UPLOAD, after.as_deref(), limit, Wanted::Items).await?;
            for item in &items {
                let sk = text(item, "sk")?;
                let id = &sk[keys::UPLOAD.len()..];
                // Past its parts, should the page end here.
                after = Some(format!("{}#~", id.split('#').next().unwrap_or(id)));
                if !id.contains('#') {
                    let id = id.parse().map_err(|_| Error::Corrupt(sk.clone()))?;
                    sessions.push(SessionEntry::read(id, item)?);
                }
            }
            if !sessions.is_empty() || !more {
                return Ok(Page { items: sessions, more });
            }
        }
    }

    /// Ends a session that nobody has worked on for long enough, if it is open, and removes everything that it left: objects,
    /// unfinished multipart uploads, records. What is removed are whole objects only that no record names. False when a
    /// request came to work on it meanwhile: then it stays.
    ///
    /// # Errors
    /// When the platform fails; the session stays until all that it left is gone.
    pub async fn sweep_session(&self, name: &RepositoryName, session: &SessionEntry) -> Result<bool, Error> {
        match session.phase {
            Phase::Manifest => return self.sweep_manifest_session(name, &session.id).await,
            Phase::Open | Phase::Direct if !self.end_idle(name, session).await? => return Ok(false),
            Phase::Open | Phase::Direct | Phase::Finished | Phase::Cancelled => {}
        }
        let prefix = keys::session_objects(&session.id);
        for (key, upload) in self.bucket.multiparts(&prefix).await? {
            self.bucket.abort_multipart(&key, &upload).await?;
        }
        let kept = match &session.digest {
            Some(digest) => self.table.get(keys::object(digest)).await?.as_ref().map(Blob::read).transpose()?,
            None => None,
        };
        let is_kept = |object: &String| kept.as_ref().is_some_and(|kept| kept.object == *object);
        for object in self.bucket.list(&prefix).await?.into_iter().filter(|object| !is_kept(object)) {
            self.bucket.delete(&object).await?;
        }
        if session.phase == Phase::Cancelled {
            // It may have been one that named a manifest's object, given up by somebody who got no further.
            self.bucket.delete(&keys::manifest_object(&session.id)).await?;
        }
        self.forget_session(name, &session.id).await?;
        Ok(true)
    }

    /// Ends an open session, unless a request has claimed it since it was seen.
    async fn end_idle(&self, name: &RepositoryName, session: &SessionEntry) -> Result<bool, Error> {
        let values = vec![
            (":cancelled", s(Phase::Cancelled.as_str())),
            (":seen", s(session.phase.as_str())),
            (":fence", n(session.fence)),
            (":now", n(now_ms())),
            (":one", n(1)),
        ];
        let condition = "phase = :seen AND fence = :fence AND (attribute_not_exists(lease) OR lease < :now)";
        let update = "SET phase = :cancelled ADD fence :one";
        let ended = self.table.update_if(keys::upload(name, &session.id), update, condition, values).await?;
        Ok(matches!(ended, crate::table::Update::Done(_)))
    }

    /// A page of repositories that had sessions before they existed, after the name `after`.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn pending(&self, after: Option<&str>, limit: usize) -> Result<Page<Pending>, Error> {
        let read = |item: &Item| {
            let name: RepositoryName = parsed(item, "sk")?;
            let mark = Mark::read(item)?.ok_or_else(|| Error::Corrupt(format!("pending {name}")))?;
            Ok(Pending { name, mark })
        };
        self.listing(keys::PENDING, "", after, limit, Wanted::Items, read).await
    }

    /// Forgets that a repository had sessions before it existed: it has none, or it exists. Not when another one was opened
    /// since.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn forget_pending(&self, pending: &Pending) -> Result<(), Error> {
        let values = vec![(":mark", pending.mark.value())];
        self.table.remove_if(keys::pending(&pending.name), Guard::StillMarked.condition(), values).await.map(|_| ())
    }

    /// The object of a large manifest that no record came to name.
    async fn sweep_manifest_session(&self, name: &RepositoryName, id: &UploadId) -> Result<bool, Error> {
        if !self.give_up_manifest_session(name, id).await? {
            return Ok(false);
        }
        self.bucket.delete(&keys::manifest_object(id)).await?;
        self.table.remove(keys::upload(name, id)).await?;
        Ok(true)
    }

    /// Parts first: the session is what they are found by.
    async fn forget_session(&self, name: &RepositoryName, id: &UploadId) -> Result<(), Error> {
        let (partition, prefix) = (keys::repository(name), keys::upload_part_prefix(id));
        let (parts, _) = self.table.page(&partition, &prefix, None, usize::MAX, Wanted::SortKeys).await?;
        for batch in parts.chunks(WRITES_AT_ONCE) {
            let mut writes = Vec::with_capacity(batch.len());
            for part in batch {
                let key = keys::Key { pk: partition.clone(), sk: text(part, "sk")? };
                writes.push(self.table.delete(key).build()?);
            }
            let removed =
                self.table.retry("parts of an upload", || async { self.table.transact(writes.clone()).await });
            removed.await?;
        }
        self.table.remove(keys::upload(name, id)).await
    }

    /// The tombstone that a mount leaves, which had no session: it tells the collector that the repository got a blob which
    /// a manifest may never name.
    pub(crate) fn mounted(&self, name: &RepositoryName, digest: &Digest) -> Result<TransactWriteItem, Error> {
        let id = new_upload_id()?;
        let attributes = [
            ("phase", s(Phase::Finished.as_str())),
            ("digest", s(digest.to_string())),
            ("created_at", n(now())),
            ("received", n(0)),
            ("next_part", n(1)),
            ("fence", n(0)),
            ("expires_at", n(now() + super::session::KEPT)),
        ];
        self.table.put(item(keys::upload(name, &id), attributes)).build()
    }
}

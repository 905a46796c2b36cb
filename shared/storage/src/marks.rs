//! Marks on what is about to be deleted, and what takes them away ([`Guard`](crate::Guard) says why).

use std::time::Duration;

use aws_sdk_dynamodb::types::TransactWriteItem;
use protocol::{Digest, RepositoryName};

use crate::guards::Guard;
use crate::keys::{self, Key};
use crate::table::{Item, Update, WRITES_AT_ONCE, now_ms, s, text};
use crate::{Error, Storage};

/// A mark on something that is about to be deleted. No two are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark(String);

/// Something in a repository that can be marked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Markable {
    /// A manifest, pushed or derived.
    Manifest(Digest),
    /// The repository's right to read a blob.
    Blob(Digest),
}

impl Markable {
    pub(crate) fn key(&self, name: &RepositoryName) -> Key {
        match self {
            Self::Manifest(digest) => keys::manifest(name, digest),
            Self::Blob(digest) => keys::blob(name, digest),
        }
    }
}

impl Mark {
    /// A new one, of now.
    pub(crate) fn new() -> Self {
        Self(format!("{}-{}", now_ms(), uuid::Uuid::new_v4()))
    }

    /// The mark on an item.
    pub(crate) fn read(item: &Item) -> Result<Option<Self>, Error> {
        item.contains_key("doomed").then(|| text(item, "doomed").map(Self)).transpose()
    }

    pub(crate) fn value(&self) -> aws_sdk_dynamodb::types::AttributeValue {
        s(&self.0)
    }

    /// How long it has been there.
    pub fn age(&self) -> Duration {
        let since = self.0.split('-').next().and_then(|digits| digits.parse().ok()).unwrap_or(u64::MAX);
        Duration::from_millis(now_ms().saturating_sub(since))
    }
}

impl Storage {
    /// Marks what is there of `things` and has no mark yet, and says how many that were. Pushes that have read one of them
    /// without its mark read again. One batch read and one transaction for each 99.
    ///
    /// # Errors
    /// When the platform fails; some may be marked then.
    pub async fn mark(&self, name: &RepositoryName, things: &[Markable]) -> Result<usize, Error> {
        let mut marked = 0;
        // One write counts them.
        for chunk in things.chunks(WRITES_AT_ONCE - 1) {
            marked += self.table.retry("marking for deletion", || self.try_mark(name, chunk)).await?;
        }
        Ok(marked)
    }

    async fn try_mark(&self, name: &RepositoryName, things: &[Markable]) -> Result<Option<usize>, Error> {
        let found = self.table.get_all(things.iter().map(|thing| thing.key(name)).collect()).await?;
        let mut unmarked = Vec::new();
        for (key, item) in found {
            if Mark::read(&item)?.is_none() {
                unmarked.push(key);
            }
        }
        let count = unmarked.len();
        if count == 0 {
            return Ok(Some(0));
        }
        Ok(self.put_mark(name, unmarked, &Mark::new()).await?.map(|()| count))
    }

    /// Sets a mark, over another one if there is one; None when something isn't there, or is being written to.
    pub(crate) async fn put_mark(
        &self,
        name: &RepositoryName,
        keys: Vec<Key>,
        mark: &Mark,
    ) -> Result<Option<()>, Error> {
        let mut writes = Vec::with_capacity(keys.len() + 1);
        for key in keys {
            let update = self.table.update(key, "SET doomed = :mark").when("attribute_exists(pk)");
            writes.push(update.value(":mark", mark.value()).build()?);
        }
        writes.push(self.count_deletion(name)?);
        self.table.transact(writes).await
    }

    /// Takes a mark back that nothing came of.
    pub(crate) async fn unmark(&self, key: Key, mark: &Mark) -> Result<(), Error> {
        let values = vec![(":mark", mark.value())];
        let update = "REMOVE doomed, dismantled";
        self.table.update_if(key, update, Guard::StillMarked.condition(), values).await.map(|_| ())
    }

    /// The check that a mark is still there, for transactions that delete what belongs to a thing before the thing itself.
    pub(crate) fn still_marked(&self, key: Key, mark: &Mark) -> Result<TransactWriteItem, Error> {
        self.table.check(key, Guard::StillMarked.condition()).value(":mark", mark.value()).build()
    }

    /// Takes the marks away from those of `found` that have one, because somebody refers to them; None when one of them is
    /// gone. Nothing is sent when none has.
    pub(crate) async fn spare<'a>(
        &self,
        found: impl IntoIterator<Item = (&'a Key, &'a Item)>,
    ) -> Result<Option<()>, Error> {
        let mut marked = Vec::new();
        for (key, item) in found {
            if Mark::read(item)?.is_some() {
                let update = self.table.update(key.clone(), "REMOVE doomed").when(Guard::Spared.condition());
                marked.push(update.build()?);
            }
        }
        for batch in marked.chunks(WRITES_AT_ONCE) {
            if self.table.transact(batch.to_vec()).await?.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(()))
    }

    /// The same for one thing that was read. False when it is gone.
    pub(crate) async fn spare_one(&self, key: Key, item: &Item) -> Result<bool, Error> {
        if Mark::read(item)?.is_none() {
            return Ok(true);
        }
        let spared = self.table.update_if(key, "REMOVE doomed", Guard::Spared.condition(), vec![]).await?;
        Ok(matches!(spared, Update::Done(_)))
    }
}

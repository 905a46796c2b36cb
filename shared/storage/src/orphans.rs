//! Objects that a repository let go of. The registry keeps one until it is sure that no other repository has its blob.

use std::time::Duration;

use aws_sdk_dynamodb::types::TransactWriteItem;
use protocol::Digest;

use crate::guards::Guard;
use crate::keys;
use crate::marks::Mark;
use crate::table::{Item, Wanted, n, number, parsed, s, text};
use crate::{Blob, Error, Page, Storage};

/// An object that a repository let go of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// Its key in the bucket.
    pub object: String,
    /// The blob that was in it.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// Set when it was let go of last.
    mark: Mark,
    /// The registry has forgotten it; only the object is left.
    forgotten: bool,
}

impl Orphan {
    /// How long ago it was let go of. A download that began before may take that long.
    pub fn age(&self) -> Duration {
        self.mark.age()
    }

    fn read(item: &Item) -> Result<Self, Error> {
        let object = text(item, "sk")?;
        let mark = Mark::read(item)?.ok_or_else(|| Error::Corrupt(format!("orphan {object}")))?;
        let (digest, size) = (parsed(item, "digest")?, number(item, "content_size")?);
        Ok(Self { object, digest, size, mark, forgotten: item.contains_key("phase") })
    }
}

impl Storage {
    /// A page of objects that were let go of, in the order of their keys, after the key `after`.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn orphans(&self, after: Option<&str>, limit: usize) -> Result<Page<Orphan>, Error> {
        self.listing(keys::ORPHAN, "", after, limit, Wanted::Items, Orphan::read).await
    }

    /// Whether any repository has the blob in this very object: then it isn't an orphan any more.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn is_linked(&self, orphan: &Orphan) -> Result<bool, Error> {
        if orphan.forgotten {
            return Ok(false);
        }
        let record = self.table.get(keys::object(&orphan.digest)).await?;
        let names_it = record.as_ref().map(Blob::read).transpose()?.is_some_and(|blob| blob.object == orphan.object);
        Ok(names_it && self.has_links(&orphan.digest).await?)
    }

    async fn has_links(&self, digest: &Digest) -> Result<bool, Error> {
        let (links, _) = self.table.page(&keys::blob_partition(digest), keys::LINK, None, 1, Wanted::SortKeys).await?;
        Ok(!links.is_empty())
    }

    /// Removes an object that no repository has the blob of, with what is known of it. False when one has it, or got it
    /// meanwhile: then the object stays.
    ///
    /// # Errors
    /// When the platform fails; what is left is done by the next call.
    pub async fn remove_orphan(&self, orphan: &Orphan) -> Result<bool, Error> {
        if !orphan.forgotten {
            // The count of links first: whoever adds one after this changes it.
            let record = self.table.get(keys::object(&orphan.digest)).await?;
            let names_it = match &record {
                Some(item) => Blob::read(item)?.object == orphan.object,
                None => false,
            };
            if names_it && self.has_links(&orphan.digest).await? {
                // Another repository may be letting go of it right now, which sets another mark.
                let values = vec![(":mark", orphan.mark.value())];
                self.table.remove_if(keys::orphan(&orphan.object), Guard::SameOrphan.condition(), values).await?;
                return Ok(false);
            }
            if let Some(record) = record.filter(|_| names_it)
                && !self.forget_object(orphan, &record).await?
            {
                return Ok(false);
            }
        }
        self.bucket.delete(&orphan.object).await?;
        self.table.remove(keys::orphan(&orphan.object)).await?;
        Ok(true)
    }

    /// False when a repository got the blob meanwhile.
    async fn forget_object(&self, orphan: &Orphan, record: &Item) -> Result<bool, Error> {
        let links: u64 = number(record, "revision")?;
        let forget = self.table.delete(keys::object(&orphan.digest)).when(Guard::NotLinkedSince.condition());
        // From here on only this names the object.
        let update = self.table.update(keys::orphan(&orphan.object), "SET phase = :forgotten");
        let writes: Vec<TransactWriteItem> = vec![
            forget.value(":seen", n(links)).build()?,
            self.table.delete(keys::layer(&orphan.digest)).build()?,
            update
                .when(Guard::SameOrphan.condition())
                .value(":mark", orphan.mark.value())
                .value(":forgotten", s("forgotten"))
                .build()?,
        ];
        Ok(self.table.transact(writes).await?.is_some())
    }
}

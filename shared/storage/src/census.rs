//! Going through everything in a repository, a page at a time: what a collector, a lifecycle policy or a scrub looks at.
//!
//! Each partition range is read once, in order. What comes or goes meanwhile may be seen or not; whoever acts on what was
//! seen does so on condition of a mark.

use std::collections::HashMap;

use protocol::{Digest, MediaType, RepositoryName, Tag};

use crate::manifests::{ManifestRecord, Origin};
use crate::marks::Mark;
use crate::references::References;
use crate::table::{Item, Wanted, flag, n, number, parsed, text};
use crate::{Blob, Error, Storage, keys};

/// Items that are read at a time.
const PAGE: usize = 1000;

/// What a pull is noted to, in seconds.
pub(crate) const DAY: u64 = 24 * 60 * 60;

/// A manifest, as its record describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestEntry {
    /// Its digest.
    pub digest: Digest,
    /// The type that it is served as.
    pub media_type: MediaType,
    /// Length in bytes.
    pub size: u64,
    /// Whether it is the outcome of a conversion, and nobody pushed it.
    pub is_derived: bool,
    /// When it was pushed last, in seconds since 1970; when it was derived, for one that wasn't pushed.
    pub at: u64,
    /// The manifest that it is about.
    pub subject: Option<Digest>,
    /// What it refers to; None when its record doesn't say.
    pub references: Option<References>,
    /// Set when it is about to be deleted.
    pub mark: Option<Mark>,
    /// Whether a removal has begun to take its tags, and it wasn't pushed since.
    pub is_dismantled: bool,
}

/// A repository's right to a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobEntry {
    /// Its digest.
    pub digest: Digest,
    /// Where it is.
    pub blob: Blob,
    /// Set when it is about to be deleted.
    pub mark: Option<Mark>,
}

/// A tag and where it points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagEntry {
    /// The tag.
    pub tag: Tag,
    /// Its manifest.
    pub digest: Digest,
}

impl ManifestEntry {
    fn read(record: &Item, further: &[Item]) -> Result<Self, Error> {
        let ManifestRecord { origin, subject } = ManifestRecord::read(record)?;
        let at = if record.contains_key("pushed_at") { "pushed_at" } else { "derived_at" };
        Ok(Self {
            digest: last(record)?.parse().map_err(|_| Error::Corrupt(last(record).unwrap_or_default()))?,
            media_type: MediaType::from(text(record, "media_type")?.as_str()),
            size: number(record, "content_size")?,
            is_derived: origin == Origin::Derived,
            at: number(record, at)?,
            subject,
            references: References::read(record, further.iter())?,
            mark: Mark::read(record)?,
            is_dismantled: flag(record, "dismantled").unwrap_or(false),
        })
    }
}

/// What comes after the first `#` of a sort key.
fn last(item: &Item) -> Result<String, Error> {
    let sk = text(item, "sk")?;
    Ok(sk.split_once('#').map(|(_, rest)| rest.to_owned()).unwrap_or(sk))
}

impl Storage {
    /// Shows every manifest, in the order of digests. A page holds 1,000 records at the most, and 1 MB.
    ///
    /// # Errors
    /// When the platform fails, or a record can't be read.
    pub async fn each_manifest(
        &self,
        name: &RepositoryName,
        show: &mut (dyn FnMut(ManifestEntry) + Send),
    ) -> Result<(), Error> {
        // A record and the items behind it may be on two pages.
        let mut current: Option<(Item, Vec<Item>)> = None;
        let mut after = None;
        loop {
            let (items, more) = self.items(name, keys::MANIFEST, after.as_deref()).await?;
            after = items.last().map(last).transpose()?;
            for item in items {
                match &mut current {
                    Some((_, further)) if last(&item)?.contains('#') => further.push(item),
                    _ => {
                        if let Some((record, further)) = current.replace((item, Vec::new())) {
                            show(ManifestEntry::read(&record, &further)?);
                        }
                    }
                }
            }
            if !more {
                break;
            }
        }
        if let Some((record, further)) = current {
            show(ManifestEntry::read(&record, &further)?);
        }
        Ok(())
    }

    /// Shows every blob that the repository may read, in the order of digests.
    ///
    /// # Errors
    /// As for [`Storage::each_manifest`].
    pub async fn each_blob(
        &self,
        name: &RepositoryName,
        show: &mut (dyn FnMut(BlobEntry) + Send),
    ) -> Result<(), Error> {
        self.each(name, keys::BLOB, |item, digest| {
            let digest = digest.parse().map_err(|_| Error::Corrupt(digest.to_owned()))?;
            show(BlobEntry { digest, blob: Blob::read(item)?, mark: Mark::read(item)? });
            Ok(())
        })
        .await
    }

    /// Shows every tag, in order.
    ///
    /// # Errors
    /// As for [`Storage::each_manifest`].
    pub async fn each_tag(&self, name: &RepositoryName, show: &mut (dyn FnMut(TagEntry) + Send)) -> Result<(), Error> {
        self.each(name, keys::TAG, |item, tag| {
            let tag = tag.parse().map_err(|_| Error::Corrupt(tag.to_owned()))?;
            show(TagEntry { tag, digest: parsed(item, "digest")? });
            Ok(())
        })
        .await
    }

    /// When manifests were last pulled, in seconds since 1970; those that never were aren't there. Only the day is known: it
    /// is the end of that day, so that nothing seems older than it is. A pull of a conversion is one of its sources too.
    ///
    /// # Errors
    /// As for [`Storage::each_manifest`].
    pub async fn last_pulls(&self, name: &RepositoryName) -> Result<HashMap<Digest, u64>, Error> {
        let mut pulls: HashMap<Digest, u64> = HashMap::new();
        self.each(name, keys::PULLED, |item, digest| {
            let digest = digest.parse().map_err(|_| Error::Corrupt(digest.to_owned()))?;
            pulls.insert(digest, number::<u64>(item, "pulled_at")? + DAY - 1);
            Ok(())
        })
        .await?;
        if !pulls.is_empty() {
            let partition = keys::derived_partition(name);
            self.each_in(&partition, "", |item, conversion| {
                let Some((source, _)) = conversion.split_once('#') else { return Ok(()) };
                let source = source.parse().map_err(|_| Error::Corrupt(conversion.to_owned()))?;
                if let Some(at) = pulls.get(&parsed::<Digest>(item, "digest")?).copied() {
                    let latest = pulls.entry(source).or_insert(at);
                    *latest = at.max(*latest);
                }
                Ok(())
            })
            .await?;
        }
        Ok(pulls)
    }

    /// Manifests that were deleted, and whose referrers nobody has looked at since, with the time, in seconds since 1970.
    ///
    /// # Errors
    /// As for [`Storage::each_manifest`].
    pub async fn deleted_manifests(&self, name: &RepositoryName) -> Result<Vec<(Digest, u64)>, Error> {
        let mut deleted = Vec::new();
        self.each(name, keys::DELETED, |item, digest| {
            let digest = digest.parse().map_err(|_| Error::Corrupt(digest.to_owned()))?;
            deleted.push((digest, number(item, "deleted_at")?));
            Ok(())
        })
        .await?;
        Ok(deleted)
    }

    /// Forgets that a manifest was deleted at that time: nothing is left that referred to it, or it is there again. Not when
    /// it was deleted once more since.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn forget_deleted(&self, name: &RepositoryName, digest: &Digest, at: u64) -> Result<(), Error> {
        let values = vec![(":at", n(at))];
        self.table.remove_if(keys::deleted(name, digest), "deleted_at = :at", values).await.map(|_| ())
    }

    async fn each(
        &self,
        name: &RepositoryName,
        prefix: &str,
        show: impl FnMut(&Item, &str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.each_in(&keys::repository(name), prefix, show).await
    }

    /// Shows items with what their sort keys have behind the prefix.
    async fn each_in(
        &self,
        partition: &str,
        prefix: &str,
        mut show: impl FnMut(&Item, &str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut after: Option<String> = None;
        loop {
            let (items, more) = self.table.page(partition, prefix, after.as_deref(), PAGE, Wanted::Items).await?;
            for item in &items {
                let sk = text(item, "sk")?;
                show(item, &sk[prefix.len()..])?;
                after = Some(sk[prefix.len()..].to_owned());
            }
            if !more {
                return Ok(());
            }
        }
    }

    async fn items(
        &self,
        name: &RepositoryName,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<(Vec<Item>, bool), Error> {
        self.table.page(&keys::repository(name), prefix, after, PAGE, Wanted::Items).await
    }
}

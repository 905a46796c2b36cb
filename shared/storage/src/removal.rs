//! Removing manifests and tags.
//!
//! The tags go first, page by page, and the manifest last, on condition that nobody pushed or tagged it in between: so a
//! tag never points to a manifest that is gone, and a removal that breaks off leaves a manifest with fewer tags, which the
//! next attempt finishes.

use protocol::{Digest, MediaType, RepositoryName, Tag};

use crate::keys;
use crate::manifests::{ManifestRecord, Origin, TagRecord};
use crate::table::{Cancelled, Item, Wanted, item, n, now, number, parsed, s, text};
use crate::uploads::Phase;
use crate::{Error, Storage};

/// Two writes a tag; a transaction holds a hundred.
const TAGS_AT_ONCE: usize = 50;

/// Why nothing was deleted.
#[derive(Debug)]
pub enum DeleteError {
    /// There is no such manifest or tag.
    Unknown,
    /// The manifest is the conversion of several others, which have to be deleted themselves.
    DerivedFromSeveral(Vec<Digest>),
    /// The platform failed.
    Storage(Error),
}

/// What is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedManifest {
    /// Its digest; not the one that was asked for when that was a conversion of this manifest.
    pub digest: Digest,
    /// The type that it was served as.
    pub media_type: MediaType,
    /// Length in bytes.
    pub size: u64,
}

impl From<Error> for DeleteError {
    fn from(error: Error) -> Self {
        Self::Storage(error)
    }
}

impl Storage {
    /// Removes a tag, and says where it pointed. The manifest stays.
    ///
    /// # Errors
    /// When there is no such tag, or the platform fails.
    pub async fn delete_tag(&self, name: &RepositoryName, tag: &Tag) -> Result<TagRecord, DeleteError> {
        self.table
            .retry("deleting a tag", || async {
                let found = self.table.get(keys::tag(name, tag)).await?.ok_or(DeleteError::Unknown)?;
                let record = TagRecord::read(&found)?;
                let untagged = self.untag(name, &[(tag.clone(), record.digest.clone())]).await?;
                Ok(untagged.map(|()| record))
            })
            .await
    }

    /// Removes a manifest with every tag that points to it and every conversion that came out of it alone. A conversion
    /// is removed by removing its source.
    ///
    /// # Errors
    /// When there is no such manifest, it was derived from several, or the platform fails.
    pub async fn delete_manifest(
        &self,
        name: &RepositoryName,
        digest: &Digest,
    ) -> Result<DeletedManifest, DeleteError> {
        let source = self.deletable(name, digest).await?;
        self.table
            .retry("deleting a manifest", || async {
                let found = self.table.get(keys::manifest(name, &source)).await?.ok_or(DeleteError::Unknown)?;
                let record = ManifestRecord::read(&found)?;
                let (media_type, size) = (text(&found, "media_type")?, number(&found, "content_size")?);
                self.drop_tags(name, &source).await?;
                self.drop_conversions(name, &source).await?;
                let dropped = self.drop_manifest(name, &source, &record).await?;
                let deleted = || DeletedManifest {
                    digest: source.clone(),
                    media_type: MediaType::from(media_type.as_str()),
                    size,
                };
                Ok(dropped.map(|()| deleted()))
            })
            .await
    }

    /// The pushed manifest that a deletion of `digest` means.
    async fn deletable(&self, name: &RepositoryName, digest: &Digest) -> Result<Digest, DeleteError> {
        let found = self.table.get(keys::manifest(name, digest)).await?.ok_or(DeleteError::Unknown)?;
        if ManifestRecord::read(&found)?.origin == Origin::Pushed {
            return Ok(digest.clone());
        }
        let mut sources = self.sources(name, digest).await?;
        sources.sort();
        sources.dedup();
        match sources.as_slice() {
            // Its sources are gone, and so should it be.
            [] => Ok(digest.clone()),
            [only] => Ok(only.clone()),
            _ => Err(DeleteError::DerivedFromSeveral(sources)),
        }
    }

    async fn sources(&self, name: &RepositoryName, derived: &Digest) -> Result<Vec<Digest>, Error> {
        let found = self.table.get(keys::sources(name, derived)).await?;
        let conversions = found.as_ref().and_then(|item| item.get("sources")).and_then(|set| set.as_ss().ok());
        let source = |conversion: &String| conversion.split('#').next().and_then(|digest| digest.parse().ok());
        Ok(conversions.into_iter().flatten().filter_map(source).collect())
    }

    async fn drop_tags(&self, name: &RepositoryName, digest: &Digest) -> Result<(), Error> {
        let prefix = keys::tagged_prefix(digest);
        loop {
            let (items, more) =
                self.table.page(&keys::repository(name), &prefix, None, TAGS_AT_ONCE, Wanted::SortKeys).await?;
            let tag = |item: &Item| -> Result<(Tag, Digest), Error> {
                let sk = text(item, "sk")?;
                let tag = sk[prefix.len()..].parse().map_err(|_| Error::Corrupt(sk.clone()))?;
                Ok((tag, digest.clone()))
            };
            let tags = items.iter().map(tag).collect::<Result<Vec<_>, _>>()?;
            if tags.is_empty() {
                return Ok(());
            }
            match self.untag(name, &tags).await? {
                Some(()) if !more => return Ok(()),
                Some(()) => {}
                None => self.drop_strays(name, &tags).await?,
            }
        }
    }

    /// Removes the way back from `digest` to tags that don't point to it. A tag that moves takes its way back along, so
    /// there should be none; one that is there all the same mustn't keep the manifest from being deleted.
    async fn drop_strays(&self, name: &RepositoryName, tags: &[(Tag, Digest)]) -> Result<(), Error> {
        for (tag, digest) in tags {
            let elsewhere = self.table.check(keys::tag(name, tag), "attribute_not_exists(pk) OR digest <> :digest");
            let writes = vec![
                elsewhere.value(":digest", s(digest.to_string())).build()?,
                self.table.delete(keys::tagged(name, digest, tag)).build()?,
            ];
            match self.table.transact(writes).await {
                // Those that do point to it are for the next round.
                Ok(()) | Err(Cancelled::Changed) => {}
                Err(Cancelled::Failed(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Removes tags together with their way back; None when one of them points elsewhere by now.
    async fn untag(&self, name: &RepositoryName, tags: &[(Tag, Digest)]) -> Result<Option<()>, Error> {
        let mut writes = Vec::with_capacity(2 * tags.len());
        for (tag, digest) in tags {
            let delete = self.table.delete(keys::tag(name, tag)).when("digest = :digest");
            writes.push(delete.value(":digest", s(digest.to_string())).build()?);
            writes.push(self.table.delete(keys::tagged(name, digest, tag)).build()?);
        }
        match self.table.transact(writes).await {
            Ok(()) => Ok(Some(())),
            Err(Cancelled::Changed) => Ok(None),
            Err(Cancelled::Failed(error)) => Err(error),
        }
    }

    /// Forgets the conversions of `source`, and removes what they came to when nothing else came to the same.
    async fn drop_conversions(&self, name: &RepositoryName, source: &Digest) -> Result<(), Error> {
        let partition = keys::derived_partition(name);
        let prefix = format!("{source}#");
        let (conversions, _) = self.table.page(&partition, &prefix, None, usize::MAX, Wanted::Items).await?;
        for conversion in conversions {
            let (sk, derived): (String, Digest) = (text(&conversion, "sk")?, parsed(&conversion, "digest")?);
            self.table.retry("forgetting a conversion", || self.forget_conversion(name, source, &sk, &derived)).await?;
        }
        Ok(())
    }

    async fn forget_conversion(
        &self,
        name: &RepositoryName,
        source: &Digest,
        conversion: &str,
        derived: &Digest,
    ) -> Result<Option<()>, Error> {
        let target = conversion.get(source.to_string().len() + 1..).unwrap_or_default();
        let forget = self.table.delete(keys::conversion(name, source, target)).build()?;
        let sources = self.table.get(keys::sources(name, derived)).await?;
        let remaining = sources.as_ref().and_then(|item| item.get("sources")).and_then(|set| set.as_ss().ok());
        let others = remaining.is_some_and(|set| set.iter().any(|source| source != conversion));
        let record =
            self.table.get(keys::manifest(name, derived)).await?.as_ref().map(ManifestRecord::read).transpose()?;
        let only_derived = record.as_ref().is_some_and(|record| record.origin == Origin::Derived);

        let only_source = aws_sdk_dynamodb::types::AttributeValue::Ss(vec![conversion.to_owned()]);
        let done = if others {
            let update = self.table.update(keys::sources(name, derived), "DELETE sources :source");
            self.table.transact(vec![forget, update.value(":source", only_source).build()?]).await
        } else {
            let delete = self.table.delete(keys::sources(name, derived));
            let delete =
                delete.when("attribute_not_exists(pk) OR sources = :only").value(":only", only_source).build()?;
            self.table.transact(vec![forget, delete]).await
        };
        match done {
            Ok(()) => {}
            Err(Cancelled::Changed) => return Ok(None),
            Err(Cancelled::Failed(error)) => return Err(error),
        }
        match record.filter(|_| only_derived && !others) {
            // A push or another conversion that came in between keeps it: then there is nothing to remove.
            Some(record) => self.drop_manifest(name, derived, &record).await.map(|_| Some(())),
            None => Ok(Some(())),
        }
    }

    /// Removes the records of a manifest, and its object; None when it was pushed, tagged or derived again meanwhile.
    async fn drop_manifest(
        &self,
        name: &RepositoryName,
        digest: &Digest,
        record: &ManifestRecord,
    ) -> Result<Option<()>, Error> {
        let delete = self.table.delete(keys::manifest(name, digest)).when("revision = :seen");
        let mut writes = vec![
            delete.value(":seen", n(record.revision)).build()?,
            self.table.delete(keys::bytes(name, digest)).build()?,
            self.count_deletion(name)?,
        ];
        if let Some(subject) = &record.subject {
            writes.push(self.table.delete(keys::referrer(name, subject, digest)).build()?);
        }
        let bytes = self.table.get(keys::bytes(name, digest)).await?;
        let object =
            bytes.filter(|item| item.contains_key("object_key")).map(|item| text(&item, "object_key")).transpose()?;
        // The object is named by a session from here on, until it is gone.
        let session = match object.as_deref().and_then(|object| object.strip_prefix("manifests/")) {
            Some(id) => Some(id.parse().map_err(|_| Error::Corrupt(format!("object of {digest}")))?),
            None => None,
        };
        if let Some(id) = &session {
            let session =
                item(keys::upload(name, id), [("phase", s(Phase::Manifest.as_str())), ("created_at", n(now()))]);
            writes.push(self.table.put(session).build()?);
        }
        match self.table.transact(writes).await {
            Ok(()) => {}
            Err(Cancelled::Changed) => return Ok(None),
            Err(Cancelled::Failed(error)) => return Err(error),
        }
        if let Some(id) = &session {
            self.unspill(name, id).await;
        }
        Ok(Some(()))
    }
}

//! Removing manifests, tags and blobs.
//!
//! What others may refer to is marked first, then looked for, and removed while the mark is there
//! ([`Guard`](crate::Guard)). A client's deletion does all of it in one request; the collector marks in one run and
//! removes in a later one.
//!
//! Of a manifest the tags go first, page by page, and the manifest last: so a tag never points to a manifest that is gone,
//! and a removal that breaks off leaves a manifest with fewer tags, which the next attempt finishes, or the collector. Each
//! step asks for the mark, which every push and every new tag takes away.

use std::sync::OnceLock;

use aws_sdk_dynamodb::types::AttributeValue;
use protocol::{Digest, MediaType, RepositoryName, Tag};

use crate::guards::Guard;
use crate::keys;
use crate::manifests::{ManifestRecord, Origin, TagRecord};
use crate::marks::Mark;
use crate::references::References;
use crate::repositories::Found;
use crate::table::{Item, WRITES_AT_ONCE, Wanted, item as item_of, n, now, number, parsed, s, text};
use crate::uploads::Phase;
use crate::{Blob, Error, Storage};

/// Two writes a tag, and a check; a transaction holds a hundred.
const TAGS_AT_ONCE: usize = 49;

/// Why nothing was deleted.
#[derive(Debug)]
pub enum DeleteError {
    /// There is no such manifest or tag.
    Unknown,
    /// The manifest is the conversion of several others, which have to be deleted themselves.
    DerivedFromSeveral(Vec<Digest>),
    /// These manifests refer to it, and have to be deleted first; for a blob one of them. Not where manifests may be
    /// sparse.
    ReferredTo(Vec<Digest>),
    /// The platform failed.
    Storage(Error),
}

/// Which of a manifest's tags are gone.
enum Dropped {
    All,
    /// The first ones.
    Some,
    /// Nothing more: the mark on the manifest is.
    MarkIsGone,
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

impl DeletedManifest {
    fn read(digest: &Digest, item: &Item) -> Result<Self, Error> {
        let media_type = MediaType::from(text(item, "media_type")?.as_str());
        Ok(Self { digest: digest.clone(), media_type, size: number(item, "content_size")? })
    }
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
                let untagged = self.untag(name, &[(tag.clone(), record.digest.clone())], None).await?;
                Ok(untagged.map(|()| record))
            })
            .await
    }

    /// Removes a manifest with every tag that points to it and every conversion that came out of it alone. A conversion
    /// is removed by removing its source.
    ///
    /// # Errors
    /// When there is no such manifest, a list names it, it was derived from several, or the platform fails.
    pub async fn delete_manifest(
        &self,
        name: &RepositoryName,
        digest: &Digest,
    ) -> Result<DeletedManifest, DeleteError> {
        let source = self.deletable(name, digest).await?;
        let key = keys::manifest(name, &source);
        // What an attempt began to remove. Others may finish that: then it was there, and is deleted.
        let begun = OnceLock::new();
        self.table
            .retry("deleting a manifest", || async {
                let mut found = self.table.get_all(vec![key.clone(), keys::settings(name)]).await?;
                let Some(item) = found.remove(&key) else {
                    return begun.get().cloned().map(Some).ok_or(DeleteError::Unknown);
                };
                let may_be_sparse = self.takes_sparse_manifests(&Found::read(found.get(&keys::settings(name)))?);
                let mark = Mark::new();
                if self.put_mark(name, vec![key.clone()], &mark).await?.is_none() {
                    return Ok(None);
                }
                let Some(parents) = self.parents(name, &source, &mark).await? else { return Ok(None) };
                if !parents.is_empty() && !may_be_sparse {
                    self.unmark(key.clone(), &mark).await?;
                    return Err(DeleteError::ReferredTo(parents));
                }
                let deleted = DeletedManifest::read(&source, &item)?;
                begun.get_or_init(|| deleted);
                Ok(self.remove_manifest(name, &source, &item, &mark).await?)
            })
            .await
    }

    /// Removes a manifest under a mark, with its tags and conversions; None when the mark is gone.
    pub(crate) async fn remove_manifest(
        &self,
        name: &RepositoryName,
        digest: &Digest,
        item: &Item,
        mark: &Mark,
    ) -> Result<Option<DeletedManifest>, Error> {
        let deleted = DeletedManifest::read(digest, item)?;
        let is_marked = self.drop_tags(name, digest, mark).await?.is_some()
            && self.drop_conversions(name, digest, mark).await?.is_some()
            && self.drop_marked(name, digest, item, mark).await?.is_some();
        Ok(is_marked.then_some(deleted))
    }

    /// Takes a blob out of a repository. The object stays until the collector finds that no
    /// repository has the blob. Reads what every manifest of the repository refers to.
    ///
    /// # Errors
    /// When it isn't in there, a manifest refers to it, or the platform fails.
    pub async fn delete_blob(&self, name: &RepositoryName, digest: &Digest) -> Result<(), DeleteError> {
        let key = keys::blob(name, digest);
        self.table
            .retry("deleting a blob", || async {
                let mut found = self.table.get_all(vec![key.clone(), keys::settings(name)]).await?;
                let blob = Blob::read(&found.remove(&key).ok_or(DeleteError::Unknown)?)?;
                let may_be_sparse = self.takes_sparse_manifests(&Found::read(found.get(&keys::settings(name)))?);
                let mark = Mark::new();
                if self.put_mark(name, vec![key.clone()], &mark).await?.is_none() {
                    return Ok(None);
                }
                if !may_be_sparse && let Some(manifest) = self.who_names(name, digest).await? {
                    self.unmark(key.clone(), &mark).await?;
                    return Err(DeleteError::ReferredTo(vec![manifest]));
                }
                Ok(self.drop_blob(name, digest, &blob, &mark).await?)
            })
            .await
    }

    /// Removes a repository's right to a blob under a mark; None when the mark is gone. The object is left to be looked
    /// at: it may have been the last right.
    pub(crate) async fn drop_blob(
        &self,
        name: &RepositoryName,
        digest: &Digest,
        blob: &Blob,
        mark: &Mark,
    ) -> Result<Option<()>, Error> {
        // The right may have been written anew between the look at it and the mark.
        let condition = format!("{} AND {}", Guard::StillMarked.condition(), Guard::SameObject.condition());
        let delete = self.table.delete(keys::blob(name, digest)).when(&condition);
        let orphan =
            [("digest", s(digest.to_string())), ("content_size", n(blob.size)), ("doomed", Mark::new().value())];
        let writes = vec![
            delete.value(":mark", mark.value()).value(":object", s(&blob.object)).build()?,
            self.table.delete(keys::link(digest, name)).build()?,
            self.table.put(item_of(keys::orphan(&blob.object), orphan)).build()?,
        ];
        self.table.transact(writes).await
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

    pub(crate) async fn sources(&self, name: &RepositoryName, derived: &Digest) -> Result<Vec<Digest>, Error> {
        let found = self.table.get(keys::sources(name, derived)).await?;
        let conversions = found.as_ref().and_then(|item| item.get("sources")).and_then(|set| set.as_ss().ok());
        let source = |conversion: &String| conversion.split('#').next().and_then(|digest| digest.parse().ok());
        Ok(conversions.into_iter().flatten().filter_map(source).collect())
    }

    /// None when the mark is gone.
    async fn drop_tags(&self, name: &RepositoryName, digest: &Digest, mark: &Mark) -> Result<Option<()>, Error> {
        loop {
            let dropped = self.table.retry("the tags of a manifest", || self.try_drop_tags(name, digest, mark)).await?;
            match dropped {
                Dropped::MarkIsGone => return Ok(None),
                Dropped::All => return Ok(Some(())),
                Dropped::Some => {}
            }
        }
    }

    /// One page of tags; None when one of them moved.
    async fn try_drop_tags(
        &self,
        name: &RepositoryName,
        digest: &Digest,
        mark: &Mark,
    ) -> Result<Option<Dropped>, Error> {
        let (prefix, partition) = (keys::tagged_prefix(digest), keys::repository(name));
        let (items, more) = self.table.page(&partition, &prefix, None, TAGS_AT_ONCE, Wanted::SortKeys).await?;
        let tag = |item: &Item| -> Result<(Tag, Digest), Error> {
            let sk = text(item, "sk")?;
            let tag = sk[prefix.len()..].parse().map_err(|_| Error::Corrupt(sk.clone()))?;
            Ok((tag, digest.clone()))
        };
        let tags = items.iter().map(tag).collect::<Result<Vec<_>, _>>()?;
        if tags.is_empty() {
            return Ok(Some(Dropped::All));
        }
        if self.untag(name, &tags, Some(mark)).await?.is_some() {
            return Ok(Some(if more { Dropped::Some } else { Dropped::All }));
        }
        if !self.is_marked(name, digest, mark).await? {
            return Ok(Some(Dropped::MarkIsGone));
        }
        self.drop_strays(name, &tags).await?;
        Ok(None)
    }

    async fn is_marked(&self, name: &RepositoryName, digest: &Digest, mark: &Mark) -> Result<bool, Error> {
        let found = self.table.get(keys::manifest(name, digest)).await?;
        Ok(found.as_ref().map(Mark::read).transpose()?.flatten().as_ref() == Some(mark))
    }

    /// Removes the way back from `digest` to tags that don't point to it. A tag that moves takes its way back along, so
    /// there should be none; one that is there all the same mustn't keep the manifest from being deleted.
    pub(crate) async fn drop_strays(&self, name: &RepositoryName, tags: &[(Tag, Digest)]) -> Result<(), Error> {
        let found = self.table.get_all(tags.iter().map(|(tag, _)| keys::tag(name, tag)).collect()).await?;
        for (tag, digest) in tags {
            let current = found.get(&keys::tag(name, tag)).map(|item| text(item, "digest")).transpose()?;
            if current.is_some_and(|current| current == digest.to_string()) {
                continue;
            }
            let elsewhere = self.table.check(keys::tag(name, tag), "attribute_not_exists(pk) OR digest <> :digest");
            let writes = vec![
                elsewhere.value(":digest", s(digest.to_string())).build()?,
                self.table.delete(keys::tagged(name, digest, tag)).build()?,
            ];
            // It points to it by now, and is for the next round.
            self.table.transact(writes).await?;
        }
        Ok(())
    }

    /// Removes tags together with their way back; None when one of them points elsewhere by now, or the mark on their
    /// manifest is gone.
    async fn untag(
        &self,
        name: &RepositoryName,
        tags: &[(Tag, Digest)],
        mark: Option<&Mark>,
    ) -> Result<Option<()>, Error> {
        let mut writes = Vec::with_capacity(2 * tags.len() + 1);
        if let (Some(mark), Some((_, digest))) = (mark, tags.first()) {
            // Should the removal break off here, no policy for tagged images would be about it any more.
            let update = self.table.update(keys::manifest(name, digest), "SET dismantled = :true");
            let update = update.when(Guard::StillMarked.condition()).value(":mark", mark.value());
            writes.push(update.value(":true", AttributeValue::Bool(true)).build()?);
        }
        for (tag, digest) in tags {
            let delete = self.table.delete(keys::tag(name, tag)).when("digest = :digest");
            writes.push(delete.value(":digest", s(digest.to_string())).build()?);
            writes.push(self.table.delete(keys::tagged(name, digest, tag)).build()?);
        }
        self.table.transact(writes).await
    }

    /// Forgets the conversions of `source`, and removes what they came to when nothing else came to the same; None when
    /// the mark is gone.
    async fn drop_conversions(&self, name: &RepositoryName, source: &Digest, mark: &Mark) -> Result<Option<()>, Error> {
        let partition = keys::derived_partition(name);
        let prefix = format!("{source}#");
        let (conversions, _) = self.table.page(&partition, &prefix, None, usize::MAX, Wanted::Items).await?;
        for conversion in conversions {
            let (sk, derived): (String, Digest) = (text(&conversion, "sk")?, parsed(&conversion, "digest")?);
            let forgotten = self.table.retry("forgetting a conversion", || async {
                match self.forget_conversion(name, source, &sk, &derived, Some(mark)).await? {
                    Some(()) => Ok::<_, Error>(Some(true)),
                    None if self.is_marked(name, source, mark).await? => Ok(None),
                    None => Ok(Some(false)),
                }
            });
            if !forgotten.await? {
                return Ok(None);
            }
        }
        Ok(Some(()))
    }

    /// Forgets one conversion: while its source has the mark, or while the source is gone when there is none. What it
    /// came to goes as well, unless it came out of another source too, or was pushed.
    pub(crate) async fn forget_conversion(
        &self,
        name: &RepositoryName,
        source: &Digest,
        conversion: &str,
        derived: &Digest,
        mark: Option<&Mark>,
    ) -> Result<Option<()>, Error> {
        let target = conversion.get(source.to_string().len() + 1..).unwrap_or_default();
        let from = keys::manifest(name, source);
        let mut writes = vec![
            match mark {
                Some(mark) => self.still_marked(from, mark)?,
                None => self.table.check(from, "attribute_not_exists(pk)").build()?,
            },
            self.table.delete(keys::conversion(name, source, target)).build()?,
        ];
        let outcome = self.table.get(keys::manifest(name, derived)).await?;
        let is_derived = match &outcome {
            Some(item) => ManifestRecord::read(item)?.origin == Origin::Derived,
            None => false,
        };
        let sources = self.table.get(keys::sources(name, derived)).await?;
        let remaining = sources.as_ref().and_then(|item| item.get("sources")).and_then(|set| set.as_ss().ok());
        let others = remaining.is_some_and(|set| set.iter().any(|source| source != conversion));
        let only_source = AttributeValue::Ss(vec![conversion.to_owned()]);
        let doomed = Mark::new();
        if others {
            let update = self.table.update(keys::sources(name, derived), "DELETE sources :source");
            writes.push(update.value(":source", only_source).build()?);
        } else {
            let delete = self.table.delete(keys::sources(name, derived));
            let delete =
                delete.when("attribute_not_exists(pk) OR sources = :only").value(":only", only_source).build()?;
            writes.push(delete);
            if is_derived {
                // A push or another conversion that comes in between takes the mark away.
                let update = self.table.update(keys::manifest(name, derived), "SET doomed = :mark");
                let update = update.when("origin = :derived").value(":derived", s(Origin::Derived.as_str()));
                writes.push(update.value(":mark", doomed.value()).build()?);
                writes.push(self.count_deletion(name)?);
            }
        }
        if self.table.transact(writes).await?.is_none() {
            return Ok(None);
        }
        if let Some(outcome) = outcome.filter(|_| is_derived && !others) {
            self.drop_manifest(name, derived, &outcome, &doomed).await?;
        }
        Ok(Some(()))
    }

    /// Removes a manifest that has nothing but itself any more; None when the mark is gone.
    async fn drop_marked(
        &self,
        name: &RepositoryName,
        digest: &Digest,
        item: &Item,
        mark: &Mark,
    ) -> Result<Option<()>, Error> {
        self.table
            .retry("a manifest without tags", || async {
                match self.drop_manifest(name, digest, item, mark).await? {
                    Some(()) => Ok(Some(Some(()))),
                    None if self.is_marked(name, digest, mark).await? => Ok::<_, Error>(None),
                    None => Ok(Some(None)),
                }
            })
            .await
    }

    /// Removes the records of a manifest, and its object, under a mark; None when the mark is gone.
    async fn drop_manifest(
        &self,
        name: &RepositoryName,
        digest: &Digest,
        item: &Item,
        mark: &Mark,
    ) -> Result<Option<()>, Error> {
        let delete = self.table.delete(keys::manifest(name, digest)).when(Guard::StillMarked.condition());
        let mut writes = vec![
            delete.value(":mark", mark.value()).build()?,
            self.table.delete(keys::bytes(name, digest)).build()?,
            self.table.delete(keys::pulled(name, digest)).build()?,
        ];
        let record = ManifestRecord::read(item)?;
        if record.origin == Origin::Pushed {
            writes.push(self.table.put(item_of(keys::deleted(name, digest), [("deleted_at", n(now()))])).build()?);
        }
        if let Some(subject) = &record.subject {
            writes.push(self.table.delete(keys::referrer(name, subject, digest)).build()?);
        }
        for number in 1..=References::further(item)? {
            writes.push(self.table.delete(keys::references(name, digest, number)).build()?);
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
            let phase = ("phase", s(Phase::Manifest.as_str()));
            let session = item_of(keys::upload(name, id), [phase, ("created_at", n(now()))]);
            writes.push(self.table.put(session).build()?);
        }
        let mut children = self.references_of(name, digest, item).await?.manifests.into_iter();
        for child in children.by_ref().take(WRITES_AT_ONCE - writes.len()) {
            writes.push(self.table.delete(keys::parent(name, &child, digest)).build()?);
        }
        if self.table.transact(writes).await?.is_none() {
            return Ok(None);
        }
        if let Some(id) = &session {
            self.unspill(name, id).await;
        }
        self.drop_ways_back(name, digest, children.collect()).await?;
        Ok(Some(()))
    }
}

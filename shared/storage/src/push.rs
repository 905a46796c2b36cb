//! Pushing manifests: what a manifest refers to is read and spared, then bytes, record, tags and ways back are written in one
//! transaction, which fails when anything was marked meanwhile ([`Guard`](crate::Guard)).

use std::collections::{BTreeSet, HashMap, HashSet};

use aws_sdk_dynamodb::types::TransactWriteItem;
use protocol::{Digest, RepositoryName, Tag, UploadId};

use crate::guards::Guard;
use crate::keys;
use crate::manifests::{ManifestRecord, Origin, StoredManifest};
use crate::marks::Mark;
use crate::references::References;
use crate::repositories::TagIsImmutable;
use crate::table::{Item, WRITES_AT_ONCE, item, n, now, parsed, s, text};
use crate::{Error, NoRepository, Referrer, Storage};

/// A manifest to be stored.
pub struct NewManifest<'a> {
    /// Where.
    pub repository: &'a RepositoryName,
    /// Of the bytes (of the payload, for schema 1).
    pub digest: &'a Digest,
    /// Type and verbatim bytes.
    pub manifest: StoredManifest,
    /// To point here as well, each once and at most [`MAX_TAGS`](Self::MAX_TAGS).
    pub tags: &'a [Tag],
    /// Everything it refers to. It must be in the repository, unless it is in `optional` or manifests may be sparse.
    pub references: &'a References,
    /// Blobs among the references that the repository needn't have: foreign layers. They stay when it has them.
    pub optional: &'a [Digest],
    /// Manifests below those, which needn't be there. What is there as a conversion stays from now on, as those do.
    pub descendants: &'a [Digest],
    /// Where the manifest is to be listed when it has a subject.
    pub referrer: Option<Referrer>,
}

impl NewManifest<'_> {
    /// Tags in one push: each takes three of the hundred writes of a transaction, and the rest needs some.
    pub const MAX_TAGS: usize = 25;
}

/// Why a manifest wasn't stored.
#[derive(Debug)]
pub enum PutError {
    /// It refers to content that the repository doesn't have: all of it.
    Missing {
        /// Layers, configs.
        blobs: Vec<Digest>,
        /// Children.
        manifests: Vec<Digest>,
    },
    /// A tag points to another manifest, and the repository doesn't let it move.
    TagIsImmutable(TagIsImmutable),
    /// The repository doesn't exist, and a push doesn't create it.
    NoRepository(NoRepository),
    /// The platform failed.
    Storage(Error),
}

impl From<TagIsImmutable> for PutError {
    fn from(error: TagIsImmutable) -> Self {
        Self::TagIsImmutable(error)
    }
}

impl From<NoRepository> for PutError {
    fn from(error: NoRepository) -> Self {
        Self::NoRepository(error)
    }
}

impl From<Error> for PutError {
    fn from(error: Error) -> Self {
        Self::Storage(error)
    }
}

impl Storage {
    /// Stores a manifest, and points a tag to it. One read, one batch read for each 100 references, one transaction.
    ///
    /// # Errors
    /// When something it refers to isn't there, or the platform fails. Nothing is stored then.
    pub async fn put_manifest(&self, new: &NewManifest<'_>) -> Result<(), PutError> {
        let spilled = self.spill(new.repository, &new.manifest.bytes).await?;
        let stored = self.table.retry("storing a manifest", || self.try_put_manifest(new, spilled.as_ref())).await;
        match (&stored, spilled) {
            // The bytes were there already, or nothing came of it as far as is known.
            (Ok(Bytesof::Existing) | Err(_), Some(spilled)) => self.unspill(new.repository, &spilled).await,
            (Ok(Bytesof::Existing | Bytesof::New), _) | (Err(_), None) => {}
        }
        stored.map(|_| ())
    }

    /// One attempt; None when somebody changed what it had read.
    async fn try_put_manifest(
        &self,
        new: &NewManifest<'_>,
        spilled: Option<&UploadId>,
    ) -> Result<Option<Bytesof>, PutError> {
        let name = new.repository;
        // Guard::CountFirst.
        let repository = self.found(name).await?;
        let mut wanted = vec![keys::manifest(name, new.digest)];
        wanted.extend(new.tags.iter().map(|tag| keys::tag(name, tag)));
        let references = new.references;
        wanted.extend(references.blobs.iter().map(|digest| keys::blob(name, digest)));
        let below: BTreeSet<&Digest> = references.manifests.iter().chain(new.descendants).collect();
        wanted.extend(below.iter().map(|digest| keys::manifest(name, digest)));
        wanted.sort_by(|a, b| (&a.pk, &a.sk).cmp(&(&b.pk, &b.sk)));
        wanted.dedup();
        let found = self.table.get_all(wanted).await?;

        let missing = |digests: &BTreeSet<Digest>, key: fn(&RepositoryName, &Digest) -> keys::Key| -> Vec<Digest> {
            let missing = digests.iter().filter(|digest| !found.contains_key(&key(name, digest)));
            missing.filter(|digest| !new.optional.contains(digest)).cloned().collect()
        };
        for tag in new.tags {
            repository.allows_moving(tag, found.get(&keys::tag(name, tag)), new.digest)?;
        }
        let blobs = missing(&references.blobs, keys::blob);
        let manifests = missing(&references.manifests, keys::manifest);
        let is_complete = blobs.is_empty() && manifests.is_empty();
        if !is_complete && !self.takes_sparse_manifests(&repository) {
            return Err(PutError::Missing { blobs, manifests });
        }
        // The manifest itself and its tags aren't spared here: storing it takes its mark away.
        let blobs = references.blobs.iter().map(|digest| keys::blob(name, digest));
        let referred: HashSet<_> = blobs.chain(below.iter().map(|digest| keys::manifest(name, digest))).collect();
        if self.spare(found.iter().filter(|(key, _)| referred.contains(key))).await?.is_none()
            || self.adopt_conversions(name, &below, &found).await?.is_none()
        {
            return Ok(None);
        }

        // Signed and unsigned schema 1 of one payload share a digest: the bytes that came first stay, and so does their type.
        let existing = found.get(&keys::manifest(name, new.digest));
        let exists = existing.is_some();
        let media_type = existing.map(|item| text(item, "media_type")).transpose()?;
        let media_type = media_type.unwrap_or_else(|| new.manifest.media_type.to_string());
        let mut writes = self.manifest_writes(name, new.digest, &new.manifest, exists, spilled)?;
        writes.push(self.record_pushed(new)?);
        for further in references.further_items(name, new.digest) {
            writes.push(self.table.put(further).build()?);
        }
        for tag in new.tags {
            writes.extend(self.move_tag(new, tag, &media_type, found.get(&keys::tag(name, tag)))?);
        }
        if let Some(referrer) = &new.referrer {
            writes.push(self.table.put(referrer.item(name)?).build()?);
        }
        if !repository.exists {
            writes.extend(self.create_on_push(name)??);
        } else {
            writes.push(self.nothing_marked_since(name, &repository)?);
        }
        // Those that don't fit go first: should the list not come to be, they are found to lead nowhere.
        let children: Vec<&Digest> = references.manifests.iter().collect();
        let room = WRITES_AT_ONCE.saturating_sub(writes.len()).min(children.len());
        let (together, first) = children.split_at(room);
        for child in together {
            writes.push(self.parent_write(name, child, new.digest)?);
        }
        // A write and a check for each.
        for children in first.chunks(WRITES_AT_ONCE / 2) {
            if !self.put_ways_back(name, children, new.digest, &found).await? {
                return Ok(None);
            }
        }
        Ok(self.table.transact(writes).await?.map(|()| if exists { Bytesof::Existing } else { Bytesof::New }))
    }

    /// Has children of a list lead back to it; false when one of those that were found is gone or marked. A large list has so
    /// many that they get in each other's way, so what others hold up isn't begun anew with all of them.
    async fn put_ways_back(
        &self,
        name: &RepositoryName,
        children: &[&Digest],
        list: &Digest,
        found: &HashMap<keys::Key, Item>,
    ) -> Result<bool, Error> {
        // Where manifests may be sparse they needn't be there.
        let there = children.iter().map(|child| keys::manifest(name, child)).filter(|key| found.contains_key(key));
        let there: Vec<keys::Key> = there.collect();
        self.table
            .retry("ways back to a list", || async {
                let mut writes = Vec::with_capacity(children.len() + there.len());
                for child in children {
                    writes.push(self.parent_write(name, child, list)?);
                }
                for key in &there {
                    writes.push(self.table.check(key.clone(), Guard::ChildStays.condition()).build()?);
                }
                if self.table.transact(writes).await?.is_some() {
                    return Ok(Some(true));
                }
                let now = self.table.get_all(there.clone()).await?;
                let marks = now.values().map(Mark::read).collect::<Result<Vec<_>, _>>()?;
                let all_stay = now.len() == there.len() && marks.iter().all(Option::is_none);
                Ok::<_, Error>(if all_stay { None } else { Some(false) })
            })
            .await
    }

    /// Makes conversions that an index names ordinary manifests, so that they stay when their sources go; None when one
    /// went meanwhile. Before the transaction, which has no room for every child of a large index: should the index not
    /// come to be after all, a manifest more is listed nowhere either.
    async fn adopt_conversions(
        &self,
        name: &RepositoryName,
        children: &BTreeSet<&Digest>,
        found: &HashMap<keys::Key, Item>,
    ) -> Result<Option<()>, Error> {
        let mut adoptions = Vec::new();
        for digest in children {
            let key = keys::manifest(name, digest);
            let Some(item) = found.get(&key) else { continue };
            if ManifestRecord::read(item)?.origin == Origin::Derived {
                // An ordinary list keeps its children.
                adoptions.extend(self.parent_writes(name, digest, &self.references_of(name, digest, item).await?)?);
                let update = self.table.update(key, "SET origin = :origin, pushed_at = :now REMOVE doomed");
                let update = update.when(Guard::Spared.condition()).value(":origin", s(Origin::Pushed.as_str()));
                adoptions.push(update.value(":now", n(now())).build()?);
            }
        }
        for batch in adoptions.chunks(WRITES_AT_ONCE) {
            if self.table.transact(batch.to_vec()).await?.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(()))
    }

    fn record_pushed(&self, new: &NewManifest<'_>) -> Result<TransactWriteItem, Error> {
        let subject = new.referrer.as_ref().map(|referrer| ("subject", s(referrer.subject.to_string())));
        let told = new.references.in_record().into_iter().chain(subject);
        let mut set = "SET media_type = if_not_exists(media_type, :media_type), \
                       content_size = if_not_exists(content_size, :size), origin = :origin, pushed_at = :now"
            .to_owned();
        let mut values = vec![
            (":media_type".to_owned(), s(new.manifest.media_type.as_str())),
            (":size".to_owned(), n(new.manifest.bytes.len())),
            (":origin".to_owned(), s(Origin::Pushed.as_str())),
            (":now".to_owned(), n(now())),
        ];
        for (attribute, value) in told {
            set.push_str(&format!(", {attribute} = :{attribute}"));
            values.push((format!(":{attribute}"), value));
        }
        let update =
            self.table.update(keys::manifest(new.repository, new.digest), &format!("{set} REMOVE doomed, dismantled"));
        values.into_iter().fold(update, |update, (name, value)| update.value(&name, value)).build()
    }

    /// Points a tag to the new manifest, provided that it still points where it did.
    fn move_tag(
        &self,
        new: &NewManifest<'_>,
        tag: &Tag,
        media_type: &str,
        current: Option<&Item>,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let name = new.repository;
        let record = item(
            keys::tag(name, tag),
            [("digest", s(new.digest.to_string())), ("media_type", s(media_type)), ("pushed_at", n(now()))],
        );
        let put = self.table.put(record);
        let mut writes = vec![self.table.put(item(keys::tagged(name, new.digest, tag), [])).build()?];
        match current {
            None => writes.push(put.when("attribute_not_exists(pk)").build()?),
            Some(current) => {
                let old: Digest = parsed(current, "digest")?;
                writes.push(put.when("digest = :old").value(":old", s(old.to_string())).build()?);
                if old != *new.digest {
                    writes.push(self.table.delete(keys::tagged(name, &old, tag)).build()?);
                }
            }
        }
        Ok(writes)
    }
}

/// Whether the bytes of a manifest had to be written.
enum Bytesof {
    New,
    Existing,
}

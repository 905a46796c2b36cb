//! Manifests and tags as they are kept: their records, their bytes, and reading them. `push.rs` stores them, `removal.rs`
//! removes them.

use std::sync::Arc;

use aws_sdk_dynamodb::types::TransactWriteItem;
use bytes::Bytes;
use protocol::{Digest, MediaType, RepositoryName, Tag, UploadId};

use crate::keys;
use crate::table::{Item, Wanted, b, bytes, item, parsed, s, text};
use crate::uploads::Phase;
use crate::{Error, Page, Storage};

/// Larger manifests lie in the bucket: a read costs by the 4 KB.
const INLINE: usize = 32 * 1024;

/// A manifest's bytes, as they were pushed or derived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredManifest {
    /// The type that they are served as.
    pub media_type: MediaType,
    /// Verbatim.
    pub bytes: Bytes,
}

/// Where a tag points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagRecord {
    /// The manifest.
    pub digest: Digest,
    /// Its type, so that the answer can be negotiated before the bytes are read.
    pub media_type: MediaType,
}

impl TagRecord {
    pub(crate) fn read(item: &Item) -> Result<Self, Error> {
        let media_type = MediaType::from(text(item, "media_type")?.as_str());
        Ok(Self { digest: parsed(item, "digest")?, media_type })
    }
}

/// How a manifest came to be in the repository.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A client sent it.
    Pushed,
    /// It is the outcome of a conversion, and in no listing.
    Derived,
}

impl Origin {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pushed => "pushed",
            Self::Derived => "derived",
        }
    }
}

/// The record beside the bytes.
pub(crate) struct ManifestRecord {
    pub(crate) origin: Origin,
    pub(crate) subject: Option<Digest>,
}

impl ManifestRecord {
    pub(crate) fn read(item: &Item) -> Result<Self, Error> {
        let origin = if text(item, "origin")? == "derived" { Origin::Derived } else { Origin::Pushed };
        let subject = item.contains_key("subject").then(|| parsed(item, "subject")).transpose()?;
        Ok(Self { origin, subject })
    }
}

impl Storage {
    /// Where a tag points. One read.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn tag(&self, name: &RepositoryName, tag: &Tag) -> Result<Option<TagRecord>, Error> {
        self.table.get(keys::tag(name, tag)).await?.as_ref().map(TagRecord::read).transpose()
    }

    /// A page of tags, in order, after `after`.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn tags(&self, name: &RepositoryName, after: Option<&str>, limit: usize) -> Result<Page<String>, Error> {
        let tag = |item: &Item| text(item, "sk").map(|sk| sk[keys::TAG.len()..].to_owned());
        self.listing(&keys::repository(name), keys::TAG, after, limit, Wanted::SortKeys, tag).await
    }

    /// The manifest that a tag points to: no read when the bytes are in memory, because the tag vouches for them (a
    /// deletion takes the tags first).
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn tagged_manifest(
        &self,
        name: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<Arc<StoredManifest>>, Error> {
        match self.manifests.get(name, digest) {
            Some(manifest) => Ok(Some(manifest)),
            None => self.read_manifest(name, digest).await,
        }
    }

    /// A manifest by its digest. One read, and one of the bucket when it is large.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn manifest(&self, name: &RepositoryName, digest: &Digest) -> Result<Option<Arc<StoredManifest>>, Error> {
        match self.manifests.get(name, digest) {
            Some(manifest) => {
                let still_there = self.table.get(keys::manifest(name, digest)).await?.is_some();
                Ok(still_there.then_some(manifest))
            }
            None => self.read_manifest(name, digest).await,
        }
    }

    /// A manifest that somebody asks for before pushing a list of it: it stays a while from now on. One read, one of the
    /// bucket when it is large, and a write when it was about to be deleted.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn wanted_manifest(
        &self,
        name: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<Arc<StoredManifest>>, Error> {
        let (record, content) = (keys::manifest(name, digest), keys::bytes(name, digest));
        let cached = self.manifests.get(name, digest);
        let wanted = [Some(record.clone()), cached.is_none().then(|| content.clone())];
        let mut found = self.table.get_all(wanted.into_iter().flatten().collect()).await?;
        let Some(item) = found.get(&record) else { return Ok(None) };
        if !self.spare_one(record, item).await? {
            return Ok(None);
        }
        match (cached, found.remove(&content)) {
            (Some(manifest), _) => Ok(Some(manifest)),
            (None, Some(item)) => self.manifest_of(name, digest, &item).await,
            (None, None) => Ok(None),
        }
    }

    async fn read_manifest(
        &self,
        name: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<Arc<StoredManifest>>, Error> {
        match self.table.get(keys::bytes(name, digest)).await? {
            Some(item) => self.manifest_of(name, digest, &item).await,
            None => Ok(None),
        }
    }

    async fn manifest_of(
        &self,
        name: &RepositoryName,
        digest: &Digest,
        item: &Item,
    ) -> Result<Option<Arc<StoredManifest>>, Error> {
        let media_type = MediaType::from(text(item, "media_type")?.as_str());
        let bytes = if item.contains_key("object_key") {
            let object = text(item, "object_key")?;
            match self.bucket.get(&object).await? {
                Some(bytes) => bytes,
                // Deleted between the two reads.
                None => return Ok(None),
            }
        } else {
            Bytes::from(bytes(item, "bytes")?)
        };
        let manifest = Arc::new(StoredManifest { media_type, bytes });
        self.manifests.insert(name, digest, &manifest);
        Ok(Some(manifest))
    }

    /// The bytes: put when they are new, else held to be there still. Digests are of the content, so bytes of the same
    /// digest never need to be written again.
    pub(crate) fn manifest_writes(
        &self,
        name: &RepositoryName,
        digest: &Digest,
        manifest: &StoredManifest,
        exists: bool,
        spilled: Option<&UploadId>,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let key = keys::bytes(name, digest);
        if exists {
            return Ok(vec![self.table.check(key, "attribute_exists(pk)").build()?]);
        }
        let bytes = match spilled {
            Some(id) => ("object_key", s(keys::manifest_object(id))),
            None => ("bytes", b(manifest.bytes.to_vec())),
        };
        let bytes = item(key, [("media_type", s(manifest.media_type.as_str())), bytes]);
        let mut writes = vec![self.table.put(bytes).when("attribute_not_exists(pk)").build()?];
        if let Some(id) = spilled {
            // The record takes the object over from its session, unless somebody has given the session up.
            let session = self.table.delete(keys::upload(name, id)).when("phase = :manifest");
            writes.push(session.value(":manifest", s(Phase::Manifest.as_str())).build()?);
        }
        Ok(writes)
    }

    /// Puts a manifest that is too large for an item into the bucket; a session names the object until a record does.
    pub(crate) async fn spill(&self, name: &RepositoryName, bytes: &Bytes) -> Result<Option<UploadId>, Error> {
        if bytes.len() <= INLINE {
            return Ok(None);
        }
        let id = self.open_manifest_session(name).await?;
        self.bucket.put(&keys::manifest_object(&id), bytes.clone(), None).await?;
        Ok(Some(id))
    }

    /// Takes back an object that no record came to name. A write whose answer was lost may have taken effect, or still
    /// may: whoever wins the session, that write or this one, decides. The session stays until the object is gone, so
    /// that nothing is forgotten.
    pub(crate) async fn unspill(&self, name: &RepositoryName, id: &UploadId) {
        let removed = async {
            if !self.give_up_manifest_session(name, id).await? {
                return Ok(());
            }
            self.bucket.delete(&keys::manifest_object(id)).await?;
            self.table.remove(keys::upload(name, id)).await
        };
        if let Err(error) = removed.await {
            tracing::warn!(%error, session = %id, "left a manifest's object to the collector");
        }
    }
}

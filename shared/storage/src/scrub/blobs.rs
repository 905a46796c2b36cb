//! A blob: the repository's right to it, the registry's record, the object.

use protocol::{Digest, RepositoryName};

use super::Look;
use crate::blobs::Shelf;
use crate::guards::Guard;
use crate::keys;
use crate::repositories::Found;
use crate::table::{item, n, now, now_ms, s};
use crate::{Blob, Error, Storage};

/// A blob of a repository, as its records tell of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobRecords {
    /// The repository's right: the object that it names, and the length that it says.
    pub right: Blob,
    /// The same of the registry's record; None when it has none.
    pub object: Option<Blob>,
    /// Whether the registry knows that this repository has the blob.
    pub has_link: bool,
    /// Length of the object that the right names, in bytes; None when there is no such object.
    pub length: Option<u64>,
}

impl Storage {
    /// A blob and what belongs to it; None when the repository doesn't have it. A HEAD of the object besides.
    ///
    /// # Errors
    /// When the platform fails, or a record can't be read.
    pub async fn blob_records(
        &self,
        name: &RepositoryName,
        digest: &Digest,
        look: Look,
    ) -> Result<Option<BlobRecords>, Error> {
        let (right, object, link) = (keys::blob(name, digest), keys::object(digest), keys::link(digest, name));
        self.table
            .retry("a blob", || async {
                let found = self.look(look, vec![right.clone(), object.clone(), link.clone()], Vec::new()).await?;
                let Some(blob) = found.get(&right).map(Blob::read).transpose()? else { return Ok(Some(None)) };
                let length = self.bucket.length(&blob.object).await?;
                // Gone for good, unless the right is gone as well: keys of objects are never used again.
                if length.is_none() && self.blob(name, digest).await?.as_ref() != Some(&blob) {
                    return Ok(None);
                }
                Ok(Some(Some(BlobRecords {
                    right: blob,
                    object: found.get(&object).map(Blob::read).transpose()?,
                    has_link: found.contains_key(&link),
                    length,
                })))
            })
            .await
    }

    /// Has the registry know that a repository has a blob, and which object that is in: should it have no record of the
    /// object, the right's is taken, and should that name another one, the right is changed. False when the right is gone,
    /// or the object is being removed.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn restore_link(&self, name: &RepositoryName, digest: &Digest, right: &Blob) -> Result<bool, Error> {
        let object = self.table.get(keys::object(digest)).await?.as_ref().map(Blob::read).transpose()?;
        let mut writes = match &object {
            Some(object) => {
                let keep = self.table.update(keys::object(digest), "ADD revision :one");
                let keep = keep.when(Guard::ObjectStays.condition()).value(":object", s(&object.object));
                vec![keep.value(":one", n(1)).build()?]
            }
            None => {
                let attributes = [
                    ("object_key", s(&right.object)),
                    ("content_size", n(right.size)),
                    ("created_at", n(now())),
                    // Whoever counted the links of an earlier record mustn't take it for this one.
                    ("revision", n(now_ms())),
                ];
                let record = self.table.put(item(keys::object(digest), attributes));
                let going = self.table.check(keys::orphan(&right.object), "attribute_not_exists(phase)");
                vec![record.when("attribute_not_exists(pk)").build()?, going.build()?]
            }
        };
        let object = object.unwrap_or_else(|| right.clone());
        let update = self.table.update(keys::blob(name, digest), "SET object_key = :object, content_size = :size");
        let update = update.when("object_key = :seen").value(":seen", s(&right.object));
        writes.push(update.value(":object", s(&object.object)).value(":size", n(object.size)).build()?);
        writes.push(self.table.put(item(keys::link(digest, name), [("created_at", n(now()))])).build()?);
        self.mend(writes).await
    }

    /// Gives a repository the right to a blob that one of its manifests names, and that the registry has. False when it
    /// doesn't, or the manifest is gone.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn restore_right(
        &self,
        name: &RepositoryName,
        digest: &Digest,
        manifest: &Digest,
    ) -> Result<bool, Error> {
        let (object, settings) = (keys::object(digest), keys::settings(name));
        let found = self.table.get_all(vec![object.clone(), settings.clone()]).await?;
        let Some(blob) = found.get(&object).map(Blob::read).transpose()? else { return Ok(false) };
        let repository = Found::read(found.get(&settings))?;
        if !repository.exists || self.bucket.length(&blob.object).await? != Some(blob.size) {
            return Ok(false);
        }
        let Ok((_, mut writes)) = self.shelve(name, digest, None, &Shelf { existing: Some(blob), repository })? else {
            return Ok(false);
        };
        writes.push(self.table.check(keys::manifest(name, manifest), "attribute_exists(pk)").build()?);
        self.mend(writes).await
    }

    /// Whether the registry has a blob, wherever it is, in an object of the length that it should have.
    ///
    /// # Errors
    /// When the platform fails, or the record can't be read.
    pub async fn has_object(&self, digest: &Digest) -> Result<bool, Error> {
        match self.table.get(keys::object(digest)).await?.as_ref().map(Blob::read).transpose()? {
            Some(blob) => Ok(self.bucket.length(&blob.object).await? == Some(blob.size)),
            None => Ok(false),
        }
    }
}

//! Blobs: which object holds which digest, and who may read it.

use aws_sdk_dynamodb::types::TransactWriteItem;
use bytes::Bytes;
use protocol::{Digest, RepositoryName};

use crate::guards::Guard;
use crate::keys::{self, Key};
use crate::repositories::Found;
use crate::table::{Item, item, n, now, number, s, text};
use crate::{Error, NoRepository, Storage, UrlMethod};

/// A blob that a repository may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Key of the object that holds it.
    pub object: String,
    /// Length in bytes.
    pub size: u64,
}

/// Why a mount didn't happen.
#[derive(Debug)]
pub enum MountError {
    /// The source repository doesn't have the blob.
    Unknown,
    /// The target doesn't exist, and a push doesn't create it.
    NoRepository(NoRepository),
    /// The platform failed.
    Storage(Error),
}

impl From<NoRepository> for MountError {
    fn from(error: NoRepository) -> Self {
        Self::NoRepository(error)
    }
}

impl From<Error> for MountError {
    fn from(error: Error) -> Self {
        Self::Storage(error)
    }
}

impl Blob {
    pub(crate) fn read(item: &Item) -> Result<Self, Error> {
        Ok(Self { object: text(item, "object_key")?, size: number(item, "content_size")? })
    }

    fn item(&self, key: Key) -> Item {
        item(key, [("object_key", s(&self.object)), ("content_size", n(self.size)), ("created_at", n(now()))])
    }
}

/// What finishing an upload needs to know before it writes.
pub(crate) struct Shelf {
    /// The object that already holds the digest, if any.
    pub(crate) existing: Option<Blob>,
    pub(crate) repository: Found,
}

impl Storage {
    /// A blob of a repository. One read.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn blob(&self, name: &RepositoryName, digest: &Digest) -> Result<Option<Blob>, Error> {
        self.table.get(keys::blob(name, digest)).await?.as_ref().map(Blob::read).transpose()
    }

    /// A blob that somebody asks for before pushing what refers to it: it stays a while from now on. One read, and a write
    /// when it was about to be deleted.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn wanted_blob(&self, name: &RepositoryName, digest: &Digest) -> Result<Option<Blob>, Error> {
        let key = keys::blob(name, digest);
        let Some(found) = self.table.get(key.clone()).await? else { return Ok(None) };
        let stays = self.spare_one(key, &found).await?;
        if stays { Blob::read(&found).map(Some) } else { Ok(None) }
    }

    /// A URL that serves the blob to whoever has it, for 15 minutes and one method. No call is made.
    ///
    /// # Errors
    /// When there is nothing to sign with.
    pub async fn blob_url(&self, blob: &Blob, method: UrlMethod) -> Result<String, Error> {
        self.bucket.signed_url(&blob.object, method).await
    }

    /// The bytes of a blob that is small enough to be held in memory, such as an image's config. None when the
    /// repository doesn't have it or it is longer than `limit`.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn blob_bytes(&self, name: &RepositoryName, digest: &Digest, limit: u64) -> Result<Option<Bytes>, Error> {
        match self.blob(name, digest).await? {
            Some(blob) if blob.size <= limit => self.bucket.get(&blob.object).await,
            _ => Ok(None),
        }
    }

    /// A piece of a blob, shorter than `length` at its end; None when the object is gone. One call of the bucket.
    ///
    /// # Errors
    /// When the platform fails, or the piece is shorter than the table says it is.
    pub async fn blob_piece(&self, blob: &Blob, start: u64, length: u64) -> Result<Option<Bytes>, Error> {
        let length = length.min(blob.size.saturating_sub(start));
        if length == 0 {
            return Ok(Some(Bytes::new()));
        }
        let piece = self.bucket.get_range(&blob.object, start, length).await?;
        match piece {
            Some(bytes) if bytes.len() as u64 != length => Err(Error::Corrupt(format!("length of {}", blob.object))),
            piece => Ok(piece),
        }
    }

    /// Lets `to` read a blob that `from` may read. Nothing is copied.
    ///
    /// # Errors
    /// When `from` doesn't have the blob, or the platform fails.
    pub async fn mount(&self, from: &RepositoryName, to: &RepositoryName, digest: &Digest) -> Result<Blob, MountError> {
        self.table
            .retry("mounting a blob", || async {
                let found = self.table.get_all(vec![keys::blob(from, digest), keys::settings(to)]).await?;
                let source = found.get(&keys::blob(from, digest)).ok_or(MountError::Unknown)?;
                let shelf = Shelf {
                    existing: Some(Blob::read(source)?),
                    repository: Found::read(found.get(&keys::settings(to)))?,
                };
                let (blob, mut writes) = self.shelve(to, digest, None, &shelf)??;
                writes.push(self.mounted(to, digest)?);
                Ok(self.table.transact(writes).await?.map(|()| blob))
            })
            .await
    }

    /// Reads what [`Storage::shelve`] needs. One call.
    pub(crate) async fn shelf(&self, name: &RepositoryName, digest: &Digest) -> Result<Shelf, Error> {
        let found = self.table.get_all(vec![keys::object(digest), keys::settings(name)]).await?;
        Ok(Shelf {
            existing: found.get(&keys::object(digest)).map(Blob::read).transpose()?,
            repository: Found::read(found.get(&keys::settings(name)))?,
        })
    }

    /// The writes that give `name` the blob: in `new`, unless another object holds the digest already. A mark on the blob
    /// is written over.
    pub(crate) fn shelve(
        &self,
        name: &RepositoryName,
        digest: &Digest,
        new: Option<Blob>,
        shelf: &Shelf,
    ) -> Result<Result<(Blob, Vec<TransactWriteItem>), NoRepository>, Error> {
        let blob = shelf.existing.clone().or(new).ok_or_else(|| Error::Corrupt(format!("no object for {digest}")))?;
        let object = match &shelf.existing {
            Some(existing) => {
                let update = self.table.update(keys::object(digest), "ADD revision :one");
                let update = update.when(Guard::ObjectStays.condition()).value(":object", s(&existing.object));
                update.value(":one", n(1)).build()?
            }
            None => {
                let mut object = blob.item(keys::object(digest));
                object.insert("revision".to_owned(), n(1));
                self.table.put(object).when("attribute_not_exists(pk)").build()?
            }
        };
        let mut writes = vec![
            object,
            self.table.put(item(keys::link(digest, name), [("created_at", n(now()))])).build()?,
            self.table.put(blob.item(keys::blob(name, digest))).build()?,
        ];
        if !shelf.repository.exists {
            match self.create_on_push(name)? {
                Ok(creation) => writes.extend(creation),
                Err(none) => return Ok(Err(none)),
            }
        }
        Ok(Ok((blob, writes)))
    }
}

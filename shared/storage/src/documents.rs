//! Users and grants: documents that others read and write, kept with a number that tells one version from the next.

use crate::table::{Item, Wanted, item, n, number, s, text};
use crate::{Error, Storage, keys};

/// What is kept under a name. What is in it is for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The content, at most some 300 KB.
    pub text: String,
    /// Counts its versions, from 1.
    pub revision: u64,
}

/// Which document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentName<'a> {
    /// A user of the registry.
    User(&'a str),
    /// What principals of IAM and everybody may do.
    Grants,
}

/// A change of a document.
#[derive(Clone, Debug)]
pub struct DocumentWrite<'a> {
    /// Which.
    pub name: DocumentName<'a>,
    /// The version that it replaces; None when there must be none yet.
    pub replaces: Option<u64>,
    /// The new content; None removes it.
    pub text: Option<String>,
}

impl DocumentName<'_> {
    fn key(self) -> keys::Key {
        match self {
            Self::User(name) => keys::user(name),
            Self::Grants => keys::grants(),
        }
    }
}

impl Document {
    fn read(item: &Item) -> Result<Self, Error> {
        Ok(Self { text: text(item, "document")?, revision: number(item, "revision")? })
    }
}

impl Storage {
    /// A document; None when there is none. One read.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn document(&self, name: DocumentName<'_>) -> Result<Option<Document>, Error> {
        self.table.get(name.key()).await?.as_ref().map(Document::read).transpose()
    }

    /// Every user by name, in order.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn users(&self) -> Result<Vec<(String, Document)>, Error> {
        let (items, _) = self.table.page(keys::USER, "", None, usize::MAX, Wanted::Items).await?;
        items.iter().map(|item| Ok((text(item, "sk")?, Document::read(item)?))).collect()
    }

    /// Writes documents, all or none of up to [`Storage::DOCUMENTS_AT_ONCE`]; more are written in several steps, in
    /// order. False when one isn't at the version that it was to be replaced at: then its step and those after it did
    /// nothing, and the documents have to be read again.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn write_documents(&self, writes: &[DocumentWrite<'_>]) -> Result<bool, Error> {
        for step in writes.chunks(Self::DOCUMENTS_AT_ONCE) {
            let mut transaction = Vec::with_capacity(step.len());
            for write in step {
                transaction.push(self.document_write(write)?);
            }
            // Another transaction may only have been in the way; a changed version stays changed.
            let write = || async {
                if self.table.transact(transaction.clone()).await?.is_some() {
                    return Ok(Some(true));
                }
                Ok(if self.are_current(step).await? { None } else { Some(false) })
            };
            let written: Result<bool, Error> = self.table.retry("users and grants", write).await;
            if !written? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How many documents are written at once: as many as a transaction has room for.
    pub const DOCUMENTS_AT_ONCE: usize = 100;

    fn document_write(&self, write: &DocumentWrite<'_>) -> Result<aws_sdk_dynamodb::types::TransactWriteItem, Error> {
        let key = write.name.key();
        let same = "revision = :replaces";
        match (&write.text, write.replaces) {
            (Some(text), Some(replaces)) => {
                let document = item(key, [("document", s(text)), ("revision", n(replaces + 1))]);
                self.table.put(document).when(same).value(":replaces", n(replaces)).build()
            }
            (Some(text), None) => {
                let document = item(key, [("document", s(text)), ("revision", n(1))]);
                self.table.put(document).when("attribute_not_exists(pk)").build()
            }
            (None, Some(replaces)) => self.table.delete(key).when(same).value(":replaces", n(replaces)).build(),
            (None, None) => Err(Error::Refused("a document that isn't there can't be removed".to_owned())),
        }
    }

    async fn are_current(&self, writes: &[DocumentWrite<'_>]) -> Result<bool, Error> {
        for write in writes {
            let revision = self.document(write.name).await?.map(|document| document.revision);
            if revision != write.replaces {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

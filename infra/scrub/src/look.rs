//! A look at one thing: what is wrong with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use protocol::{Digest, RepositoryName};
use storage::{Error, Look, Referrer, Storage};

use crate::content::{self, Known};
use crate::lists::Lists;
use crate::{Problem, Subject, judge};

/// Looks at things of one repository.
pub(crate) struct Viewer<'a> {
    pub(crate) storage: &'a Storage,
    pub(crate) name: &'a RepositoryName,
    /// Whether manifests of the repository may name what isn't there.
    pub(crate) may_be_sparse: bool,
    /// Whether the bytes of blobs are read.
    pub(crate) reads_content: bool,
    pub(crate) known: &'a Known,
    pub(crate) lists: &'a Lists,
    /// Bytes of blobs that were read.
    pub(crate) bytes: &'a AtomicU64,
}

impl Viewer<'_> {
    /// Looks twice. What is wrong both times is wrong.
    pub(crate) async fn problems(&self, subject: &Subject) -> Result<Vec<Problem>, Error> {
        let suspected = self.look(subject, Look::Quick).await?;
        if suspected.is_empty() {
            return Ok(suspected);
        }
        let mut certain = self.look(subject, Look::AtOnce).await?;
        certain.retain(|problem| suspected.contains(problem));
        Ok(certain)
    }

    /// What is, or seems to be, wrong with something. A record that can't be read is.
    pub(crate) async fn look(&self, subject: &Subject, look: Look) -> Result<Vec<Problem>, Error> {
        let (storage, name) = (self.storage, self.name);
        let only = |is_wrong: bool, problem| if is_wrong { vec![problem] } else { Vec::new() };
        let looked = match subject {
            Subject::Repository => self.repository(look).await,
            Subject::Manifest(digest) => self.manifest(digest, look).await,
            Subject::ManifestBytes(digest) => {
                let has_record = storage.has_record(name, digest, look).await;
                has_record.map(|has_record| only(!has_record, Problem::NoRecord))
            }
            Subject::Blob(digest) => self.blob(digest, look).await,
            Subject::Tag(tag) => {
                let records = storage.tag_records(name, tag, look).await;
                records.map(|records| records.as_ref().map(judge::tag).unwrap_or_default())
            }
            Subject::WayToTag(digest, tag) => {
                let is_stray = storage.is_stray_way_to_tag(name, digest, tag, look).await;
                is_stray.map(|is_stray| only(is_stray, Problem::StrayWayToTag))
            }
            Subject::WayToList { child, list } => {
                let is_wrong = match look {
                    Look::Quick => self.seems_wrong_way(child, list).await,
                    Look::AtOnce => storage.is_wrong_way_to_list(name, child, list).await,
                };
                is_wrong.map(|is_wrong| only(is_wrong, Problem::WrongWayToList))
            }
            Subject::Referrer { subject, digest } => {
                let is_stray = storage.is_stray_referrer(name, subject, digest, look).await;
                is_stray.map(|is_stray| only(is_stray, Problem::StrayReferrer))
            }
            Subject::Unknown(_, key) => Ok(vec![Problem::Unreadable(format!("the key {key:?}"))]),
        };
        match looked {
            Err(Error::Corrupt(what)) => Ok(vec![Problem::Unreadable(what)]),
            looked => looked,
        }
    }

    async fn repository(&self, look: Look) -> Result<Vec<Problem>, Error> {
        Ok(match self.storage.has_settings_and_place(self.name, look).await? {
            (true, true) | (false, false) => Vec::new(),
            (true, false) => vec![Problem::NotInCatalog],
            (false, true) => vec![Problem::NoSettings],
        })
    }

    async fn manifest(&self, digest: &Digest, look: Look) -> Result<Vec<Problem>, Error> {
        let records = self.storage.manifest_records(self.name, digest, look).await?;
        let (mut problems, read) = judge::manifest(&records, digest);
        let (Some(record), Some(read)) = (&records.record, read) else { return Ok(problems) };
        let missing = self.storage.missing_references(self.name, digest, &read.references, look).await?;
        if let Some(missing) = missing {
            problems.extend(judge::references(&missing, &read, record.is_derived, self.may_be_sparse));
        }
        if let Some(subject) = judge::subject(record, &read).filter(|subject| record.subject.as_ref() == Some(subject))
        {
            let referrer = Referrer::new(subject.clone(), read.manifest.descriptor(digest));
            if self.storage.is_listed(self.name, &referrer, look).await? == Some(false) {
                problems.push(Problem::NotAmongReferrers(subject));
            }
        }
        Ok(problems)
    }

    /// Whether a list that is there, or was when it was remembered, doesn't name the manifest.
    async fn seems_wrong_way(&self, child: &Digest, list: &Digest) -> Result<bool, Error> {
        let references = match self.lists.get(list) {
            Some(references) => references,
            None => {
                let references = self.storage.recorded_references(self.name, list).await?.map(Arc::new);
                self.lists.add(list, references.clone());
                references
            }
        };
        Ok(references.is_some_and(|references| !references.manifests.contains(child)))
    }

    async fn blob(&self, digest: &Digest, look: Look) -> Result<Vec<Problem>, Error> {
        let Some(records) = self.storage.blob_records(self.name, digest, look).await? else { return Ok(Vec::new()) };
        let mut problems = judge::blob(&records);
        let blob = &records.right;
        if self.reads_content && records.length == Some(blob.size) && !self.known.contains(blob) {
            match content::digest(self.storage, blob, digest).await? {
                Some(actual) if actual == *digest => self.known.add(blob),
                Some(actual) => problems.push(Problem::OtherDigest(actual)),
                // It goes with the right to it.
                None => {}
            }
            self.bytes.fetch_add(blob.size, Ordering::Relaxed);
        }
        Ok(problems)
    }
}

//! Repairs, each from what is there and on condition that it is there still.

use protocol::Digest;
use storage::{Error, Look, ManifestBytes, Referrer, RestoredManifest};

use crate::judge::{self, Read};
use crate::look::Viewer;
use crate::{Outcome, Problem, Subject};

/// How often something is repaired in which a repair shows more that is wrong, or with which others are busy.
const ROUNDS: usize = 3;

/// What is wrong with something, and what became of it.
pub(crate) type Found = Vec<(Problem, Outcome)>;

/// What came of an attempt.
enum Repair {
    Done,
    /// What it rests on has changed: somebody else was there.
    Changed,
    /// What is missing is nowhere.
    Lost,
}

impl Repair {
    fn of(done: bool) -> Self {
        if done { Self::Done } else { Self::Changed }
    }
}

impl Viewer<'_> {
    /// What is wrong with something. It is repaired when that is wanted and can be; what is told then is how it stands
    /// after it.
    pub(crate) async fn findings(&self, subject: &Subject, repair: bool) -> Result<Found, Error> {
        let mut problems = self.problems(subject).await?;
        let (mut repaired, mut lost) = (Vec::new(), Vec::new());
        for _ in 0..if repair { ROUNDS } else { 0 } {
            let mut is_through = true;
            for problem in problems.iter().filter(|problem| !lost.contains(*problem)).cloned().collect::<Vec<_>>() {
                match self.repair(subject, &problem).await? {
                    Repair::Done => {
                        is_through = false;
                        repaired.push(problem);
                    }
                    Repair::Changed => is_through = false,
                    Repair::Lost => lost.push(problem),
                }
            }
            if is_through {
                break;
            }
            problems = self.problems(subject).await?;
        }
        repaired.retain(|problem| !problems.contains(problem));
        let mut found: Found = repaired.into_iter().map(|problem| (problem, Outcome::Repaired)).collect();
        for problem in problems {
            let is_lost = lost.contains(&problem) || !self.is_repairable(subject, &problem).await?;
            found.push((problem, if is_lost { Outcome::Lost } else { Outcome::Repairable }));
        }
        Ok(found)
    }

    /// Whether there is something that a problem could be repaired from. Nothing is written.
    async fn is_repairable(&self, subject: &Subject, problem: &Problem) -> Result<bool, Error> {
        Ok(match (subject, problem) {
            (_, Problem::MissingBlob(blob)) => self.storage.has_object(blob).await?,
            // It rests on the bytes.
            (Subject::ManifestBytes(digest), Problem::NoRecord) => self.read(digest).await?.is_some(),
            (Subject::Blob(digest), Problem::NoObjectRecord | Problem::OtherObject | Problem::NoLink) => {
                self.blob_is_somewhere(digest).await?
            }
            (
                _,
                Problem::Unreadable(_)
                | Problem::NoBytes
                | Problem::NoObject(_)
                | Problem::OtherDigest(_)
                | Problem::NoManifest(_)
                | Problem::MissingManifest(_)
                | Problem::NoTaggedManifest(_),
            ) => false,
            (subject, Problem::OtherLength(_)) => matches!(subject, Subject::Manifest(_)),
            (
                _,
                Problem::NoSettings
                | Problem::NotInCatalog
                | Problem::NoRecord
                | Problem::ReferencesUnknown
                | Problem::OtherReferences
                | Problem::OtherSubject
                | Problem::NoWayToList(_)
                | Problem::WrongWayToList
                | Problem::NotAmongReferrers(_)
                | Problem::StrayReferrer
                | Problem::OtherType
                | Problem::NoWayToTag(_)
                | Problem::StrayWayToTag
                | Problem::NoObjectRecord
                | Problem::OtherObject
                | Problem::NoLink,
            ) => true,
        })
    }

    /// Whether the object that a blob's records come to after a repair is there.
    async fn blob_is_somewhere(&self, digest: &Digest) -> Result<bool, Error> {
        let Some(records) = self.storage.blob_records(self.name, digest, Look::Quick).await? else { return Ok(false) };
        match &records.object {
            Some(_) => self.storage.has_object(digest).await,
            None => Ok(records.length == Some(records.right.size)),
        }
    }

    /// Repairs what can be.
    async fn repair(&self, subject: &Subject, problem: &Problem) -> Result<Repair, Error> {
        if !self.is_repairable(subject, problem).await? {
            return Ok(Repair::Lost);
        }
        let (storage, name) = (self.storage, self.name);
        let done = match (subject, problem) {
            (_, Problem::NoSettings) => storage.restore_settings(name).await?,
            (_, Problem::NotInCatalog) => storage.restore_place(name).await?,
            (Subject::Manifest(digest), Problem::MissingBlob(blob)) => {
                storage.restore_right(name, blob, digest).await?
            }
            (Subject::Manifest(list), Problem::NoWayToList(child)) => {
                storage.restore_way_to_list(name, child, list).await?
            }
            (Subject::Manifest(digest), Problem::NotAmongReferrers(about)) => {
                let Some(read) = self.read(digest).await? else { return Ok(Repair::Changed) };
                let referrer = Referrer::new(about.clone(), read.manifest.descriptor(digest));
                storage.restore_referrer(name, &referrer).await?
            }
            (Subject::Manifest(digest) | Subject::ManifestBytes(digest), _) => self.restore_manifest(digest).await?,
            (Subject::WayToList { child, list }, _) => {
                storage.remove_way_to_list(name, child, list).await?;
                true
            }
            (Subject::Referrer { subject, digest }, _) => storage.remove_stray_referrer(name, subject, digest).await?,
            (Subject::WayToTag(digest, tag), _) => {
                storage.remove_way_to_tag(name, digest, tag).await?;
                true
            }
            (Subject::Tag(tag), Problem::NoWayToTag(digest)) => storage.restore_way_to_tag(name, digest, tag).await?,
            (Subject::Tag(tag), _) => match storage.tag_records(name, tag, Look::Quick).await? {
                Some(records) => match &records.manifest_type {
                    Some(media_type) => storage.restore_tag_type(name, tag, &records.tag.digest, media_type).await?,
                    None => false,
                },
                None => false,
            },
            (Subject::Blob(digest), _) => match storage.blob_records(name, digest, Look::Quick).await? {
                Some(records) => storage.restore_link(name, digest, &records.right).await?,
                None => false,
            },
            (Subject::Repository | Subject::Unknown(..), _) => return Ok(Repair::Lost),
        };
        Ok(Repair::of(done))
    }

    /// Writes a manifest's record as its bytes say.
    async fn restore_manifest(&self, digest: &Digest) -> Result<bool, Error> {
        let records = self.storage.manifest_records(self.name, digest, Look::Quick).await?;
        let (ManifestBytes::Found(stored), Some(read)) = (&records.bytes, judge::manifest(&records, digest).1) else {
            return Ok(false);
        };
        let subject = match &records.record {
            Some(record) => judge::subject(record, &read),
            None => read.manifest.subject().map(|subject| subject.digest.clone()),
        };
        let restored = RestoredManifest {
            media_type: &stored.media_type,
            size: stored.bytes.len() as u64,
            references: &read.references,
            subject: subject.as_ref(),
        };
        self.storage.restore_manifest(self.name, digest, &restored).await
    }

    async fn read(&self, digest: &Digest) -> Result<Option<Read>, Error> {
        let records = self.storage.manifest_records(self.name, digest, Look::Quick).await?;
        Ok(judge::manifest(&records, digest).1)
    }
}

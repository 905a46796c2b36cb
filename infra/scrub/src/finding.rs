//! What is wrong, and what became of it.

use std::fmt;

use protocol::{Digest, RepositoryName};

use crate::Subject;

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub repository: RepositoryName,
    /// With what.
    pub subject: Subject,
    /// What.
    pub problem: Problem,
    /// What became of it.
    pub outcome: Outcome,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The repository is in the catalog and has no settings, so it doesn't exist for its clients.
    NoSettings,
    /// The repository isn't in the catalog.
    NotInCatalog,
    /// A record lacks what it must have, or has a key that makes no sense; with what the storage says.
    Unreadable(String),
    /// There is a manifest's record, and no bytes.
    NoBytes,
    /// The bytes of a manifest, or a blob, are in an object of this key, which isn't there.
    NoObject(String),
    /// The bytes have another digest: the manifest's, or the blob's.
    OtherDigest(Digest),
    /// The bytes have the right digest and are no manifest; with the reason.
    NoManifest(String),
    /// There are a manifest's bytes, and no record.
    NoRecord,
    /// A record says another length than this one, that the bytes have.
    OtherLength(u64),
    /// The record of a manifest doesn't say what that refers to, or not all of it.
    ReferencesUnknown,
    /// The record of a manifest says that it refers to something else than it does.
    OtherReferences,
    /// The record of a manifest says another subject than the manifest.
    OtherSubject,
    /// A manifest names a blob that the repository doesn't have.
    MissingBlob(Digest),
    /// A list names a manifest that the repository doesn't have.
    MissingManifest(Digest),
    /// There is no way back to a list from this manifest that it names: it could be deleted.
    NoWayToList(Digest),
    /// The way back leads to a list that doesn't name the manifest: it couldn't be deleted.
    WrongWayToList,
    /// A manifest isn't listed among the referrers of its subject, or not as it should be.
    NotAmongReferrers(Digest),
    /// What is listed as a referrer isn't there, or is about something else.
    StrayReferrer,
    /// A tag points to a manifest that isn't there.
    NoTaggedManifest(Digest),
    /// A tag says another type than the manifest has.
    OtherType,
    /// There is no way back from this manifest to a tag that points to it.
    NoWayToTag(Digest),
    /// The way back leads to a tag that points elsewhere.
    StrayWayToTag,
    /// The registry has no record of the blob's object.
    NoObjectRecord,
    /// The registry's record names another object than the repository's.
    OtherObject,
    /// The registry doesn't know that the repository has the blob: it could be removed.
    NoLink,
}

/// What became of something that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It can be repaired from what is there.
    Repairable,
    /// It was.
    Repaired,
    /// It can't: what is missing is nowhere.
    Lost,
}

/// What a scrub came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Repositories that were gone through.
    pub repositories: u64,
    /// Manifests that were read and compared.
    pub manifests: u64,
    /// Rights of repositories to blobs.
    pub blobs: u64,
    /// Tags.
    pub tags: u64,
    /// Bytes of blobs that were read.
    pub bytes: u64,
    /// What is wrong and can be repaired.
    pub repairable: u64,
    /// What was repaired.
    pub repaired: u64,
    /// What can't be repaired.
    pub lost: u64,
}

impl Summary {
    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        self.repairable + self.repaired + self.lost == 0
    }

    pub(crate) fn count(&mut self, outcome: Outcome) {
        *match outcome {
            Outcome::Repairable => &mut self.repairable,
            Outcome::Repaired => &mut self.repaired,
            Outcome::Lost => &mut self.lost,
        } += 1;
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSettings => f.write_str("has no settings"),
            Self::NotInCatalog => f.write_str("isn't in the catalog"),
            Self::Unreadable(what) => write!(f, "can't be read: {what}"),
            Self::NoBytes => f.write_str("has no bytes"),
            Self::NoObject(key) => write!(f, "the object {key} isn't there"),
            Self::OtherDigest(actual) => write!(f, "its bytes have the digest {actual}"),
            Self::NoManifest(reason) => write!(f, "its bytes are no manifest: {reason}"),
            Self::NoRecord => f.write_str("has bytes and no record"),
            Self::OtherLength(length) => write!(f, "has {length} bytes, and its record says otherwise"),
            Self::ReferencesUnknown => f.write_str("its record doesn't say all that it refers to"),
            Self::OtherReferences => f.write_str("its record says that it refers to something else"),
            Self::OtherSubject => f.write_str("its record says another subject"),
            Self::MissingBlob(digest) => write!(f, "names blob {digest}, which isn't in the repository"),
            Self::MissingManifest(digest) => write!(f, "names manifest {digest}, which isn't in the repository"),
            Self::NoWayToList(child) => write!(f, "has no way back from {child}, which it names"),
            Self::WrongWayToList => f.write_str("the list doesn't name the manifest"),
            Self::NotAmongReferrers(subject) => {
                write!(f, "isn't listed as it should be among the referrers of {subject}")
            }
            Self::StrayReferrer => f.write_str("there is no such referrer"),
            Self::NoTaggedManifest(digest) => write!(f, "points to manifest {digest}, which isn't there"),
            Self::OtherType => f.write_str("says another type than the manifest has"),
            Self::NoWayToTag(digest) => write!(f, "has no way back from {digest}, which it points to"),
            Self::StrayWayToTag => f.write_str("the tag doesn't point there"),
            Self::NoObjectRecord => f.write_str("the registry has no record of its object"),
            Self::OtherObject => f.write_str("the registry's record names another object"),
            Self::NoLink => f.write_str("the registry doesn't know that the repository has it"),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Repairable => "repairable",
            Self::Repaired => "repaired",
            Self::Lost => "lost",
        })
    }
}

impl fmt::Display for Finding {
    /// One line: `lost        team/app  blob sha256:…  the object blobs/… isn't there`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { repository, subject, problem, outcome } = self;
        write!(f, "{:<10}  {repository}  {subject}  {problem}", outcome.to_string())
    }
}

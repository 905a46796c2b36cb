//! What a run tells about while it works.

use std::fmt;

use protocol::{Digest, RepositoryName};

/// Something that the collector does, or would do in a dry run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The repository that it is in; None for objects, which are the registry's.
    pub repository: Option<RepositoryName>,
    /// What it is about.
    pub thing: Thing,
    /// What is done.
    pub action: Action,
    /// Why.
    pub reason: Reason,
}

/// What can be left over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thing {
    /// An upload session, by its id, with everything under it.
    Session(String),
    /// What a conversion of this manifest came to.
    Conversion(Digest),
    /// A manifest with its tags and conversions.
    Manifest(Digest),
    /// A repository's right to a blob.
    Blob(Digest),
    /// An object in the bucket, by its key.
    Object(String),
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is marked, and removed by a later run unless somebody refers to it until then.
    Mark,
    /// It is marked already, and its time isn't over.
    Wait,
    /// It is removed.
    Remove,
    /// Its mark is taken away: somebody refers to it, or nothing came of a deletion.
    TakeBack,
}

/// Why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nobody has worked on the session for the grace period.
    Idle,
    /// The manifest that was converted is gone.
    SourceGone,
    /// No manifest of the repository refers to the blob.
    Unreferenced,
    /// No tag, no list and no subject keeps the manifest, and the repository's settings say that such are collected.
    Untagged,
    /// The manifest's subject was deleted.
    SubjectDeleted(Digest),
    /// The repository's lifecycle policy, with the rule and what it says.
    Lifecycle {
        /// Its `rulePriority`.
        rule: u32,
        /// In words: `rule 10: older than 14 days, pushed 2026-11-01`.
        reason: String,
    },
    /// A removal of the manifest has begun to take its tags, and broke off.
    Dismantled,
    /// No repository has the blob that is in the object.
    Unlinked,
    /// Nothing came of a deletion.
    Kept,
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(id) => write!(f, "upload session {id}"),
            Self::Conversion(source) => write!(f, "conversion of {source}"),
            Self::Manifest(digest) => write!(f, "manifest {digest}"),
            Self::Blob(digest) => write!(f, "blob {digest}"),
            Self::Object(key) => write!(f, "object {key}"),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mark => "mark",
            Self::Wait => "wait",
            Self::Remove => "remove",
            Self::TakeBack => "unmark",
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => f.write_str("nobody works on it"),
            Self::SourceGone => f.write_str("what it was converted from is gone"),
            Self::Unreferenced => f.write_str("no manifest refers to it"),
            Self::Untagged => f.write_str("untagged, and in no list"),
            Self::SubjectDeleted(subject) => write!(f, "its subject {subject} was deleted"),
            Self::Lifecycle { reason, .. } => write!(f, "lifecycle policy, {reason}"),
            Self::Dismantled => f.write_str("its removal broke off"),
            Self::Unlinked => f.write_str("no repository has the blob in it"),
            Self::Kept => f.write_str("it stays, and a deletion left its mark"),
        }
    }
}

impl fmt::Display for Finding {
    /// One line: `remove  team/app  blob sha256:…  no manifest refers to it`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.repository.as_ref().map_or("-", |name| name.as_str());
        write!(f, "{:<6}  {place}  {}  {}", self.action.to_string(), self.thing, self.reason)
    }
}

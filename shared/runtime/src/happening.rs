//! What requests do to images, for whoever wants to know: events and metrics are made of it.

use std::sync::{Arc, Mutex, PoisonError};

use protocol::{Digest, MediaType, Tag};

/// Something that a request did. It counts also when the request ends with an error after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A manifest was handed out.
    Pulled {
        /// Its length in bytes.
        bytes: u64,
        /// What was asked for, or what the tag points to; of a conversion that was made for the client its source.
        digest: Digest,
    },
    /// A manifest was stored.
    Pushed {
        /// What.
        image: Image,
        /// The tags that point to it since; none for a push by digest alone.
        tags: Vec<Tag>,
    },
    /// A manifest was removed with its tags, or a tag alone.
    Deleted {
        /// What, or what the tag pointed to.
        image: Image,
        /// The tag, if only that was removed.
        tag: Option<Tag>,
    },
    /// A manifest was converted and the result stored, which happens once.
    Converted {
        /// The result.
        image: Image,
        /// What was converted.
        source: Digest,
        /// Its type.
        from: MediaType,
    },
    /// A blob was stored.
    Uploaded {
        /// Its length in bytes.
        bytes: u64,
    },
    /// A client was sent to the bucket to download a blob.
    Redirected {
        /// The blob's length in bytes.
        bytes: u64,
    },
}

/// A manifest, as far as it is known without reading anything for the purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Of the manifest.
    pub digest: Digest,
    /// Of the manifest.
    pub media_type: MediaType,
    /// The kind of artifact: `artifactType`, or else the type of the config.
    pub artifact_type: Option<String>,
    /// Length of the manifest in bytes.
    pub manifest_size: Option<u64>,
    /// Length of config and layers together in bytes, as the manifest states them; None where it states none, as lists
    /// and schema 1 do.
    pub content_size: Option<u64>,
}

/// Where a handler writes down what its request did. Clones are the same journal.
#[derive(Clone, Debug, Default)]
pub struct Journal(Arc<Mutex<Vec<Happening>>>);

impl Journal {
    /// Writes something down, once it is done.
    pub fn note(&self, happening: Happening) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(happening);
    }

    /// What was written down, in order. The journal is empty afterwards.
    pub fn take(&self) -> Vec<Happening> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

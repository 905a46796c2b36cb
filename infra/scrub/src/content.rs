//! The bytes of blobs, read and hashed.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use protocol::{Digest, Hasher};
use storage::{Blob, Error, Storage};

/// Bytes that are read at a time.
const PIECE: u64 = 8 * 1024 * 1024;

/// Objects that are remembered, some 100 bytes each. With more all are forgotten, and read again.
const REMEMBERED: usize = 500_000;

/// Objects that were read and are what they should be: a blob that several repositories have is read once.
#[derive(Default)]
pub(crate) struct Known(Mutex<HashSet<String>>);

impl Known {
    pub(crate) fn contains(&self, blob: &Blob) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&blob.object)
    }

    pub(crate) fn add(&self, blob: &Blob) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(blob.object.clone());
    }
}

/// The digest that a blob's bytes have; None when the object went meanwhile. Memory holds one piece.
pub(crate) async fn digest(storage: &Storage, blob: &Blob, named: &Digest) -> Result<Option<Digest>, Error> {
    let mut hasher = Hasher::default();
    let mut start = 0;
    while start < blob.size {
        let Some(piece) = storage.blob_piece(blob, start, PIECE).await? else { return Ok(None) };
        hasher.update(&piece);
        start += piece.len() as u64;
    }
    Ok(Some(hasher.digest(named.algorithm())))
}

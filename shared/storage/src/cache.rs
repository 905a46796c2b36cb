//! Manifests in the function's memory. They are addressed by content, so they can't be out of date; whether a repository
//! still has them is asked of the table every time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use protocol::{Digest, RepositoryName};

use crate::StoredManifest;

/// Bytes kept at the most; a function has 128 MB and more.
const CAPACITY: usize = 16 * 1024 * 1024;

#[derive(Default)]
pub(crate) struct ManifestCache(Mutex<Held>);

#[derive(Default)]
struct Held {
    manifests: HashMap<(RepositoryName, Digest), Arc<StoredManifest>>,
    size: usize,
}

impl ManifestCache {
    pub(crate) fn get(&self, name: &RepositoryName, digest: &Digest) -> Option<Arc<StoredManifest>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.manifests.get(&(name.clone(), digest.clone())).cloned()
    }

    /// Keeps a manifest. When there is no room everything goes: what is in use comes back with the next requests.
    pub(crate) fn insert(&self, name: &RepositoryName, digest: &Digest, manifest: &Arc<StoredManifest>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.size + manifest.bytes.len() > CAPACITY {
            *held = Held::default();
        }
        if held.manifests.insert((name.clone(), digest.clone()), manifest.clone()).is_none() {
            held.size += manifest.bytes.len();
        }
    }
}

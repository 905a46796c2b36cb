//! What a manifest refers to, and the ways back from it.

use std::collections::BTreeSet;

use protocol::{Digest, RepositoryName};

use super::Look;
use crate::keys;
use crate::{Error, References, Storage};

/// What should be there because a manifest refers to it, and isn't.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MissingReferences {
    /// Blobs that the repository has no right to.
    pub blobs: BTreeSet<Digest>,
    /// Manifests that the repository doesn't have.
    pub manifests: BTreeSet<Digest>,
    /// Manifests from which there is no way back to this one.
    pub ways_back: BTreeSet<Digest>,
}

impl Storage {
    /// What is missing of what a manifest refers to; None when the manifest isn't there.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn missing_references(
        &self,
        name: &RepositoryName,
        manifest: &Digest,
        references: &References,
        look: Look,
    ) -> Result<Option<MissingReferences>, Error> {
        let record = keys::manifest(name, manifest);
        let blobs = references.blobs.iter().map(|blob| keys::blob(name, blob));
        let children = references.manifests.iter();
        let children = children.flat_map(|child| [keys::manifest(name, child), keys::parent(name, child, manifest)]);
        let found = self.look(look, vec![record.clone()], blobs.chain(children).collect()).await?;
        let missing = |digests: &BTreeSet<Digest>, key: &dyn Fn(&Digest) -> keys::Key| {
            digests.iter().filter(|digest| !found.contains_key(&key(digest))).cloned().collect()
        };
        Ok(found.contains_key(&record).then(|| MissingReferences {
            blobs: missing(&references.blobs, &|blob| keys::blob(name, blob)),
            manifests: missing(&references.manifests, &|child| keys::manifest(name, child)),
            ways_back: missing(&references.manifests, &|child| keys::parent(name, child, manifest)),
        }))
    }
}

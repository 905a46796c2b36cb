//! What is in the layers of schema 1, which says nothing but their digests.
//!
//! Somebody has to read a layer once; what it found is kept beside the blob, for every image that has the layer. Readers
//! claim a layer, so that two don't do the same work. A claim is no lock: two who read the same bytes find the same.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::{Compression, Digest, RepositoryName};

use crate::table::{Item, Update, n, now_ms, number, parsed, s, text};
use crate::{Blob, Error, Storage, keys};

/// A layer that a repository has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// The blob.
    pub blob: Blob,
    /// What is known of its content.
    pub content: LayerContent,
}

/// What is known of a layer's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerContent {
    /// Nothing.
    Unknown,
    /// Nothing yet: somebody reads it.
    BeingRead,
    /// All of it was read.
    Read {
        /// How the blob is compressed.
        compression: Compression,
        /// Digest of the uncompressed content.
        diff_id: Digest,
    },
    /// It can't be read, now or later.
    Unreadable {
        /// Why, in words that go behind "the layer".
        problem: String,
    },
}

impl LayerContent {
    fn read(item: Option<&Item>) -> Result<Self, Error> {
        let Some(item) = item else { return Ok(Self::Unknown) };
        if item.contains_key("diff_id") {
            let compression = match text(item, "compression")?.as_str() {
                "gzip" => Compression::Gzip,
                "zstd" => Compression::Zstd,
                _ => Compression::None,
            };
            return Ok(Self::Read { compression, diff_id: parsed(item, "diff_id")? });
        }
        if item.contains_key("problem") {
            return Ok(Self::Unreadable { problem: text(item, "problem")? });
        }
        let is_claimed = item.contains_key("lease") && number::<u64>(item, "lease")? > now_ms();
        Ok(if is_claimed { Self::BeingRead } else { Self::Unknown })
    }
}

impl Storage {
    /// The layers among `digests` that the repository has. One batch read for each 50.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn layers(&self, name: &RepositoryName, digests: &[Digest]) -> Result<BTreeMap<Digest, Layer>, Error> {
        let wanted = digests.iter().flat_map(|digest| [keys::blob(name, digest), keys::layer(digest)]).collect();
        let found = self.table.get_all(wanted).await?;
        let mut layers = BTreeMap::new();
        for digest in digests {
            if let Some(blob) = found.get(&keys::blob(name, digest)) {
                let content = LayerContent::read(found.get(&keys::layer(digest)))?;
                layers.insert(digest.clone(), Layer { blob: Blob::read(blob)?, content });
            }
        }
        Ok(layers)
    }

    /// Claims the reading of a layer, or holds on to an earlier claim. False when there is nothing to do: it was read, or
    /// another claimant reads it.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn claim_layer(&self, digest: &Digest, claimant: &str, lease: Duration) -> Result<bool, Error> {
        let now = now_ms();
        let until = now.saturating_add(u64::try_from(lease.as_millis()).unwrap_or(u64::MAX));
        let free = "attribute_not_exists(diff_id) AND attribute_not_exists(problem) \
                    AND (attribute_not_exists(lease) OR lease < :now OR claimant = :claimant)";
        let values = vec![(":now", n(now)), (":until", n(until)), (":claimant", s(claimant))];
        let claim = "SET lease = :until, claimant = :claimant";
        let claimed = self.table.update_if(keys::layer(digest), claim, free, values).await?;
        Ok(matches!(claimed, Update::Done(_)))
    }

    /// Gives a claim up, so that the next claimant needn't wait for its end.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn release_layer(&self, digest: &Digest, claimant: &str) -> Result<(), Error> {
        let values = vec![(":claimant", s(claimant))];
        let release = "REMOVE lease, claimant";
        self.table.update_if(keys::layer(digest), release, "claimant = :claimant", values).await.map(|_| ())
    }

    /// Keeps what was found in a layer.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn record_layer(&self, digest: &Digest, compression: Compression, diff_id: &Digest) -> Result<(), Error> {
        let compression = match compression {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        };
        let values = vec![(":compression", s(compression)), (":diff_id", s(diff_id.to_string()))];
        let record = "SET compression = :compression, diff_id = :diff_id REMOVE problem, lease, claimant";
        self.table.update_if(keys::layer(digest), record, "attribute_not_exists(diff_id)", values).await.map(|_| ())
    }

    /// Keeps why a layer can't be read, unless somebody has read it.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn record_unreadable_layer(&self, digest: &Digest, problem: &str) -> Result<(), Error> {
        let record = "SET problem = :problem REMOVE lease, claimant";
        let values = vec![(":problem", s(problem))];
        self.table.update_if(keys::layer(digest), record, "attribute_not_exists(diff_id)", values).await.map(|_| ())
    }
}

//! What a scrub looks at, and what it may mend: records that belong together, of a registry that is in use.
//!
//! What is read one item after the other may never have been so at one moment. So a scrub looks quickly first, and at what
//! seems wrong again with everything [at one moment](Look::AtOnce): what is wrong then is wrong.
//!
//! A repair is on condition of what it rests on, and keeps to the rules of [`Guard`](crate::Guard): what refers to a marked
//! thing takes the mark away.

mod blobs;
mod manifests;
mod references;
mod repositories;
mod tags;

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::TransactWriteItem;
use protocol::RepositoryName;

pub use blobs::BlobRecords;
pub use manifests::{ManifestBytes, ManifestRecords, RecordedManifest, RestoredManifest};
pub use references::MissingReferences;
pub use tags::TagRecords;

use crate::keys::{self, Key};
use crate::table::{Item, Wanted, text};
use crate::{Error, Page, Storage};

/// How records are read that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// As cheaply as can be.
    Quick,
    /// All as they are at one moment, for twice the price.
    AtOnce,
}

/// Items that DynamoDB reads at one moment.
const AT_ONCE: usize = 100;

/// Kinds of items that a scrub goes through; each has a part of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// Manifests: `<digest>`, and `<digest>#<n>` for more of what one refers to.
    Manifests,
    /// Bytes of manifests: `<digest>`.
    ManifestBytes,
    /// Blobs: `<digest>`.
    Blobs,
    /// Tags: `<tag>`.
    Tags,
    /// The ways back from manifests to their tags: `<digest>#<tag>`.
    TagsOfManifests,
    /// The ways back from manifests to the lists that name them: `<child>#<list>`.
    ListsOfManifests,
    /// What the referrers listing shows: `<subject>#<digest>`.
    Referrers,
}

impl Range {
    /// All of them, in the order in which a scrub goes through them: what is mended early shows the rest as it is.
    pub const ALL: [Self; 7] = [
        Self::ManifestBytes,
        Self::Manifests,
        Self::Blobs,
        Self::Tags,
        Self::TagsOfManifests,
        Self::ListsOfManifests,
        Self::Referrers,
    ];

    fn partition(self, name: &RepositoryName) -> String {
        match self {
            Self::ManifestBytes => keys::bytes_partition(name),
            _ => keys::repository(name),
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Manifests => keys::MANIFEST,
            Self::ManifestBytes => "",
            Self::Blobs => keys::BLOB,
            Self::Tags => keys::TAG,
            Self::TagsOfManifests => keys::TAGGED,
            Self::ListsOfManifests => keys::PARENT,
            Self::Referrers => keys::REFERRER,
        }
    }
}

impl Storage {
    /// A page of the sort keys of a range, without what they all begin with, after `after`.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn range(
        &self,
        name: &RepositoryName,
        range: Range,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<String>, Error> {
        let (partition, prefix) = (range.partition(name), range.prefix());
        let rest = |item: &Item| Ok(text(item, "sk")?[prefix.len()..].to_owned());
        self.listing(&partition, prefix, after, limit, Wanted::SortKeys, rest).await
    }

    /// Reads `others`, of any number, beside `anchors`. At one moment each of them is as it is while the anchors are as they
    /// are; an anchor that isn't there all the time isn't there.
    async fn look(&self, look: Look, anchors: Vec<Key>, others: Vec<Key>) -> Result<HashMap<Key, Item>, Error> {
        let mut seen: HashSet<Key> = anchors.iter().cloned().collect();
        let others: Vec<Key> = others.into_iter().filter(|key| seen.insert(key.clone())).collect();
        match look {
            Look::Quick => self.table.get_all([anchors, others].concat()).await,
            Look::AtOnce => {
                let mut chunks: Vec<&[Key]> = others.chunks(AT_ONCE - anchors.len()).collect();
                if chunks.is_empty() {
                    chunks.push(&[]);
                }
                let (mut found, mut gone) = (HashMap::new(), Vec::new());
                for chunk in chunks {
                    let items = self.table.snapshot(&[&anchors, chunk].concat()).await?;
                    gone.extend(anchors.iter().filter(|anchor| !items.contains_key(*anchor)));
                    found.extend(items);
                }
                for anchor in gone {
                    found.remove(anchor);
                }
                Ok(found)
            }
        }
    }

    /// Does a repair. False when what it rests on has changed.
    async fn mend(&self, writes: Vec<TransactWriteItem>) -> Result<bool, Error> {
        Ok(self.table.transact(writes).await?.is_some())
    }
}

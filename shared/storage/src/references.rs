//! What manifests refer to, kept beside them: who deletes asks for it, and doesn't read the manifests' bytes.
//!
//! A manifest's record names the first [`IN_RECORD`] digests; further items, right behind it in the partition, name the
//! rest. Lists are found the other way round as well: each of their children has an item that names the list, so that
//! deleting one of 100,000 manifests reads no other.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use protocol::{Digest, RepositoryName};

use crate::keys;
use crate::marks::Mark;
use crate::table::{Item, Wanted, item, n, number, text};
use crate::{Error, Storage};

/// Digests in one item: at most 256 KB of the 400 that it may have.
const IN_RECORD: usize = 4000;

/// Children that a transaction lets go of, beside its other writes.
const PARENTS_AT_ONCE: usize = 50;

const BLOBS: &str = "blob_references";
const MANIFESTS: &str = "manifest_references";
const COUNT: &str = "reference_count";

/// What a manifest refers to, each once and in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// Configs, layers, and whatever else isn't a manifest; foreign layers too, which the repository may not have.
    pub blobs: BTreeSet<Digest>,
    /// A list's children.
    pub manifests: BTreeSet<Digest>,
}

impl References {
    /// The attributes of an item that hold them, but for their count.
    pub(crate) const ATTRIBUTES: [&str; 2] = [BLOBS, MANIFESTS];

    /// Of blobs and of manifests, in any order.
    pub fn new(blobs: impl IntoIterator<Item = Digest>, manifests: impl IntoIterator<Item = Digest>) -> Self {
        Self { blobs: blobs.into_iter().collect(), manifests: manifests.into_iter().collect() }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.blobs.len() + self.manifests.len()
    }

    /// By item: those of the manifest's record, then those of each further item.
    fn shares(&self) -> Vec<Vec<(&'static str, AttributeValue)>> {
        let manifests = self.manifests.iter().map(|digest| (MANIFESTS, digest));
        let all: Vec<_> = manifests.chain(self.blobs.iter().map(|digest| (BLOBS, digest))).collect();
        let set = |chunk: &[(&str, &Digest)], attribute: &'static str| {
            let of = chunk.iter().filter(|(kind, _)| *kind == attribute);
            let raw: Vec<Blob> = of.map(|(_, digest)| Blob::new(digest.raw())).collect();
            (!raw.is_empty()).then_some((attribute, AttributeValue::Bs(raw)))
        };
        all.chunks(IN_RECORD)
            .map(|chunk| [BLOBS, MANIFESTS].into_iter().filter_map(|attribute| set(chunk, attribute)).collect())
            .collect()
    }

    /// What a manifest's record says of them.
    pub(crate) fn in_record(&self) -> Vec<(&'static str, AttributeValue)> {
        let mut attributes = self.shares().into_iter().next().unwrap_or_default();
        attributes.push((COUNT, n(self.count())));
        attributes
    }

    /// The items behind the record.
    pub(crate) fn further_items(&self, name: &RepositoryName, digest: &Digest) -> Vec<Item> {
        let further = self.shares().into_iter().enumerate().skip(1);
        further
            .map(|(number, attributes)| {
                let mut item = item(keys::references(name, digest, number), []);
                item.extend(attributes.into_iter().map(|(name, value)| (name.to_owned(), value)));
                item
            })
            .collect()
    }

    /// Adds what an item names.
    pub(crate) fn extend(&mut self, item: &Item) -> Result<(), Error> {
        let read = |attribute: &str| -> Result<Vec<Digest>, Error> {
            let raw = item.get(attribute).and_then(|value| value.as_bs().ok()).map(Vec::as_slice).unwrap_or_default();
            let digest = |raw: &Blob| Digest::from_raw(raw.as_ref());
            raw.iter().map(|raw| digest(raw).ok_or_else(|| Error::Corrupt(attribute.to_owned()))).collect()
        };
        self.blobs.extend(read(BLOBS)?);
        self.manifests.extend(read(MANIFESTS)?);
        Ok(())
    }

    /// What a record and the items behind it name; None when the record was written without them.
    pub(crate) fn read<'a>(record: &Item, further: impl Iterator<Item = &'a Item>) -> Result<Option<Self>, Error> {
        if !record.contains_key(COUNT) {
            return Ok(None);
        }
        let mut references = Self::default();
        references.extend(record)?;
        for item in further {
            references.extend(item)?;
        }
        match references.count() == number::<usize>(record, COUNT)? {
            true => Ok(Some(references)),
            false => Err(Error::Corrupt(format!("references of {}", text(record, "sk")?))),
        }
    }

    /// How many items are behind a record.
    pub(crate) fn further(record: &Item) -> Result<usize, Error> {
        let count = if record.contains_key(COUNT) { number(record, COUNT)? } else { 0 };
        Ok(usize::div_ceil(count, IN_RECORD).saturating_sub(1))
    }
}

impl Storage {
    /// The lists in the repository that name a manifest which is marked for deletion. What is left of lists that are gone,
    /// or that never came to be, is removed: on condition of the mark, because a list that is being pushed right now has
    /// taken it away.
    pub(crate) async fn parents(
        &self,
        name: &RepositoryName,
        child: &Digest,
        mark: &Mark,
    ) -> Result<Option<Vec<Digest>>, Error> {
        let prefix = keys::parent_prefix(child);
        let partition = keys::repository(name);
        let (items, _) = self.table.page(&partition, &prefix, None, usize::MAX, Wanted::SortKeys).await?;
        let mut parents = Vec::with_capacity(items.len());
        for item in &items {
            let sk = text(item, "sk")?;
            let parent: Digest = sk[prefix.len()..].parse().map_err(|_| Error::Corrupt(sk.clone()))?;
            parents.push(parent);
        }
        let there = self.table.get_all(parents.iter().map(|parent| keys::manifest(name, parent)).collect()).await?;
        let (there, strays): (Vec<_>, Vec<_>) =
            parents.into_iter().partition(|parent| there.contains_key(&keys::manifest(name, parent)));
        for strays in strays.chunks(PARENTS_AT_ONCE) {
            let mut writes = vec![self.still_marked(keys::manifest(name, child), mark)?];
            for parent in strays {
                writes.push(self.table.delete(keys::parent(name, child, parent)).build()?);
            }
            if self.table.transact(writes).await?.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(there))
    }

    /// The way back from a child to a list.
    pub(crate) fn parent_write(
        &self,
        name: &RepositoryName,
        child: &Digest,
        list: &Digest,
    ) -> Result<TransactWriteItem, Error> {
        self.table.put(item(keys::parent(name, child, list), [])).build()
    }

    /// The way back from each child to a list.
    pub(crate) fn parent_writes(
        &self,
        name: &RepositoryName,
        list: &Digest,
        references: &References,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        references.manifests.iter().map(|child| self.parent_write(name, child, list)).collect()
    }

    /// What a manifest refers to, by its record and the items behind it.
    pub(crate) async fn references_of(
        &self,
        name: &RepositoryName,
        digest: &Digest,
        record: &Item,
    ) -> Result<References, Error> {
        let further = 1..=References::further(record)?;
        let further =
            self.table.get_all(further.map(|number| keys::references(name, digest, number)).collect()).await?;
        let mut references = References::default();
        for item in [record].into_iter().chain(further.values()) {
            references.extend(item)?;
        }
        Ok(references)
    }

    /// Removes what leads from children to a list that is gone, and for which its own transaction had no room. When it is
    /// there again, nothing is removed.
    pub(crate) async fn drop_ways_back(
        &self,
        name: &RepositoryName,
        list: &Digest,
        children: Vec<Digest>,
    ) -> Result<(), Error> {
        for children in children.chunks(PARENTS_AT_ONCE) {
            let are_dropped = self.table.retry("ways back to a list that is gone", || async {
                let gone = self.table.check(keys::manifest(name, list), "attribute_not_exists(pk)");
                let mut writes = vec![gone.build()?];
                for child in children {
                    writes.push(self.table.delete(keys::parent(name, child, list)).build()?);
                }
                if self.table.transact(writes).await?.is_some() {
                    return Ok(Some(true));
                }
                let is_back = self.table.get(keys::manifest(name, list)).await?.is_some();
                Ok::<_, Error>(is_back.then_some(false))
            });
            if !are_dropped.await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// A manifest of the repository that names the blob; None when there is none. Reads what every manifest refers to.
    pub(crate) async fn who_names(&self, name: &RepositoryName, blob: &Digest) -> Result<Option<Digest>, Error> {
        let mut found = None;
        self.each_manifest(name, &mut |entry| {
            // One that doesn't say what it refers to may refer to this.
            if entry.references.as_ref().is_none_or(|references| references.blobs.contains(blob)) {
                found.get_or_insert(entry.digest);
            }
        })
        .await?;
        Ok(found)
    }
}

//! What the collector remembers of a repository, and what it is told to do there.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::AttributeValue;
use protocol::{Digest, RepositoryName};

use crate::census::DAY;
use crate::keys;
use crate::marks::{Mark, Markable};
use crate::repositories::unmarked_since;
use crate::table::{Item, Wanted, flag, item, n, now, number, parsed, s, text};
use crate::{BlobEntry, DeletedManifest, Error, Storage};

/// Manifests whose records are read before the next ones are: a record may have 256 KB.
const RECORDS_AT_ONCE: usize = 100;

/// A repository, as the collector finds it before it looks into it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CollectionState {
    /// How often something was marked in it.
    deletions: u64,
    /// The same when it was found clean, and the time.
    clean: Option<(u64, u64)>,
    /// Whether untagged manifests are collected.
    pub collects_untagged: bool,
    /// Whether it has a lifecycle policy.
    pub has_lifecycle: bool,
}

impl CollectionState {
    fn read(item: &Item) -> Result<Self, Error> {
        let optional = |name| item.contains_key(name).then(|| number(item, name)).transpose();
        Ok(Self {
            deletions: optional("deletions")?.unwrap_or(0),
            clean: optional("clean_deletions")?.zip(optional("clean_at")?),
            collects_untagged: flag(item, "collect_untagged").unwrap_or(false),
            has_lifecycle: flag(item, "has_lifecycle").unwrap_or(false),
        })
    }

    /// When it was found clean, in seconds since 1970; None when something was marked since.
    pub fn clean_since(&self) -> Option<u64> {
        self.clean.filter(|(deletions, _)| *deletions == self.deletions).map(|(_, at)| at)
    }
}

/// A conversion whose source is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerlessConversion {
    /// The manifest that was converted.
    pub source: Digest,
    /// What it came to.
    pub derived: Digest,
    key: String,
}

impl OwnerlessConversion {
    fn read(item: &Item) -> Result<Self, Error> {
        let key = text(item, "sk")?;
        let source = key.split('#').next().and_then(|source| source.parse().ok());
        let source = source.ok_or_else(|| Error::Corrupt(key.clone()))?;
        Ok(Self { source, derived: parsed(item, "digest")?, key })
    }
}

/// Whether an item names the sources of a derived manifest.
fn has_sources(item: &Item) -> bool {
    item.get("sources").and_then(|set| set.as_ss().ok()).is_some_and(|set| !set.is_empty())
}

impl Storage {
    /// What the collector remembers of repositories; those that don't exist are absent. One batch read for each 100.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn collection_states(
        &self,
        names: &[RepositoryName],
    ) -> Result<HashMap<RepositoryName, Result<CollectionState, Error>>, Error> {
        let mut found = self.table.get_all(names.iter().map(keys::settings).collect()).await?;
        let mut states = HashMap::new();
        for name in names {
            if let Some(item) = found.remove(&keys::settings(name)) {
                states.insert(name.clone(), CollectionState::read(&item));
            }
        }
        Ok(states)
    }

    /// Remembers that nothing is left to collect in a repository, unless something was marked since `state` was read.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn note_clean(&self, name: &RepositoryName, state: &CollectionState) -> Result<(), Error> {
        let (unchanged, seen) = unmarked_since(state.deletions);
        let values = [(":clean", n(state.deletions)), (":now", n(now()))].into_iter().chain(seen).collect();
        let update = "SET clean_deletions = :clean, clean_at = :now";
        self.table.update_if(keys::settings(name), update, unchanged, values).await.map(|_| ())
    }

    /// Removes a repository's right to a blob that was found marked. False when the mark is gone: somebody refers to it.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn collect_blob(&self, name: &RepositoryName, entry: &BlobEntry, mark: &Mark) -> Result<bool, Error> {
        let dropped = self.drop_blob(name, &entry.digest, &entry.blob, mark).await?;
        Ok(dropped.is_some())
    }

    /// Removes a manifest that was found marked, with its tags and conversions. None when the mark is gone, or a list names
    /// it: then somebody refers to it.
    ///
    /// # Errors
    /// When the platform fails; what is left is done by the next call.
    pub async fn collect_manifest(
        &self,
        name: &RepositoryName,
        digest: &Digest,
        mark: &Mark,
    ) -> Result<Option<DeletedManifest>, Error> {
        let Some(item) = self.table.get(keys::manifest(name, digest)).await? else { return Ok(None) };
        if Mark::read(&item)?.as_ref() != Some(mark) {
            return Ok(None);
        }
        match self.parents(name, digest, mark).await? {
            Some(parents) if parents.is_empty() => self.remove_manifest(name, digest, &item, mark).await,
            Some(_) | None => Ok(None),
        }
    }

    /// Conversions whose source is gone, which a deletion that broke off left. One batch read for each 100 conversions.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn ownerless_conversions(&self, name: &RepositoryName) -> Result<Vec<OwnerlessConversion>, Error> {
        let partition = keys::derived_partition(name);
        let (items, _) = self.table.page(&partition, "", None, usize::MAX, Wanted::Items).await?;
        let conversions = items.iter().filter(|item| item.contains_key("digest")).map(OwnerlessConversion::read);
        let conversions = conversions.collect::<Result<Vec<_>, _>>()?;
        let mut ownerless = Vec::new();
        // They come by source.
        for chunk in conversions.chunks(RECORDS_AT_ONCE) {
            let sources: HashSet<_> = chunk.iter().map(|conversion| keys::manifest(name, &conversion.source)).collect();
            let found = self.table.get_all(sources.into_iter().collect()).await?;
            let is_gone =
                |conversion: &&OwnerlessConversion| !found.contains_key(&keys::manifest(name, &conversion.source));
            ownerless.extend(chunk.iter().filter(is_gone).cloned());
        }
        Ok(ownerless)
    }

    /// Forgets one of those, and what it came to. False when the source is there again, and the conversion with it.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn forget_ownerless(
        &self,
        name: &RepositoryName,
        conversion: &OwnerlessConversion,
    ) -> Result<bool, Error> {
        let OwnerlessConversion { source, derived, key } = conversion;
        self.table
            .retry("a conversion without its source", || async {
                if self.forget_conversion(name, source, key, derived, None).await?.is_some() {
                    return Ok(Some(true));
                }
                let source = self.table.get(keys::manifest(name, source)).await?;
                Ok(source.map(|_| false))
            })
            .await
    }

    /// Those of these derived manifests that have no source any more. One batch read for each 100.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn ownerless(&self, name: &RepositoryName, derived: &[Digest]) -> Result<HashSet<Digest>, Error> {
        let found = self.table.get_all(derived.iter().map(|digest| keys::sources(name, digest)).collect()).await?;
        let has_source = |digest: &Digest| found.get(&keys::sources(name, digest)).is_some_and(has_sources);
        Ok(derived.iter().filter(|digest| !has_source(digest)).cloned().collect())
    }

    /// Takes a mark away that nothing came of: a deletion that broke off, or was told that something refers to it. Nothing
    /// happens when another mark is there by now.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn take_back(&self, name: &RepositoryName, thing: &Markable, mark: &Mark) -> Result<(), Error> {
        self.unmark(thing.key(name), mark).await
    }

    /// Notes that a manifest was pulled, exact to a day. Nothing happens when that is known, or when the manifest is gone:
    /// nothing would take the note away then. One read, and a transaction once a day.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn note_pull(&self, name: &RepositoryName, digest: &Digest, at: u64) -> Result<(), Error> {
        let day = at / DAY * DAY;
        self.table
            .retry("the day of a pull", || async {
                // A read costs a twentieth of a transaction, and other processes serve the same image.
                let known = self.table.get(keys::pulled(name, digest)).await?;
                let known = known.map(|item| number::<u64>(&item, "pulled_at")).transpose()?;
                if known.is_some_and(|known| known >= day) {
                    return Ok(Some(()));
                }
                let note = self.table.update(keys::pulled(name, digest), "SET pulled_at = :day");
                let note = note.when("attribute_not_exists(pk) OR pulled_at < :day").value(":day", n(day));
                let there = self.table.check(keys::manifest(name, digest), "attribute_exists(pk)");
                if self.table.transact(vec![note.build()?, there.build()?]).await?.is_some() {
                    return Ok(Some(()));
                }
                let is_there = self.table.get(keys::manifest(name, digest)).await?.is_some();
                Ok((!is_there).then_some(()))
            })
            .await
    }

    /// Forgets when a manifest was pulled: it is gone. A pull that is noted after its manifest was deleted leaves that.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn forget_pull(&self, name: &RepositoryName, digest: &Digest) -> Result<(), Error> {
        self.table.remove(keys::pulled(name, digest)).await
    }

    /// A repository's lifecycle policy, as it was set; None when it has none. One read.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn lifecycle(&self, name: &RepositoryName) -> Result<Option<String>, Error> {
        self.table.get(keys::lifecycle(name)).await?.map(|item| text(&item, "document")).transpose()
    }

    /// Sets a repository's lifecycle policy, or removes it. False when there is no such repository.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn set_lifecycle(&self, name: &RepositoryName, policy: Option<&str>) -> Result<bool, Error> {
        let key = keys::lifecycle(name);
        let document = match policy {
            Some(policy) => self.table.put(item(key, [("document", s(policy))])).build()?,
            None => self.table.delete(key).build()?,
        };
        self.table
            .retry("a lifecycle policy", || async {
                let flag = self.table.update(keys::settings(name), "SET has_lifecycle = :has");
                let flag = flag.when("attribute_exists(pk)").value(":has", AttributeValue::Bool(policy.is_some()));
                if self.table.transact(vec![flag.build()?, document.clone()]).await?.is_some() {
                    return Ok(Some(true));
                }
                Ok(if self.repository_exists(name).await? { None } else { Some(false) })
            })
            .await
    }
}

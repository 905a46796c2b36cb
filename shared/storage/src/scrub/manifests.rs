//! A manifest: its record, its bytes, and its place among the referrers of another.

use protocol::{Digest, MediaType, RepositoryName};

use super::Look;
use crate::guards::Guard;
use crate::keys::{self, Key};
use crate::manifests::{ManifestRecord, Origin};
use crate::references::References;
use crate::table::{Item, Wanted, bytes, n, now, number, parsed, s, text};
use crate::{Error, Referrer, Storage, StoredManifest};

/// A manifest, as its records tell of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestRecords {
    /// What is known of it without its bytes; None when nothing is.
    pub record: Option<RecordedManifest>,
    /// Its bytes.
    pub bytes: ManifestBytes,
}

/// The record beside a manifest's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedManifest {
    /// The length of the bytes that it says.
    pub size: u64,
    /// Whether nobody pushed it.
    pub is_derived: bool,
    /// Whether it was derived once, also if it was pushed later or a list that was pushed names it.
    pub was_derived: bool,
    /// The manifest that it is about.
    pub subject: Option<Digest>,
    /// What it refers to; None when the record doesn't say, or not all of it.
    pub references: Option<References>,
}

/// Where a manifest's bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestBytes {
    /// Nowhere.
    Missing,
    /// In an object of this key, which isn't there.
    Lost(String),
    /// Here.
    Found(StoredManifest),
}

/// What a manifest's bytes say about it, for its record.
#[derive(Clone, Debug)]
pub struct RestoredManifest<'a> {
    /// The type of the bytes.
    pub media_type: &'a MediaType,
    /// Their length.
    pub size: u64,
    /// What they refer to.
    pub references: &'a References,
    /// What they are about.
    pub subject: Option<&'a Digest>,
}

impl RecordedManifest {
    fn read(item: &Item, further: &[&Item]) -> Result<Self, Error> {
        let ManifestRecord { origin, subject } = ManifestRecord::read(item)?;
        // Both are what the collector and lifecycle policies need.
        let at = if origin == Origin::Pushed { "pushed_at" } else { "derived_at" };
        let (_, _): (u64, String) = (number(item, at)?, text(item, "media_type")?);
        Ok(Self {
            size: number(item, "content_size")?,
            is_derived: origin == Origin::Derived,
            was_derived: item.contains_key("derived_at"),
            subject,
            references: References::read(item, further.iter().copied()).unwrap_or(None),
        })
    }
}

impl Storage {
    /// A manifest's record and bytes. A read of the bucket besides when it is large.
    ///
    /// # Errors
    /// When the platform fails, or a record can't be read.
    pub async fn manifest_records(
        &self,
        name: &RepositoryName,
        digest: &Digest,
        look: Look,
    ) -> Result<ManifestRecords, Error> {
        let (key, bytes_key) = (keys::manifest(name, digest), keys::bytes(name, digest));
        self.table
            .retry("a manifest", || async {
                let mut wanted = vec![bytes_key.clone()];
                wanted.extend(self.further_keys(name, digest).await?);
                let found = self.look(look, vec![key.clone()], wanted.clone()).await?;
                let further: Vec<&Item> = wanted.iter().skip(1).filter_map(|key| found.get(key)).collect();
                let record = found.get(&key).map(|item| RecordedManifest::read(item, &further)).transpose()?;
                let bytes = match found.get(&bytes_key) {
                    None => ManifestBytes::Missing,
                    Some(item) => match self.recorded_bytes(item).await? {
                        // Gone for good, unless the record is gone as well: keys of objects are never used again.
                        ManifestBytes::Lost(_) if self.table.get(bytes_key.clone()).await?.as_ref() != Some(item) => {
                            return Ok(None);
                        }
                        bytes => bytes,
                    },
                };
                Ok(Some(ManifestRecords { record, bytes }))
            })
            .await
    }

    /// Whether there is a record beside a manifest's bytes, so far as they are there.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn has_record(&self, name: &RepositoryName, digest: &Digest, look: Look) -> Result<bool, Error> {
        let (record, bytes) = (keys::manifest(name, digest), keys::bytes(name, digest));
        Ok(match look {
            // The bytes were there a moment ago, and reading them again costs.
            Look::Quick => self.table.get(record).await?.is_some(),
            Look::AtOnce => {
                let found = self.look(look, vec![record.clone(), bytes.clone()], Vec::new()).await?;
                found.contains_key(&record) || !found.contains_key(&bytes)
            }
        })
    }

    /// Keys of the items behind a manifest's record.
    async fn further_keys(&self, name: &RepositoryName, digest: &Digest) -> Result<Vec<Key>, Error> {
        let prefix = format!("{}#", keys::manifest(name, digest).sk);
        let (items, _) = self.table.page(&keys::repository(name), &prefix, None, usize::MAX, Wanted::SortKeys).await?;
        items.iter().map(|item| Ok(Key { pk: keys::repository(name), sk: text(item, "sk")? })).collect()
    }

    async fn recorded_bytes(&self, item: &Item) -> Result<ManifestBytes, Error> {
        let media_type = MediaType::from(text(item, "media_type")?.as_str());
        if !item.contains_key("object_key") {
            let bytes = bytes(item, "bytes")?.into();
            return Ok(ManifestBytes::Found(StoredManifest { media_type, bytes }));
        }
        let object = text(item, "object_key")?;
        Ok(match self.bucket.get(&object).await? {
            Some(bytes) => ManifestBytes::Found(StoredManifest { media_type, bytes }),
            None => ManifestBytes::Lost(object),
        })
    }

    /// Writes a manifest's record anew from what its bytes say, or makes it when there is none. What they refer to isn't
    /// deleted then, so far as it is there. False when the bytes are gone, or somebody was quicker.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn restore_manifest(
        &self,
        name: &RepositoryName,
        digest: &Digest,
        restored: &RestoredManifest<'_>,
    ) -> Result<bool, Error> {
        let references = restored.references;
        let (record, sources) = (keys::manifest(name, digest), keys::sources(name, digest));
        let blobs = references.blobs.iter().map(|blob| keys::blob(name, blob));
        let referred: Vec<Key> =
            blobs.chain(references.manifests.iter().map(|child| keys::manifest(name, child))).collect();
        let wanted = [&[record.clone(), sources.clone()], referred.as_slice()].concat();
        // Guard::CountFirst.
        let repository = self.found(name).await?;
        let found = self.look(Look::Quick, wanted, Vec::new()).await?;
        if self.spare(found.iter().filter(|(key, _)| referred.contains(key))).await?.is_none() {
            return Ok(false);
        }
        let exists = found.contains_key(&record);
        let update = restored_update(restored, exists, found.contains_key(&sources));
        let condition = if exists { "attribute_exists(pk)" } else { "attribute_not_exists(pk)" };
        let mut write = self.table.update(record, &update.expression).when(condition);
        for (name, value) in update.values {
            write = write.value(&name, value);
        }
        let mut writes = vec![
            write.build()?,
            self.table.check(keys::bytes(name, digest), "attribute_exists(pk)").build()?,
            self.nothing_marked_since(name, &repository)?,
        ];
        let further = references.further_items(name, digest);
        for stale in self.further_keys(name, digest).await?.into_iter().skip(further.len()) {
            writes.push(self.table.delete(stale).build()?);
        }
        for item in further {
            writes.push(self.table.put(item).build()?);
        }
        self.mend(writes).await
    }

    /// Whether the referrers of a manifest's subject show it as they should; None when the manifest isn't there, or isn't
    /// said to have this subject.
    ///
    /// # Errors
    /// When the platform fails, or a record can't be read.
    pub async fn is_listed(
        &self,
        name: &RepositoryName,
        referrer: &Referrer,
        look: Look,
    ) -> Result<Option<bool>, Error> {
        let digest = &referrer.descriptor.digest;
        let (record, place) = (keys::manifest(name, digest), keys::referrer(name, &referrer.subject, digest));
        let found = self.look(look, vec![record.clone(), place.clone()], Vec::new()).await?;
        match found.get(&record).map(ManifestRecord::read).transpose()? {
            Some(ManifestRecord { subject: Some(subject), .. }) if subject == referrer.subject => {
                Ok(Some(found.get(&place) == Some(&referrer.item(name)?)))
            }
            Some(_) | None => Ok(None),
        }
    }

    /// Lists a manifest among the referrers of its subject. False when it isn't there, or isn't said to have this subject.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn restore_referrer(&self, name: &RepositoryName, referrer: &Referrer) -> Result<bool, Error> {
        let there = self.table.check(keys::manifest(name, &referrer.descriptor.digest), "subject = :subject");
        self.mend(vec![
            there.value(":subject", s(referrer.subject.to_string())).build()?,
            self.table.put(referrer.item(name)?).build()?,
        ])
        .await
    }

    /// Whether the referrers of `subject` show a manifest that isn't there, or is about something else.
    ///
    /// # Errors
    /// When the platform fails, or a record can't be read.
    pub async fn is_stray_referrer(
        &self,
        name: &RepositoryName,
        subject: &Digest,
        digest: &Digest,
        look: Look,
    ) -> Result<bool, Error> {
        let (record, place) = (keys::manifest(name, digest), keys::referrer(name, subject, digest));
        let found = self.look(look, vec![place.clone(), record.clone()], Vec::new()).await?;
        let about: Option<Digest> = match found.get(&record).filter(|item| item.contains_key("subject")) {
            Some(item) => Some(parsed(item, "subject")?),
            None => None,
        };
        Ok(found.contains_key(&place) && about.as_ref() != Some(subject))
    }

    /// Takes a manifest that isn't there, or is about something else, off the list of referrers. False when it is there by
    /// now.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn remove_stray_referrer(
        &self,
        name: &RepositoryName,
        subject: &Digest,
        digest: &Digest,
    ) -> Result<bool, Error> {
        let elsewhere = "attribute_not_exists(pk) OR attribute_not_exists(subject) OR subject <> :subject";
        let check = self.table.check(keys::manifest(name, digest), elsewhere);
        self.mend(vec![
            check.value(":subject", s(subject.to_string())).build()?,
            self.table.delete(keys::referrer(name, subject, digest)).build()?,
        ])
        .await
    }

    /// Makes the way back from a child to a list that names it. False when the list is gone.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn restore_way_to_list(
        &self,
        name: &RepositoryName,
        child: &Digest,
        list: &Digest,
    ) -> Result<bool, Error> {
        let key = keys::manifest(name, child);
        // A deletion of the child that has looked for lists already mustn't go on. Sparse lists name some that aren't there.
        let child_stays = match self.table.get(key.clone()).await? {
            Some(_) => self.table.update(key, "REMOVE doomed").when(Guard::Spared.condition()).build()?,
            None => self.table.check(key, "attribute_not_exists(pk)").build()?,
        };
        let way = crate::table::item(keys::parent(name, child, list), []);
        self.mend(vec![
            self.table.check(keys::manifest(name, list), "attribute_exists(pk)").build()?,
            child_stays,
            self.table.put(way).build()?,
        ])
        .await
    }

    /// What the record of a manifest says that it refers to; None when there is none, or it doesn't say all of it.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn recorded_references(
        &self,
        name: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<References>, Error> {
        let key = keys::manifest(name, digest);
        let Some(record) = self.table.get(key).await? else { return Ok(None) };
        let further = match References::further(&record) {
            Ok(further) => (1..=further).map(|number| keys::references(name, digest, number)).collect(),
            Err(_) => return Ok(None),
        };
        let further = self.look(Look::Quick, further, Vec::new()).await?;
        Ok(References::read(&record, further.values()).unwrap_or(None))
    }

    /// Whether the way back from a manifest leads to a list that is there and doesn't name it, at one moment. Lists that aren't there may
    /// be about to come.
    ///
    /// # Errors
    /// When the platform fails, or a record can't be read.
    pub async fn is_wrong_way_to_list(
        &self,
        name: &RepositoryName,
        child: &Digest,
        list: &Digest,
    ) -> Result<bool, Error> {
        let (way, key) = (keys::parent(name, child, list), keys::manifest(name, list));
        let further = self.further_keys(name, list).await?;
        let found = self.look(Look::AtOnce, vec![way.clone(), key.clone()], further.clone()).await?;
        let Some(record) = found.get(&key).filter(|_| found.contains_key(&way)) else { return Ok(false) };
        let items = further.iter().filter_map(|key| found.get(key));
        // What it refers to isn't known, or not all of it: that is a finding of its own.
        let references = References::read(record, items).unwrap_or(None);
        Ok(references.is_some_and(|references| !references.manifests.contains(child)))
    }

    /// Removes the way back to a list that doesn't name the manifest, which never changes.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn remove_way_to_list(&self, name: &RepositoryName, child: &Digest, list: &Digest) -> Result<(), Error> {
        self.table.remove(keys::parent(name, child, list)).await
    }
}

struct RestoredUpdate {
    expression: String,
    values: Vec<(String, aws_sdk_dynamodb::types::AttributeValue)>,
}

/// The update of a record; one that is made anew belongs to whoever the rest says made it.
fn restored_update(restored: &RestoredManifest<'_>, exists: bool, has_sources: bool) -> RestoredUpdate {
    let mut set = vec![("content_size", n(restored.size))];
    set.extend(restored.references.in_record());
    // Conversions aren't listed among referrers.
    let subject = restored.subject.filter(|_| exists || !has_sources);
    set.extend(subject.map(|subject| ("subject", s(subject.to_string()))));
    if !exists {
        let (origin, at) = match has_sources {
            true => (Origin::Derived, "derived_at"),
            false => (Origin::Pushed, "pushed_at"),
        };
        set.extend([("media_type", s(restored.media_type.as_str())), ("origin", s(origin.as_str())), (at, n(now()))]);
    }
    let mut remove: Vec<&str> =
        References::ATTRIBUTES.into_iter().filter(|name| set.iter().all(|(set, _)| set != name)).collect();
    if subject.is_none() {
        remove.push("subject");
    }
    let expressions: Vec<String> = set.iter().map(|(name, _)| format!("{name} = :{name}")).collect();
    let mut expression = format!("SET {}", expressions.join(", "));
    if !remove.is_empty() {
        expression.push_str(&format!(" REMOVE {}", remove.join(", ")));
    }
    let values = set.into_iter().map(|(name, value)| (format!(":{name}"), value)).collect();
    RestoredUpdate { expression, values }
}

//! What conversions came to.
//!
//! A conversion is remembered under its source and target, and its outcome is stored like any manifest, so that the
//! digest a client was given can be pulled afterwards. Equal requests that race write the same bytes.

use std::collections::{BTreeSet, HashSet};

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use protocol::{Digest, RepositoryName, UploadId};

use crate::manifests::Origin;
use crate::table::{n, now, parsed, s};
use crate::{Error, References, Storage, StoredManifest, keys};

/// The outcome of a conversion, to be remembered.
pub struct NewDerived<'a> {
    /// Where.
    pub repository: &'a RepositoryName,
    /// The manifest that was converted.
    pub source: &'a Digest,
    /// What it was converted to, with everything else that the outcome depends on.
    pub target: &'a str,
    /// Digest of the outcome.
    pub digest: &'a Digest,
    /// The outcome.
    pub manifest: StoredManifest,
    /// Everything that the outcome refers to.
    pub references: &'a References,
}

impl Storage {
    /// The digest that a conversion came to before. One read.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn derived(&self, name: &RepositoryName, source: &Digest, target: &str) -> Result<Option<Digest>, Error> {
        let found = self.table.get(keys::conversion(name, source, target)).await?;
        found.map(|item| parsed(&item, "digest")).transpose()
    }

    /// Whether a repository has all of these manifests. One batch read for each 100; none when there are none.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn has_manifests(&self, name: &RepositoryName, digests: &BTreeSet<Digest>) -> Result<bool, Error> {
        let found = self.table.get_all(digests.iter().map(|digest| keys::manifest(name, digest)).collect()).await?;
        Ok(found.len() == digests.len())
    }

    /// Remembers a conversion and stores its outcome. False when the source is gone, and then nothing is stored; one
    /// that is about to go stays, as whatever is referred to. One read, one batch read for each 100 references, one transaction.
    ///
    /// # Errors
    /// When something that was made for it is gone again, or the platform fails.
    pub async fn put_derived(&self, new: &NewDerived<'_>) -> Result<bool, Error> {
        let spilled = self.spill(new.repository, &new.manifest.bytes).await?;
        let stored = self.table.retry("storing a conversion", || self.try_put_derived(new, spilled.as_ref())).await;
        if let Some(spilled) = spilled.filter(|_| !matches!(stored, Ok(Stored::New))) {
            self.unspill(new.repository, &spilled).await;
        }
        stored.map(|stored| !matches!(stored, Stored::No))
    }

    /// One attempt; None when somebody changed what it had read.
    async fn try_put_derived(&self, new: &NewDerived<'_>, spilled: Option<&UploadId>) -> Result<Option<Stored>, Error> {
        let name = new.repository;
        let (source, target) = (keys::manifest(name, new.source), keys::manifest(name, new.digest));
        let blobs = new.references.blobs.iter().map(|digest| keys::blob(name, digest));
        let manifests = new.references.manifests.iter().map(|digest| keys::manifest(name, digest));
        let referred: HashSet<_> = blobs.chain(manifests).collect();
        let mut wanted = referred.clone();
        wanted.extend([source.clone(), target.clone()]);
        // Guard::CountFirst. So the source stays as well: who deletes it marks it first, and that is counted.
        let repository = self.found(name).await?;
        let found = self.table.get_all(wanted.into_iter().collect()).await?;
        let Some(record) = found.get(&source) else { return Ok(Some(Stored::No)) };
        // What the source names itself needn't be there: foreign layers, and parts of what is sparse.
        let own = self.references_of(name, new.source, record).await?;
        let made = new.references.blobs.difference(&own.blobs).map(|digest| keys::blob(name, digest));
        let converted = new.references.manifests.difference(&own.manifests).map(|digest| keys::manifest(name, digest));
        if made.chain(converted).any(|key| !found.contains_key(&key)) {
            // A client deleted it since it was made for this conversion, so it has to be made again.
            return Err(Error::Contended("a conversion"));
        }
        // The source too: its deletion may yet be refused, or have broken off, and until then it is served.
        let spared = found.iter().filter(|(key, _)| **key == source || referred.contains(key));
        if self.spare(spared).await?.is_none() {
            return Ok(None);
        }
        let exists = found.contains_key(&target);
        let mut writes = self.manifest_writes(name, new.digest, &new.manifest, exists, spilled)?;
        let conversion = keys::conversion(name, new.source, new.target);
        let sources = AttributeValue::Ss(vec![conversion.sk.clone()]);
        writes.extend([
            self.nothing_marked_since(name, &repository)?,
            self.record_derived(new)?,
            self.table
                .update(conversion, "SET digest = :digest")
                .value(":digest", s(new.digest.to_string()))
                .build()?,
            self.table
                .update(keys::sources(name, new.digest), "ADD sources :source")
                .value(":source", sources)
                .build()?,
        ]);
        for further in new.references.further_items(name, new.digest) {
            writes.push(self.table.put(further).build()?);
        }
        Ok(self.table.transact(writes).await?.map(|()| if exists { Stored::Existing } else { Stored::New }))
    }

    fn record_derived(&self, new: &NewDerived<'_>) -> Result<TransactWriteItem, Error> {
        let mut set = "SET media_type = :media_type, content_size = :size, \
                       origin = if_not_exists(origin, :derived), derived_at = if_not_exists(derived_at, :now)"
            .to_owned();
        let mut values = vec![
            (":media_type".to_owned(), s(new.manifest.media_type.as_str())),
            (":size".to_owned(), n(new.manifest.bytes.len())),
            (":derived".to_owned(), s(Origin::Derived.as_str())),
            (":now".to_owned(), n(now())),
        ];
        for (attribute, value) in new.references.in_record() {
            set.push_str(&format!(", {attribute} = :{attribute}"));
            values.push((format!(":{attribute}"), value));
        }
        let update = self.table.update(keys::manifest(new.repository, new.digest), &format!("{set} REMOVE doomed"));
        values.into_iter().fold(update, |update, (name, value)| update.value(&name, value)).build()
    }
}

/// What came of a conversion.
enum Stored {
    /// Its source is gone.
    No,
    /// The same manifest was there.
    Existing,
    New,
}

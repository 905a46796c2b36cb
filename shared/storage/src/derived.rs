//! What conversions came to.
//!
//! A conversion is remembered under its source and target, and its outcome is stored like any manifest, so that the
//! digest a client was given can be pulled afterwards. Equal requests that race write the same bytes.

use aws_sdk_dynamodb::types::AttributeValue;
use protocol::{Digest, RepositoryName};

use crate::table::{Cancelled, n, now, parsed, s};
use crate::{Error, Storage, StoredManifest, keys};

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

    /// Remembers a conversion and stores its outcome. False when the source is gone, and then nothing is stored.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn put_derived(&self, new: &NewDerived<'_>) -> Result<bool, Error> {
        let spilled = self.spill(new.repository, &new.manifest.bytes).await?;
        let outcome = self
            .table
            .retry("storing a conversion", || async {
                let name = new.repository;
                let (source, target) = (keys::manifest(name, new.source), keys::manifest(name, new.digest));
                let found = self.table.get_all(vec![source.clone(), target.clone()]).await?;
                if !found.contains_key(&source) {
                    return Ok(Some((false, false)));
                }
                let exists = found.contains_key(&target);
                let mut writes = self.manifest_writes(name, new.digest, &new.manifest, exists, spilled.as_ref())?;
                let conversion = keys::conversion(name, new.source, new.target);
                let sources = AttributeValue::Ss(vec![conversion.sk.clone()]);
                let record = self.table.update(
                    target,
                    "SET media_type = :media_type, content_size = :size, origin = if_not_exists(origin, :derived), \
                     derived_at = if_not_exists(derived_at, :now) ADD revision :one",
                );
                writes.extend([
                    self.table.check(source, "attribute_exists(pk)").build()?,
                    record
                        .value(":media_type", s(new.manifest.media_type.as_str()))
                        .value(":size", n(new.manifest.bytes.len()))
                        .value(":derived", s("derived"))
                        .value(":now", n(now()))
                        .value(":one", n(1))
                        .build()?,
                    self.table
                        .update(conversion, "SET digest = :digest")
                        .value(":digest", s(new.digest.to_string()))
                        .build()?,
                    self.table
                        .update(keys::sources(name, new.digest), "ADD sources :source")
                        .value(":source", sources)
                        .build()?,
                ]);
                match self.table.transact(writes).await {
                    Ok(()) => Ok(Some((true, !exists))),
                    Err(Cancelled::Changed) => Ok(None),
                    Err(Cancelled::Failed(error)) => Err(error),
                }
            })
            .await;
        let object_is_named = matches!(outcome, Ok((_, true)));
        if let Some(spilled) = spilled.filter(|_| !object_is_named) {
            self.unspill(new.repository, &spilled).await;
        }
        outcome.map(|(stored, _)| stored)
    }
}

//! Manifests that name another one as their subject.

use std::collections::BTreeMap;

use protocol::{Descriptor, Digest, RepositoryName};

use crate::table::{Item, Wanted, item, parsed, s, text};
use crate::{Error, Page, Storage, keys};

/// Annotations longer than this, in bytes of JSON, stay in the manifest and are read from there when they are listed:
/// listings pay for every byte of an item, and an item holds 400 KB.
const INLINE_ANNOTATIONS: usize = 4 * 1024;

/// A manifest with a subject, as the referrers listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrer {
    /// What it refers to; needn't exist.
    pub subject: Digest,
    /// The manifest's own descriptor, with its artifact type and annotations.
    pub descriptor: Descriptor,
    /// The annotations are too long for the record: whoever lists it takes them out of the manifest.
    pub annotations_in_manifest: bool,
}

impl Referrer {
    /// A referrer with all of its annotations.
    pub fn new(subject: Digest, descriptor: Descriptor) -> Self {
        Self { subject, descriptor, annotations_in_manifest: false }
    }

    pub(crate) fn item(&self, name: &RepositoryName) -> Result<Item, Error> {
        let mut descriptor = self.descriptor.clone();
        let length: usize = descriptor.annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
        let too_long = length > INLINE_ANNOTATIONS;
        if too_long {
            descriptor.annotations = BTreeMap::new();
        }
        let json = serde_json::to_string(&descriptor).map_err(|error| Error::Corrupt(error.to_string()))?;
        let key = keys::referrer(name, &self.subject, &descriptor.digest);
        let mut item = item(key, [("subject", s(self.subject.to_string())), ("descriptor", s(json))]);
        if too_long {
            item.insert("annotations".to_owned(), s("in manifest"));
        }
        Ok(item)
    }

    fn read(item: &Item) -> Result<Self, Error> {
        let descriptor = serde_json::from_str(&text(item, "descriptor")?);
        Ok(Self {
            subject: parsed(item, "subject")?,
            descriptor: descriptor.map_err(|error| Error::Corrupt(error.to_string()))?,
            annotations_in_manifest: item.contains_key("annotations"),
        })
    }
}

impl Storage {
    /// A page of what refers to `subject`, by digest, after `after`.
    ///
    /// # Errors
    /// When the platform fails.
    pub async fn referrers(
        &self,
        name: &RepositoryName,
        subject: &Digest,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Referrer>, Error> {
        let prefix = keys::referrer_prefix(subject);
        self.listing(&keys::repository(name), &prefix, after, limit, Wanted::Items, Referrer::read).await
    }
}

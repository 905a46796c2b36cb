//! Which bytes a request gets.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;

use conversion::{
    Candidate, Converted, ImageInputs, Manifest, Needs, Refusal, Replacement, Target, children_to_convert,
    convert_image, convert_index, is_named, negotiate, not_acceptable, select_child,
};
use protocol::{Accept, ApiError, Digest, ErrorCode, MediaType, Method, RepositoryName, Tag};
use runtime::{Happening, Image, Journal};
use storage::{NewDerived, References, StoredManifest, TagRecord};

use crate::ManifestGet;
use crate::layers::Layers;

/// The largest config that a conversion reads, in bytes. Real ones have some kilobytes.
const MAX_CONFIG_SIZE: u64 = 8 * 1024 * 1024;

/// Lists of lists are followed this deep for clients that can't read them as they are.
const MAX_DEPTH: u8 = 4;

/// What a request gets.
pub(crate) struct Served {
    pub(crate) digest: Digest,
    pub(crate) manifest: Arc<StoredManifest>,
    /// What the tag points at, when that isn't what is served.
    pub(crate) stored: Option<Digest>,
    /// Another `Accept` might have got something else.
    pub(crate) negotiated: bool,
}

/// A manifest and its digest.
type Found = (Digest, Arc<StoredManifest>);

/// A conversion calls itself for the children of a list.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, ApiError>> + Send + 'a>>;

/// What a pull by tag is about.
#[derive(Clone, Copy)]
struct Asked<'a> {
    name: &'a RepositoryName,
    tag: &'a Tag,
    /// What the tag points at. The tag vouches for it: a deletion takes the tags first.
    tagged: &'a Digest,
    accept: &'a Accept,
    /// How many lists lead to the manifest in question.
    depth: u8,
    /// Where conversions are written down.
    journal: &'a Journal,
}

impl ManifestGet {
    /// The stored bytes, whatever the client accepts.
    pub(crate) async fn by_digest(
        &self,
        method: Method,
        name: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<Served>, ApiError> {
        let manifest = match method {
            // Who pushes a list asks for its manifests before.
            Method::Head => self.storage.wanted_manifest(name, digest).await?,
            _ => self.storage.manifest(name, digest).await?,
        };
        Ok(manifest.map(|manifest| Served { digest: digest.clone(), manifest, stored: None, negotiated: false }))
    }

    /// What the client can read: the stored bytes or a conversion of them. A tag may move, and what it pointed to be deleted,
    /// while that is made; then it is what the tag points to now.
    pub(crate) async fn by_tag(
        &self,
        name: &RepositoryName,
        tag: &Tag,
        accept: &Accept,
        journal: &Journal,
    ) -> Result<Option<Served>, ApiError> {
        let mut found = self.storage.tag(name, tag).await?;
        while let Some(record) = found {
            let tagged = record.digest.clone();
            let error = match self.tagged(name, tag, record, accept, journal).await {
                Err(error) if error.code == ErrorCode::ManifestUnknown => error,
                served => return served.map(Some),
            };
            found = self.storage.tag(name, tag).await?;
            if found.as_ref().is_some_and(|now| now.digest == tagged) {
                return Err(error);
            }
        }
        Ok(None)
    }

    async fn tagged(
        &self,
        name: &RepositoryName,
        tag: &Tag,
        record: TagRecord,
        accept: &Accept,
        journal: &Journal,
    ) -> Result<Served, ApiError> {
        let asked = Asked { name, tag, tagged: &record.digest, accept, depth: 0, journal };
        match self.negotiated(asked, record.digest.clone(), record.media_type.clone()).await? {
            Ok((digest, manifest)) => {
                let stored = (digest != record.digest).then_some(record.digest);
                Ok(Served { digest, manifest, stored, negotiated: true })
            }
            Err(Some(Refusal::Pending)) => Err(pending()),
            Err(reason) => Err(not_acceptable(&record.media_type, accept, reason.as_ref())),
        }
    }

    /// Goes through the candidates, best first. The reason that is returned when none will do is the first one's. A
    /// conversion that takes some more seconds is worth waiting for, unless the client names schema 1 as well.
    fn negotiated<'a>(
        &'a self,
        asked: Asked<'a>,
        digest: Digest,
        stored: MediaType,
    ) -> Boxed<'a, Result<Found, Option<Refusal>>> {
        Box::pin(async move {
            let mut reason = None;
            for candidate in negotiate(&stored, asked.accept) {
                let is_pending = matches!(reason, Some(Refusal::Pending));
                let found = match candidate {
                    Candidate::Stored if is_pending && !(stored.is_schema1() && is_named(&stored, asked.accept)) => {
                        break;
                    }
                    // Others would wait for the same layers, or be one image in place of a list.
                    Candidate::Convert(target) if is_pending && target != Target::DockerSchema1 => continue,
                    Candidate::Child if is_pending => continue,
                    Candidate::Stored => Ok((digest.clone(), self.stored(asked, &digest).await?)),
                    Candidate::Convert(target) => self.converted(asked, &digest, target).await?.map_err(Some),
                    Candidate::Child => self.child(asked, &digest).await?,
                };
                match found {
                    Ok(found) => return Ok(Ok(found)),
                    Err(Some(Refusal::Unchanged)) => {
                        let stored = self.stored(asked, &digest).await?;
                        return Ok(Ok((digest, stored)));
                    }
                    Err(Some(Refusal::Pending)) => reason = Some(Refusal::Pending),
                    Err(refusal) => reason = reason.or(refusal),
                }
            }
            Ok(Err(reason))
        })
    }

    /// The child of a list that a client which knows no lists is taken to want, negotiated in its turn. Where the list
    /// itself has none, the lists in it may.
    fn child<'a>(&'a self, asked: Asked<'a>, list: &'a Digest) -> Boxed<'a, Result<Found, Option<Refusal>>> {
        Box::pin(async move {
            let mut reason = Some(Refusal::NoDefaultPlatform);
            if asked.depth >= MAX_DEPTH {
                return Ok(Err(reason));
            }
            let list = parsed(self.stored(asked, list).await?)?;
            let asked = Asked { depth: asked.depth + 1, ..asked };
            if let Some(child) = select_child(&list) {
                return self.negotiated(asked, child.digest.clone(), child.media_type.clone()).await;
            }
            for nested in list.children().iter().filter(|child| child.media_type.is_index() && child.platform.is_none())
            {
                match self.child(asked, &nested.digest).await? {
                    Ok(found) => return Ok(Ok(found)),
                    Err(Some(Refusal::NoDefaultPlatform) | None) => {}
                    Err(refusal) => reason = refusal,
                }
            }
            Ok(Err(reason))
        })
    }

    /// The conversion of a manifest, made now or before.
    fn converted<'a>(
        &'a self,
        asked: Asked<'a>,
        source: &'a Digest,
        target: Target,
    ) -> Boxed<'a, Result<Found, Refusal>> {
        Box::pin(async move {
            // A list in which no child has to change needs no look-up: its bytes are mostly in memory.
            let mut list = None;
            if target.media_type().is_index() {
                let list = list.insert(parsed(self.stored(asked, source).await?)?);
                if children_to_convert(list, &target).is_empty()
                    && let Err(refusal) = convert_index(list, &target, &BTreeMap::new())
                {
                    return Ok(Err(refusal));
                }
            }
            let key = match target.depends_on_tag() {
                true => format!("{}#{}", target.key(), asked.tag),
                false => target.key(),
            };
            // Asked of the table: a conversion that somebody pushed as well can be deleted by itself.
            if let Some(digest) = self.storage.derived(asked.name, source, &key).await?
                && let Some(manifest) = self.storage.manifest(asked.name, &digest).await?
                && self.has_what_was_made_for_it(asked.name, list.as_ref(), &manifest).await?
            {
                return Ok(Ok((digest, manifest)));
            }
            let manifest = match list {
                Some(list) => list,
                None => parsed(self.stored(asked, source).await?)?,
            };
            match self.convert(asked, source, &manifest, &target).await? {
                // Signing changes no digest, so there is nothing to store it under.
                Ok(converted) if converted.manifest.digest() == *source => {
                    Ok(Ok((source.clone(), Arc::new(as_stored(converted.manifest)))))
                }
                Ok(converted) => Ok(Ok(self.keep(asked, (source, manifest.media_type()), &key, converted).await?)),
                Err(refusal) => Ok(Err(refusal)),
            }
        })
    }

    /// Whether a converted list is whole: one of its children that the list itself doesn't name can be deleted once somebody
    /// has pushed it as well.
    async fn has_what_was_made_for_it(
        &self,
        name: &RepositoryName,
        list: Option<&Manifest>,
        converted: &Arc<StoredManifest>,
    ) -> Result<bool, ApiError> {
        let Some(list) = list else { return Ok(true) };
        let converted = parsed(converted.clone())?;
        let digests = |list: &Manifest| list.children().iter().map(|child| child.digest.clone()).collect();
        let (own, converted): (BTreeSet<Digest>, BTreeSet<Digest>) = (digests(list), digests(&converted));
        Ok(self.storage.has_manifests(name, &(&converted - &own)).await?)
    }

    /// Fetches what the conversion needs, and does it.
    async fn convert(
        &self,
        asked: Asked<'_>,
        digest: &Digest,
        manifest: &Manifest,
        target: &Target,
    ) -> Result<Result<Converted, Refusal>, ApiError> {
        if manifest.media_type().is_index() {
            if asked.depth >= MAX_DEPTH {
                let from = manifest.media_type().clone();
                return Ok(Err(Refusal::NoConversion { from, to: target.media_type() }));
            }
            let asked = Asked { depth: asked.depth + 1, ..asked };
            let mut children = BTreeMap::new();
            for (child, target) in children_to_convert(manifest, target) {
                let replacement = match self.converted(asked, &child.digest, target).await? {
                    Ok((digest, manifest)) => {
                        let size = manifest.bytes.len() as u64;
                        Some(Replacement { media_type: manifest.media_type.clone(), digest, size })
                    }
                    // It stays in the list as it is.
                    Err(Refusal::Unchanged) => continue,
                    // Soon it can be had, and then the list would be another one.
                    Err(Refusal::Pending) => return Ok(Err(Refusal::Pending)),
                    // A list for this client is one of the children that it can have.
                    Err(_) => None,
                };
                children.insert(child.digest, replacement);
            }
            return Ok(convert_index(manifest, target, &children));
        }
        let (mut config, mut layers) = (None, Layers::new());
        match target.needs(manifest.media_type()) {
            Needs::Nothing => {}
            Needs::Config => {
                if let Some(descriptor) = manifest.config() {
                    config = self.storage.blob_bytes(asked.name, &descriptor.digest, MAX_CONFIG_SIZE).await?;
                }
            }
            Needs::Layers => match self.layers(asked.name, digest, manifest).await? {
                Ok(known) => layers = known,
                Err(refusal) => return Ok(Err(refusal)),
            },
        }
        let inputs = ImageInputs { config: config.as_deref(), layers: &layers, name: asked.name, tag: Some(asked.tag) };
        Ok(convert_image(manifest, target, &inputs))
    }

    /// Stores a conversion with everything that it refers to, so that its digest can be pulled.
    async fn keep(
        &self,
        asked: Asked<'_>,
        (source, from): (&Digest, &MediaType),
        target: &str,
        converted: Converted,
    ) -> Result<Found, ApiError> {
        for blob in converted.blobs {
            self.storage.put_blob(asked.name, &blob.digest, blob.bytes.into()).await?;
        }
        let image = image(&converted.manifest);
        let required = converted.manifest.required();
        let references = References::new(required.blobs.into_iter().chain(required.optional), required.manifests);
        let digest = image.digest.clone();
        let manifest = as_stored(converted.manifest);
        let new = NewDerived {
            repository: asked.name,
            source,
            target,
            digest: &digest,
            manifest: manifest.clone(),
            references: &references,
        };
        match self.storage.put_derived(&new).await? {
            true => {
                asked.journal.note(Happening::Converted { image, source: source.clone(), from: from.clone() });
                Ok((digest, Arc::new(manifest)))
            }
            false => Err(gone(asked.name, source)),
        }
    }

    async fn stored(&self, asked: Asked<'_>, digest: &Digest) -> Result<Arc<StoredManifest>, ApiError> {
        let manifest = match digest == asked.tagged {
            true => self.storage.tagged_manifest(asked.name, digest).await?,
            false => self.storage.manifest(asked.name, digest).await?,
        };
        manifest.ok_or_else(|| gone(asked.name, digest))
    }
}

fn as_stored(manifest: Manifest) -> StoredManifest {
    StoredManifest { media_type: manifest.media_type().clone(), bytes: manifest.into_bytes().into() }
}

/// The outcome of a conversion, for those who are told of it.
fn image(manifest: &Manifest) -> Image {
    Image {
        digest: manifest.digest(),
        media_type: manifest.media_type().clone(),
        artifact_type: manifest.artifact_type().map(str::to_owned),
        manifest_size: Some(manifest.bytes().len() as u64),
        content_size: Some(manifest.size_of_content()).filter(|&size| size > 0),
    }
}

/// The layers of a schema 1 image haven't been read yet.
fn pending() -> ApiError {
    let message = "this image was pushed as schema 1 and is being converted; try again in some seconds";
    ApiError::new(ErrorCode::Unavailable, message).header("Retry-After", "5")
}

/// Deleted while it was being pulled, or never there: an index may name children that the repository doesn't have.
fn gone(name: &RepositoryName, digest: &Digest) -> ApiError {
    ApiError::new(ErrorCode::ManifestUnknown, format!("manifest {digest} is not in repository {name} (any more)"))
}

fn parsed(stored: Arc<StoredManifest>) -> Result<Manifest, ApiError> {
    Ok(Manifest::stored(stored.bytes.to_vec(), &stored.media_type)?)
}

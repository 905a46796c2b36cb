//! A manifest beside its verbatim bytes.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use protocol::{Algorithm, Descriptor, Digest, MediaType};

use crate::json::{Node, Object};
use crate::schema1::{Schema1, Trust};
use crate::{ParseError, Refusal, detect, schema1};

/// A manifest that was read, and the bytes that it was read from.
///
/// The bytes are never written anew: digest and body are theirs, the rest is a view of them.
///
/// ```
/// use conversion::Manifest;
/// use protocol::MediaType;
/// let index = br#"{"schemaVersion":2,"manifests":[]}"#;
/// let manifest = Manifest::parse(index.to_vec(), None)?;
/// assert_eq!(manifest.media_type(), &MediaType::OciIndex);
/// assert_eq!(manifest.bytes(), index);
///
/// let error = Manifest::parse(br#"{"schemaVersion":2,"manifests":[{}]}"#.to_vec(), None).unwrap_err();
/// assert_eq!(error.to_string(), "manifests[0].mediaType: is missing");
/// # Ok::<(), conversion::ParseError>(())
/// ```
#[derive(Clone)]
pub struct Manifest {
    bytes: Vec<u8>,
    media_type: MediaType,
    content: Content,
}

/// What the formats say, each in the fields that it has.
#[derive(Clone, Debug, Default)]
struct Content {
    config: Option<Descriptor>,
    layers: Vec<Descriptor>,
    children: Vec<Descriptor>,
    subject: Option<Descriptor>,
    artifact_type: Option<String>,
    annotations: BTreeMap<String, String>,
    schema1: Option<Schema1>,
}

/// What has to be in the repository before a manifest may be stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Required {
    /// Blobs, in the manifest's order, each once.
    pub blobs: Vec<Digest>,
    /// Manifests, in the manifest's order, each once.
    pub manifests: Vec<Digest>,
    /// Foreign layers, which are fetched elsewhere; a client may push them all the same.
    pub optional: Vec<Digest>,
}

impl Manifest {
    /// Reads what a client pushed; `content_type` is the header's value, when there is one.
    ///
    /// The header, the `mediaType` inside and the content must agree; a missing header or `application/json` says
    /// nothing (old Docker pushes schema 1 that way). Parameters of the header don't matter. Everything the format
    /// demands is checked. The signatures of schema 1 are verified, and nothing outside of what they cover is believed.
    ///
    /// # Errors
    /// When it isn't a manifest, or not the one that the header says, or a signature doesn't hold.
    pub fn parse(bytes: Vec<u8>, content_type: Option<&str>) -> Result<Self, ParseError> {
        Self::read(bytes, content_type.map(MediaType::from).as_ref(), Trust::Verify)
    }

    /// Reads what [`parse`](Self::parse) let in earlier: signatures aren't verified again.
    ///
    /// # Errors
    /// When the bytes aren't a manifest of that type.
    pub fn stored(bytes: Vec<u8>, media_type: &MediaType) -> Result<Self, ParseError> {
        Self::read(bytes, Some(media_type), Trust::Verified)
    }

    /// The result of a conversion. It is read like any other manifest, so what a client couldn't push isn't served.
    pub(crate) fn derived(bytes: Vec<u8>, media_type: &MediaType) -> Result<Self, Refusal> {
        Self::stored(bytes, media_type).map_err(Refusal::Result)
    }

    fn read(bytes: Vec<u8>, declared: Option<&MediaType>, trust: Trust) -> Result<Self, ParseError> {
        let document = Node::document(&bytes)?.object()?;
        let detected = detect::media_type(&document, declared)?;
        let (media_type, content) = if detected.is_schema1() {
            let schema1 = Schema1::parse(&bytes, &document, trust)?;
            (schema1.media_type(), Content { schema1: Some(schema1), ..Content::default() })
        } else if detected.is_index() {
            (detected, Content::index(&document)?)
        } else {
            (detected, Content::image(&document)?)
        };
        Ok(Self { bytes, media_type, content })
    }

    /// Its type. Schema 1 is [`DockerSchema1Signed`](MediaType::DockerSchema1Signed) exactly when it has signatures.
    pub fn media_type(&self) -> &MediaType {
        &self.media_type
    }

    /// The bytes as pushed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes as pushed.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The SHA-256 digest that the manifest is known by: that of its bytes, or for signed schema 1 that of the payload
    /// without the signatures.
    pub fn digest(&self) -> Digest {
        self.digest_with(Algorithm::Sha256)
    }

    /// The same with another algorithm, for pushes by such a digest.
    pub fn digest_with(&self, algorithm: Algorithm) -> Digest {
        algorithm.digest(self.schema1_payload().unwrap_or(&self.bytes))
    }

    /// What has to be in the repository before this may be stored.
    ///
    /// Foreign layers lie elsewhere and a subject may come later (distribution specification, "Pushing Manifests with
    /// Subject"), so neither is required. An index may name blobs, as BuildKit's cache does: its children are told
    /// apart by their media types.
    pub fn required(&self) -> Required {
        let config = self.content.config.iter();
        let (foreign, layers): (Vec<_>, Vec<_>) =
            self.content.layers.iter().partition(|layer| layer.media_type.is_foreign_layer());
        let (manifests, others): (Vec<_>, Vec<_>) =
            self.content.children.iter().partition(|child| child.media_type.is_manifest());
        let fs_layers = self.content.schema1.iter().flat_map(|schema1| &schema1.fs_layers);
        let blobs = config.chain(layers).chain(others).map(|descriptor| &descriptor.digest).chain(fs_layers);
        Required {
            blobs: each_once(blobs),
            manifests: each_once(manifests.iter().map(|child| &child.digest)),
            optional: each_once(foreign.iter().map(|layer| &layer.digest)),
        }
    }

    /// An image's config; schema 1 has none.
    pub fn config(&self) -> Option<&Descriptor> {
        self.content.config.as_ref()
    }

    /// An image's layers, the oldest first; none for schema 1, which doesn't describe them.
    pub fn layers(&self) -> &[Descriptor] {
        &self.content.layers
    }

    /// The blobs of a schema 1 image that hold files, each once: what is in them has to be known for its conversion.
    ///
    /// # Errors
    /// When the history can't be read, or this isn't schema 1.
    pub fn schema1_layers(&self) -> Result<Vec<Digest>, Refusal> {
        schema1::layers(self)
    }

    /// What the signatures of schema 1 cover, or would cover if there were any; None for other formats.
    pub(crate) fn schema1_payload(&self) -> Option<&[u8]> {
        let schema1 = self.content.schema1.as_ref()?;
        Some(schema1.payload.as_deref().unwrap_or(&self.bytes))
    }

    /// A list's or index's children.
    pub fn children(&self) -> &[Descriptor] {
        &self.content.children
    }

    /// The manifest that this one says something about (image specification, `subject`).
    pub fn subject(&self) -> Option<&Descriptor> {
        self.content.subject.as_ref()
    }

    /// The kind of artifact: `artifactType`, or else the type of the config, as the referrers list wants it
    /// (distribution specification, "Listing Referrers").
    pub fn artifact_type(&self) -> Option<&str> {
        let config = || self.content.config.as_ref().map(|config| config.media_type.as_str());
        self.declared_artifact_type().or_else(config)
    }

    /// `artifactType` as it stands in the manifest.
    pub(crate) fn declared_artifact_type(&self) -> Option<&str> {
        self.content.artifact_type.as_deref()
    }

    /// Free text by key (image specification, "Annotations").
    pub fn annotations(&self) -> &BTreeMap<String, String> {
        &self.content.annotations
    }

    /// How the referrers of its subject show it (distribution specification, "Listing Referrers"). `digest` is the one that
    /// it is stored under.
    pub fn descriptor(&self, digest: &Digest) -> Descriptor {
        Descriptor {
            media_type: self.media_type.clone(),
            digest: digest.clone(),
            size: self.bytes.len() as u64,
            urls: Vec::new(),
            annotations: self.annotations().clone(),
            platform: None,
            artifact_type: self.artifact_type().map(str::to_owned),
        }
    }

    /// The lengths of config and layers together; 0 for what names none, schema 1 among them.
    pub fn size_of_content(&self) -> u64 {
        self.content.config.iter().chain(&self.content.layers).fold(0, |sum, part| sum.saturating_add(part.size))
    }
}

impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy(&self.bytes);
        f.debug_struct("Manifest").field("media_type", &self.media_type).field("bytes", &text).finish_non_exhaustive()
    }
}

impl Content {
    /// Schema 2 or an OCI image manifest.
    fn image(document: &Object<'_>) -> Result<Self, ParseError> {
        refuse(document, &["manifests", "fsLayers"], "an image")?;
        let layers = document.require_array("layers")?;
        Ok(Self {
            config: Some(document.require("config")?.descriptor()?),
            layers: layers.iter().map(Node::descriptor).collect::<Result<_, _>>()?,
            ..Self::common(document)?
        })
    }

    /// A manifest list or image index.
    fn index(document: &Object<'_>) -> Result<Self, ParseError> {
        refuse(document, &["config", "layers", "fsLayers"], "a list or index")?;
        let children = document.require_array("manifests")?;
        Ok(Self {
            children: children.iter().map(Node::descriptor).collect::<Result<_, _>>()?,
            ..Self::common(document)?
        })
    }

    fn common(document: &Object<'_>) -> Result<Self, ParseError> {
        if document.require("schemaVersion")?.size()? != 2 {
            return Err(document.error("schemaVersion", "must be 2"));
        }
        let artifact_type = document.read("artifactType", |node| match node.string()?.as_str() {
            "" => Ok(None),
            _ => node.media_type().map(|kind| Some(kind.as_str().to_owned())),
        })?;
        Ok(Self {
            subject: document.read("subject", Node::descriptor)?,
            artifact_type: artifact_type.flatten(),
            annotations: document.read("annotations", Node::annotations)?.unwrap_or_default(),
            ..Self::default()
        })
    }
}

/// A document that could be read as two formats is two images in one (CVE-2021-41190).
fn refuse(document: &Object<'_>, keys: &[&str], format: &str) -> Result<(), ParseError> {
    for key in keys {
        if document.get(key)?.is_some() {
            return Err(
                document.error(key, format!("doesn't belong into {format}; another client would read it otherwise"))
            );
        }
    }
    Ok(())
}

fn each_once<'a>(digests: impl Iterator<Item = &'a Digest>) -> Vec<Digest> {
    let mut seen = HashSet::new();
    digests.filter(|digest| seen.insert(*digest)).cloned().collect()
}

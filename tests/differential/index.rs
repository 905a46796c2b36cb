//! A list or index as it is pushed, and what it must be for a client that reads other formats.

use fastrand::Rng;

use crate::image::{Format, Image, docker_descriptor, oci_descriptor};
use crate::json::{Fields, array, field, indented, object, scattered, text};
use crate::obstacle::Obstacle;
use crate::types::{INDEX, LIST};

/// A manifest list or an image index.
#[derive(Clone)]
pub(crate) struct Index {
    /// A manifest list.
    pub(crate) docker: bool,
    pub(crate) has_media_type: bool,
    pub(crate) children: Vec<Child>,
    /// As JSON, when there are any.
    pub(crate) annotations: Option<String>,
    pub(crate) artifact_type: Option<&'static str>,
    /// The descriptor in OCI's order of fields.
    pub(crate) subject: Option<String>,
    /// Fields that no conversion keeps.
    pub(crate) others: Fields,
    /// Empty until it is written down.
    pub(crate) manifest: Vec<u8>,
}

/// What a list refers to.
#[derive(Clone)]
pub(crate) struct Child {
    pub(crate) content: Content,
    pub(crate) platform: Option<Platform>,
    /// As JSON, when there are any.
    pub(crate) annotations: Option<String>,
    /// Fields of the descriptor that no conversion keeps.
    pub(crate) others: Fields,
}

#[derive(Clone)]
pub(crate) enum Content {
    Image(Image),
    Index(Index),
    /// No manifest: BuildKit's cache has such children.
    Blob(&'static str, Vec<u8>),
}

/// What an image runs on.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Platform {
    pub(crate) os: &'static str,
    pub(crate) architecture: &'static str,
    pub(crate) os_version: Option<&'static str>,
    pub(crate) os_features: Vec<&'static str>,
    pub(crate) variant: Option<&'static str>,
    pub(crate) features: Vec<&'static str>,
}

/// The formats of images that the client of a list reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Both,
    One(Format),
}

impl Platform {
    pub(crate) fn new(os: &'static str, architecture: &'static str) -> Self {
        Self { os, architecture, ..Self::default() }
    }

    fn is(&self, os: &str, architecture: &str) -> bool {
        self.os == os && self.architecture == architecture
    }

    fn json(&self) -> String {
        let texts = |texts: &[&str]| array(texts.iter().map(|item| text(item)));
        let mut fields = vec![field("architecture", text(self.architecture)), field("os", text(self.os))];
        fields.extend(self.os_version.map(|version| field("os.version", text(version))));
        fields.extend((!self.os_features.is_empty()).then(|| field("os.features", texts(&self.os_features))));
        fields.extend(self.variant.map(|variant| field("variant", text(variant))));
        fields.extend((!self.features.is_empty()).then(|| field("features", texts(&self.features))));
        object(&fields)
    }
}

impl Child {
    pub(crate) fn new(content: Content, platform: Option<Platform>) -> Self {
        Self { content, platform, annotations: None, others: Fields::new() }
    }

    pub(crate) fn media_type(&self) -> &'static str {
        match &self.content {
            Content::Image(image) => image.format.media_type(),
            Content::Index(index) => index.media_type(),
            Content::Blob(media_type, _) => media_type,
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.content {
            Content::Image(image) => &image.manifest,
            Content::Index(index) => &index.manifest,
            Content::Blob(_, bytes) => bytes,
        }
    }

    fn is_attestation(&self) -> bool {
        self.platform.as_ref().is_some_and(|platform| platform.is("unknown", "unknown"))
    }

    /// The descriptor, of these bytes.
    fn descriptor(&self, docker: bool, media_type: &str, bytes: &[u8]) -> Fields {
        let platform = self.platform.as_ref().map(|platform| field("platform", platform.json()));
        if docker {
            return docker_descriptor(media_type, bytes).into_iter().chain(platform).collect();
        }
        let annotations = self.annotations.clone().map(|annotations| field("annotations", annotations));
        oci_descriptor(media_type, bytes).into_iter().chain(annotations).chain(platform).collect()
    }

    /// What it has to be in a list of the other kind, or over other images; None when it is left out.
    fn within(&self, docker: bool, over: Over) -> Option<(&'static str, Vec<u8>)> {
        let stored = || (self.media_type(), self.bytes().to_vec());
        if self.is_attestation() {
            return (!docker).then(stored);
        }
        match (&self.content, over) {
            (Content::Image(image), Over::One(format)) => Some((format.media_type(), image.to(format).ok()?)),
            (Content::Image(_), Over::Both) | (Content::Blob(..), _) => Some(stored()),
            (Content::Index(index), _) => Some((list_type(docker), index.to(docker, over).ok()?)),
        }
    }
}

impl Index {
    pub(crate) fn new(docker: bool, children: Vec<Child>) -> Self {
        Self {
            docker,
            has_media_type: true,
            children,
            annotations: None,
            artifact_type: None,
            subject: None,
            others: Fields::new(),
            manifest: Vec::new(),
        }
    }

    pub(crate) fn media_type(&self) -> &'static str {
        list_type(self.docker)
    }

    /// The child that a client gets which knows no lists.
    pub(crate) fn default_child(&self) -> Option<&Child> {
        let mut children = self.children.iter();
        children.find(|child| child.platform.as_ref().is_some_and(|platform| platform.is("linux", "amd64")))
    }

    /// The lists in it that may be for any platform: they are searched when no child of its own is the default.
    pub(crate) fn nested(&self) -> impl Iterator<Item = &Index> {
        self.children.iter().filter(|child| child.platform.is_none()).filter_map(|child| match &child.content {
            Content::Index(index) => Some(index),
            Content::Image(_) | Content::Blob(..) => None,
        })
    }

    /// Writes it down.
    #[must_use]
    pub(crate) fn written(mut self, rng: &mut Rng) -> Self {
        let children = self.children.iter().map(|child| {
            let mut descriptor = child.descriptor(false, child.media_type(), child.bytes());
            descriptor.extend(child.others.clone());
            rng.shuffle(&mut descriptor);
            scattered(&descriptor, rng)
        });
        let children = array(children.collect::<Vec<_>>());
        let mut fields = vec![field("schemaVersion", "2"), field("manifests", children)];
        if self.has_media_type {
            fields.push(field("mediaType", text(self.media_type())));
        }
        fields.extend(self.annotations.clone().map(|annotations| field("annotations", annotations)));
        fields.extend(self.artifact_type.map(|kind| field("artifactType", text(kind))));
        fields.extend(self.subject.clone().map(|subject| field("subject", subject)));
        fields.extend(self.others.clone());
        rng.shuffle(&mut fields);
        self.manifest = scattered(&fields, rng).into_bytes();
        self
    }

    /// The list for a client of this kind of list and of these images: the stored bytes when nothing has to change.
    pub(crate) fn to(&self, docker: bool, over: Over) -> Result<Vec<u8>, Obstacle> {
        if self.children.iter().any(|child| matches!(child.content, Content::Blob(..))) {
            return Err(Obstacle::BlobChild);
        }
        let converted: Vec<_> = self.children.iter().map(|child| (child, child.within(docker, over))).collect();
        let unchanged = |(child, within): &(&Child, Option<(&str, Vec<u8>)>)| {
            within.as_ref().is_some_and(|(_, bytes)| bytes == child.bytes())
        };
        if docker == self.docker && converted.iter().all(unchanged) {
            return Ok(self.manifest.clone());
        }
        let left: Vec<_> = converted.iter().filter_map(|(child, within)| Some((child, within.as_ref()?))).collect();
        if left.iter().all(|(child, _)| child.is_attestation()) {
            return Err(Obstacle::NoChildren);
        }
        let children = left.iter().map(|(child, (kind, bytes))| object(&child.descriptor(docker, kind, bytes)));
        let mut fields = vec![field("schemaVersion", "2"), field("mediaType", text(list_type(docker)))];
        if docker {
            fields.push(field("manifests", array(children)));
            return Ok(indented(&object(&fields)).into_bytes());
        }
        fields.extend(self.artifact_type.map(|kind| field("artifactType", text(kind))));
        fields.push(field("manifests", array(children)));
        fields.extend(self.subject.clone().map(|subject| field("subject", subject)));
        fields.extend(self.annotations.clone().map(|annotations| field("annotations", annotations)));
        Ok(object(&fields).into_bytes())
    }
}

pub(crate) fn list_type(docker: bool) -> &'static str {
    if docker { LIST } else { INDEX }
}

//! An image as it is pushed, and what it must be in the other format.

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::images::{Compression, Layer as Content};

use crate::json::{Fields, array, field, indented, object, text};
use crate::obstacle::Obstacle;
use crate::types::{DOCKER_CONFIG, OCI, OCI_CONFIG, SCHEMA2};

/// The two formats that say the same in different words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Schema2,
    Oci,
}

/// What a layer's media type says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// In the words of one of the formats, which needn't be the manifest's.
    Known { format: Format, compression: Compression, foreign: bool },
    /// Something else.
    Other(&'static str),
}

/// A layer of an image.
#[derive(Clone)]
pub(crate) struct Layer {
    pub(crate) kind: Kind,
    pub(crate) content: Content,
    /// Where else it lies; then nobody has to upload it.
    pub(crate) urls: Vec<String>,
    /// As JSON, when there are any.
    pub(crate) annotations: Option<String>,
    /// Fields of the descriptor that no conversion keeps.
    pub(crate) others: Fields,
}

/// An image that can be pushed.
#[derive(Clone)]
pub(crate) struct Image {
    pub(crate) format: Format,
    pub(crate) manifest: Vec<u8>,
    pub(crate) config: Vec<u8>,
    /// As JSON, when there are any.
    pub(crate) config_annotations: Option<String>,
    pub(crate) layers: Vec<Layer>,
    /// Why there is no other format of it at all.
    pub(crate) artifact: bool,
    /// Why the config is none to make schema 1 of, in the order in which it is read.
    pub(crate) config_obstacles: Vec<Obstacle>,
}

impl Format {
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Schema2 => SCHEMA2,
            Self::Oci => OCI,
        }
    }

    pub(crate) fn config_type(self) -> &'static str {
        match self {
            Self::Schema2 => DOCKER_CONFIG,
            Self::Oci => OCI_CONFIG,
        }
    }
}

impl Kind {
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Other(media_type) => media_type,
            Self::Known { format: Format::Schema2, compression, foreign: false } => match compression {
                Compression::None => "application/vnd.docker.image.rootfs.diff.tar",
                Compression::Gzip => "application/vnd.docker.image.rootfs.diff.tar.gzip",
                Compression::Zstd => "application/vnd.docker.image.rootfs.diff.tar.zstd",
            },
            Self::Known { format: Format::Schema2, compression, foreign: true } => match compression {
                Compression::None => "application/vnd.docker.image.rootfs.foreign.diff.tar",
                Compression::Gzip => "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                Compression::Zstd => panic!("Docker has no name for it"),
            },
            Self::Known { format: Format::Oci, compression, foreign: false } => match compression {
                Compression::None => "application/vnd.oci.image.layer.v1.tar",
                Compression::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
                Compression::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
            },
            Self::Known { format: Format::Oci, compression, foreign: true } => match compression {
                Compression::None => "application/vnd.oci.image.layer.nondistributable.v1.tar",
                Compression::Gzip => "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                Compression::Zstd => "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
            },
        }
    }

    pub(crate) fn is_foreign(self) -> bool {
        matches!(self, Self::Known { foreign: true, .. })
    }

    /// The same in the words of a format.
    fn to(self, to: Format) -> Result<Self, Obstacle> {
        match (self, to) {
            (Self::Known { compression: Compression::Zstd, .. }, Format::Schema2) => Err(Obstacle::Zstd),
            (Self::Known { compression, foreign, .. }, _) => Ok(Self::Known { format: to, compression, foreign }),
            (Self::Other(other), _) if other.ends_with("+encrypted") => Err(Obstacle::Encrypted),
            (Self::Other(_), _) => Err(Obstacle::UnknownLayer),
        }
    }
}

impl Layer {
    pub(crate) fn new(format: Format, compression: Compression, content: &str) -> Self {
        Self {
            kind: Kind::Known { format, compression, foreign: false },
            content: Content::new(compression, &[("etc/greeting", content.as_bytes())]),
            urls: Vec::new(),
            annotations: None,
            others: Fields::new(),
        }
    }

    /// The descriptor in Docker's order of fields.
    pub(crate) fn docker_descriptor(&self, kind: Kind) -> Fields {
        let mut fields = docker_descriptor(kind.media_type(), &self.content.bytes);
        if !self.urls.is_empty() {
            fields.push(field("urls", array(self.urls.iter().map(|url| text(url)))));
        }
        fields
    }

    /// The descriptor in OCI's order of fields.
    pub(crate) fn oci_descriptor(&self, kind: Kind) -> Fields {
        let mut fields = oci_descriptor(kind.media_type(), &self.content.bytes);
        if !self.urls.is_empty() {
            fields.push(field("urls", array(self.urls.iter().map(|url| text(url)))));
        }
        fields.extend(self.annotations.clone().map(|annotations| field("annotations", annotations)));
        fields
    }
}

impl Image {
    /// The manifest in this format: the stored bytes, or what they have to become.
    pub(crate) fn to(&self, format: Format) -> Result<Vec<u8>, Obstacle> {
        if format == self.format {
            return Ok(self.manifest.clone());
        }
        if self.artifact {
            return Err(Obstacle::Artifact);
        }
        let kinds: Vec<Kind> = self.layers.iter().map(|layer| layer.kind.to(format)).collect::<Result<_, _>>()?;
        let layers = self.layers.iter().zip(kinds);
        let config_type = format.config_type();
        let (config, layers) = match format {
            Format::Schema2 => (
                docker_descriptor(config_type, &self.config),
                array(layers.map(|(layer, kind)| object(&layer.docker_descriptor(kind)))),
            ),
            Format::Oci => {
                let mut config = oci_descriptor(config_type, &self.config);
                config.extend(self.config_annotations.clone().map(|annotations| field("annotations", annotations)));
                (config, array(layers.map(|(layer, kind)| object(&layer.oci_descriptor(kind)))))
            }
        };
        let manifest = object(&[
            field("schemaVersion", "2"),
            field("mediaType", text(format.media_type())),
            field("config", object(&config)),
            field("layers", layers),
        ]);
        Ok(match format {
            Format::Schema2 => indented(&manifest).into_bytes(),
            Format::Oci => manifest.into_bytes(),
        })
    }

    /// Why there is no schema 1 of it, the first reason first.
    pub(crate) fn schema1_obstacles(&self) -> Vec<Obstacle> {
        let artifact = self.artifact.then_some(Obstacle::Artifact);
        let layer = self.layers.iter().find_map(|layer| match layer.kind.to(Format::Schema2) {
            Err(obstacle) => Some(obstacle),
            Ok(_) if layer.kind.is_foreign() => Some(Obstacle::Foreign),
            Ok(_) => None,
        });
        artifact.into_iter().chain(layer).chain(self.config_obstacles.iter().copied()).collect()
    }

    /// What has to be uploaded before it.
    pub(crate) fn blobs(&self) -> Vec<&[u8]> {
        let uploaded = self.layers.iter().filter(|layer| !layer.kind.is_foreign());
        let mut blobs: Vec<&[u8]> = uploaded.map(|layer| layer.content.bytes.as_slice()).collect();
        blobs.push(&self.config);
        blobs
    }
}

pub(crate) fn docker_descriptor(media_type: &str, content: &[u8]) -> Fields {
    let (size, digest) = (content.len().to_string(), text(&sha256(content)));
    vec![field("mediaType", text(media_type)), field("size", size), field("digest", digest)]
}

pub(crate) fn oci_descriptor(media_type: &str, content: &[u8]) -> Fields {
    let (size, digest) = (content.len().to_string(), text(&sha256(content)));
    vec![field("mediaType", text(media_type)), field("digest", digest), field("size", size)]
}

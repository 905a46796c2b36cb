//! What a manifest may be converted to.

use protocol::{Accept, MediaType};

use crate::{Needs, table};

/// A conversion's destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Docker schema 1, signed.
    DockerSchema1,
    /// Docker schema 2.
    DockerSchema2,
    /// OCI image manifest.
    OciManifest,
    /// Docker manifest list over children of this format.
    DockerManifestList(ChildFormat),
    /// OCI image index over children of this format.
    OciIndex(ChildFormat),
}

/// The image formats that the client of a list can read; children in another one are converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChildFormat {
    /// Schema 2 and OCI: images stay as they are.
    Any,
    /// Schema 2 only.
    DockerSchema2,
    /// OCI only.
    OciManifest,
}

impl Target {
    /// A short stable name, under which a result may be remembered: the same key and the same source give the same
    /// bytes, for targets that [depend on the tag](Self::depends_on_tag) together with repository and tag. A change of
    /// the rules that changes bytes needs a new key.
    pub fn key(&self) -> String {
        match self {
            Self::DockerSchema1 => "docker_schema1".to_owned(),
            Self::DockerSchema2 => "docker_schema2".to_owned(),
            Self::OciManifest => "oci".to_owned(),
            Self::DockerManifestList(children) => format!("docker_manifest_list+{}", children.key()),
            Self::OciIndex(children) => format!("oci_index+{}", children.key()),
        }
    }

    /// The media type of the result.
    pub fn media_type(&self) -> MediaType {
        match self {
            Self::DockerSchema1 => MediaType::DockerSchema1Signed,
            Self::DockerSchema2 => MediaType::DockerSchema2,
            Self::OciManifest => MediaType::OciManifest,
            Self::DockerManifestList(_) => MediaType::DockerManifestList,
            Self::OciIndex(_) => MediaType::OciIndex,
        }
    }

    /// What the conversion from `source` reads besides the manifest.
    pub fn needs(&self, source: &MediaType) -> Needs {
        table::find(source, self).map_or(Needs::Nothing, |edge| edge.needs)
    }

    /// Whether the result contains the repository's name and the tag.
    pub fn depends_on_tag(&self) -> bool {
        match self {
            Self::DockerSchema1 => true,
            Self::DockerSchema2 | Self::OciManifest | Self::DockerManifestList(_) | Self::OciIndex(_) => false,
        }
    }
}

impl ChildFormat {
    fn key(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::DockerSchema2 => "docker_schema2",
            Self::OciManifest => "oci",
        }
    }

    /// The formats among those that the client names; None when it names no format of images that lists are made of.
    pub(crate) fn named_by(accept: &Accept) -> Option<Self> {
        match (accept.names(&MediaType::DockerSchema2), accept.names(&MediaType::OciManifest)) {
            (true, true) => Some(Self::Any),
            (true, false) => Some(Self::DockerSchema2),
            (false, true) => Some(Self::OciManifest),
            (false, false) => None,
        }
    }

    /// What a child of this type has to become in a list with these images; None when it stays. No client pulls schema 1
    /// by way of a list.
    pub(crate) fn target_for(self, child: &MediaType, list: &Target) -> Option<Target> {
        let (docker, oci) = (Target::DockerSchema2, Target::OciManifest);
        let image = match (self, list) {
            _ if !child.is_image() => return None,
            (Self::DockerSchema2, _) => docker,
            (Self::OciManifest, _) => oci,
            (Self::Any, _) if !child.is_schema1() => return None,
            (Self::Any, Target::OciIndex(_)) => oci,
            (Self::Any, _) => docker,
        };
        (image.media_type() != *child).then_some(image)
    }
}

//! Media types of manifests, configs and layers.

use std::fmt;

macro_rules! media_types {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// Every media type that the registry acts on; anything else is kept as [`MediaType::Other`].
        ///
        /// The Docker names are the distribution project's ("Image Manifest Version 2, Schema 1 and 2"), the OCI names the
        /// image specification's ("Media Types").
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum MediaType {
            $($(#[$doc])* $variant,)*
            /// A type the registry stores and serves without knowing it.
            Other(String),
        }

        impl MediaType {
            /// Every type known by name.
            pub const KNOWN: &[MediaType] = &[$(MediaType::$variant),*];

            /// The type as it stands in a header or a descriptor.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for MediaType {
            /// Reads a media type; parameters and case don't matter (RFC 9110, section 8.3.1).
            fn from(text: &str) -> Self {
                let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
                match essence.as_str() {
                    $($text => Self::$variant,)*
                    _ => Self::Other(essence),
                }
            }
        }
    };
}

media_types! {
    /// Docker schema 1 with libtrust signatures.
    DockerSchema1Signed = "application/vnd.docker.distribution.manifest.v1+prettyjws",
    /// Docker schema 1 without signatures.
    DockerSchema1 = "application/vnd.docker.distribution.manifest.v1+json",
    /// Docker schema 2 image.
    DockerSchema2 = "application/vnd.docker.distribution.manifest.v2+json",
    /// Docker manifest list.
    DockerManifestList = "application/vnd.docker.distribution.manifest.list.v2+json",
    /// OCI image manifest.
    OciManifest = "application/vnd.oci.image.manifest.v1+json",
    /// OCI image index.
    OciIndex = "application/vnd.oci.image.index.v1+json",
    /// Docker image config.
    DockerConfig = "application/vnd.docker.container.image.v1+json",
    /// OCI image config.
    OciConfig = "application/vnd.oci.image.config.v1+json",
    /// The OCI empty descriptor's type (`{}`), an artifact's stand-in for a config.
    OciEmpty = "application/vnd.oci.empty.v1+json",
    /// Docker layer, uncompressed.
    DockerLayer = "application/vnd.docker.image.rootfs.diff.tar",
    /// Docker layer, gzip.
    DockerLayerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip",
    /// Docker layer, zstd; older engines refuse it.
    DockerLayerZstd = "application/vnd.docker.image.rootfs.diff.tar.zstd",
    /// Docker foreign layer, uncompressed.
    DockerForeignLayer = "application/vnd.docker.image.rootfs.foreign.diff.tar",
    /// Docker foreign layer, gzip.
    DockerForeignLayerGzip = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    /// OCI layer, uncompressed.
    OciLayer = "application/vnd.oci.image.layer.v1.tar",
    /// OCI layer, gzip.
    OciLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip",
    /// OCI layer, zstd.
    OciLayerZstd = "application/vnd.oci.image.layer.v1.tar+zstd",
    /// OCI nondistributable layer, uncompressed.
    OciNondistributableLayer = "application/vnd.oci.image.layer.nondistributable.v1.tar",
    /// OCI nondistributable layer, gzip.
    OciNondistributableLayerGzip = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    /// OCI nondistributable layer, zstd.
    OciNondistributableLayerZstd = "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
}

/// How a layer's tar is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// A plain tar.
    None,
    /// gzip (RFC 1952).
    Gzip,
    /// zstd (RFC 8878).
    Zstd,
}

impl MediaType {
    /// An image in one format or another, for one platform.
    pub fn is_image(&self) -> bool {
        self.is_schema1() || matches!(self, Self::DockerSchema2 | Self::OciManifest)
    }

    /// A manifest list or image index.
    pub fn is_index(&self) -> bool {
        matches!(self, Self::DockerManifestList | Self::OciIndex)
    }

    /// Docker schema 1, signed or not.
    pub fn is_schema1(&self) -> bool {
        matches!(self, Self::DockerSchema1Signed | Self::DockerSchema1)
    }

    /// Anything that is kept behind `/manifests/` rather than `/blobs/`.
    pub fn is_manifest(&self) -> bool {
        self.is_image() || self.is_index()
    }

    /// The config of a container image, in either family.
    pub fn is_image_config(&self) -> bool {
        matches!(self, Self::DockerConfig | Self::OciConfig)
    }

    /// How the tar is compressed, when this is a layer of either family.
    pub fn layer_compression(&self) -> Option<Compression> {
        match self {
            Self::DockerLayer | Self::DockerForeignLayer | Self::OciLayer | Self::OciNondistributableLayer => {
                Some(Compression::None)
            }
            Self::DockerLayerGzip
            | Self::DockerForeignLayerGzip
            | Self::OciLayerGzip
            | Self::OciNondistributableLayerGzip => Some(Compression::Gzip),
            Self::DockerLayerZstd | Self::OciLayerZstd | Self::OciNondistributableLayerZstd => Some(Compression::Zstd),
            _ => None,
        }
    }

    /// A layer that may lie elsewhere (`urls`) and needn't be in the registry.
    pub fn is_foreign_layer(&self) -> bool {
        matches!(
            self,
            Self::DockerForeignLayer
                | Self::DockerForeignLayerGzip
                | Self::OciNondistributableLayer
                | Self::OciNondistributableLayerGzip
                | Self::OciNondistributableLayerZstd
        )
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for MediaType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for MediaType {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::from(text.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_type_reads_back_as_itself() {
        for known in MediaType::KNOWN {
            assert_eq!(&MediaType::from(known.as_str()), known);
        }
    }

    #[test]
    fn parameters_and_case_do_not_matter() {
        let read = MediaType::from("Application/vnd.oci.image.index.v1+JSON; charset=utf-8");
        assert_eq!(read, MediaType::OciIndex);
        assert_eq!(MediaType::from("text/plain"), MediaType::Other("text/plain".into()));
    }

    #[test]
    fn the_predicates_are_disjoint() {
        for known in MediaType::KNOWN {
            let rooms = [known.is_manifest(), known.is_image_config(), known.layer_compression().is_some()];
            assert!(rooms.iter().filter(|room| **room).count() <= 1, "{known}");
        }
    }
}

//! Media types, spelled here and not taken from the code under test.

#![expect(missing_docs, reason = "the names are those of the formats")]

pub const SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";
pub const SCHEMA1_UNSIGNED: &str = "application/vnd.docker.distribution.manifest.v1+json";
pub const SCHEMA2: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub const LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub const DOCKER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
pub const OCI_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
pub const OCI_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";

/// The config type of an artifact that says everything else in `artifactType` (image specification, "Guidance for an
/// Empty Descriptor").
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";

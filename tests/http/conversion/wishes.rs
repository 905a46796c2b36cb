//! What real clients accept, line by line, read from their sources.

use crate::types::{INDEX, LIST, OCI, SCHEMA1, SCHEMA1_UNSIGNED, SCHEMA2};

/// Docker 1.9 and older send no `Accept`.
pub(crate) const DOCKER_1_9: &[&str] = &[];

/// In an order that changes from run to run.
pub(crate) const DOCKER_1_10_TO_18_09: &[&str] = &[LIST, "application/json", SCHEMA1, SCHEMA2];

pub(crate) const DOCKER_19_03_TO_28: &[&str] = &[SCHEMA2, LIST, INDEX, OCI, SCHEMA1, "application/json"];

/// BuildKit and Docker 29 as well.
pub(crate) const CONTAINERD: &[&str] = &[
    "application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, */*",
];

/// podman, skopeo, buildah.
pub(crate) const CONTAINERS_IMAGE: &[&str] = &[OCI, SCHEMA2, SCHEMA1, SCHEMA1_UNSIGNED, LIST, INDEX];

/// crane, ko, kaniko.
pub(crate) const GO_CONTAINERREGISTRY: &[&str] = &[
    "application/vnd.docker.distribution.manifest.v1+json,application/vnd.docker.distribution.manifest.v1+prettyjws,\
     application/vnd.docker.distribution.manifest.v2+json,application/vnd.oci.image.manifest.v1+json,\
     application/vnd.docker.distribution.manifest.list.v2+json,application/vnd.oci.image.index.v1+json",
];

/// Helm as well.
pub(crate) const ORAS: &[&str] = &[
    "application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
     application/vnd.oci.artifact.manifest.v1+json",
];

pub(crate) const DOCKER_MANIFEST: &[&str] = &[SCHEMA2, LIST, INDEX, OCI];

/// Until 20.10 it didn't name the image that an index is made of.
pub(crate) const DOCKER_MANIFEST_20_10: &[&str] = &[SCHEMA2, LIST, INDEX];

/// curl, and whoever doesn't care.
pub(crate) const ANYTHING: &[&str] = &["*/*"];

pub(crate) const ONLY_SCHEMA1: &[&str] = &[SCHEMA1];
pub(crate) const ONLY_UNSIGNED_SCHEMA1: &[&str] = &[SCHEMA1_UNSIGNED];
pub(crate) const ONLY_SCHEMA2: &[&str] = &[SCHEMA2];
pub(crate) const ONLY_OCI: &[&str] = &[OCI];
pub(crate) const ONLY_LIST: &[&str] = &[LIST];
pub(crate) const ONLY_INDEX: &[&str] = &[INDEX];

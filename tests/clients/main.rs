//! Real clients push real images and pull them again, in every mode of the local stack.
//!
//! Each test compares digests on both sides, the client's and the registry's, and reads a file after the pull.

mod buildah;
mod containerd;
mod converted;
mod crane;
mod docker_manifest;
mod foreign;
mod helm;
mod large;
mod mounted;
mod oras;
mod podman;
mod regctl;
mod skopeo;

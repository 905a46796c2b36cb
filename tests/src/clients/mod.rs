//! Real clients, each with a home of its own.
//!
//! They are the programs that the machine has; `tests/run` installs what is missing. A client that isn't there fails
//! its tests: nothing is skipped.

mod buildah;
mod containerd;
mod docker_manifest;
mod home;
mod podman;
mod skopeo;

pub use buildah::Buildah;
pub use containerd::Containerd;
pub use docker_manifest::DockerManifest;
pub use podman::Podman;
pub use skopeo::Skopeo;

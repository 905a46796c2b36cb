//! Real clients, each with a home of its own.
//!
//! They are the programs that the machine has; `tests/run` installs what is missing. A client that isn't there fails
//! its tests: nothing is skipped.

mod buildah;
mod containerd;
mod crane;
mod docker_manifest;
mod helm;
mod home;
mod oras;
mod podman;
mod regctl;
mod skopeo;

pub use buildah::Buildah;
pub use containerd::Containerd;
pub use crane::Crane;
pub use docker_manifest::DockerManifest;
pub use helm::Helm;
pub use home::Home;
pub use oras::Oras;
pub use podman::Podman;
pub use regctl::Regctl;
pub use skopeo::Skopeo;

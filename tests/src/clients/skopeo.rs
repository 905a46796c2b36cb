//! skopeo copies images between registries and directories without unpacking them.

use std::fs;

use serde_json::Value;

use super::home::Home;
use crate::command::run;
use crate::images::{Layout, Pulled};
use crate::server::Endpoint;

/// skopeo, with a home of its own.
pub struct Skopeo {
    home: Home,
}

impl Skopeo {
    /// A skopeo that knows this registry.
    pub fn new(registry: &impl Endpoint) -> Self {
        Self { home: Home::new(registry) }
    }

    /// Pushes a layout and returns the digest that skopeo computed for what it pushed.
    #[track_caller]
    pub fn push(&self, layout: &Layout, image: &str, flags: &[&str]) -> String {
        let source = format!("oci:{}", layout.path().display());
        self.copy(&source, &format!("docker://{image}"), flags)
    }

    /// Pulls an image, byte by byte as the registry has it.
    #[track_caller]
    pub fn pull(&self, image: &str, flags: &[&str]) -> Pulled {
        Pulled::into_directory(|directory| {
            self.copy(&format!("docker://{image}"), &format!("dir:{}", directory.display()), flags);
        })
    }

    /// Pulls the image that an index or a list has for this architecture.
    #[track_caller]
    pub fn pull_for(&self, image: &str, architecture: &str) -> Pulled {
        Pulled::into_directory(|directory| {
            let mut command = self.home.command("skopeo");
            command.args(["--override-arch", architecture, "copy"]);
            run(command.arg(format!("docker://{image}")).arg(format!("dir:{}", directory.display())));
        })
    }

    /// Copies an image and returns the digest that skopeo computed for the copy.
    #[track_caller]
    pub fn copy(&self, source: &str, destination: &str, flags: &[&str]) -> String {
        let digest = self.home.path("digest");
        let mut command = self.home.command("skopeo");
        command.arg("copy").arg("--digestfile").arg(&digest).args(flags).args([source, destination]);
        run(&mut command);
        Home::digest_in(&digest)
    }

    /// The manifest as `skopeo inspect --raw` prints it.
    #[track_caller]
    pub fn inspect_raw(&self, image: &str) -> Vec<u8> {
        run(self.home.command("skopeo").args(["inspect", "--raw"]).arg(format!("docker://{image}"))).into_bytes()
    }

    /// The configuration of an image, wherever it is: `docker://…`, `oci:…`.
    #[track_caller]
    pub fn inspect_config(&self, image: &str) -> Value {
        let config = run(self.home.command("skopeo").args(["inspect", "--config", image]));
        serde_json::from_str(&config).expect("a configuration in JSON")
    }

    /// The digest that skopeo computes for a manifest. For schema 1, that isn't the hash of all its bytes.
    #[track_caller]
    pub fn manifest_digest(&self, manifest: &[u8]) -> String {
        let file = self.home.path("manifest");
        fs::write(&file, manifest).expect("a file for the manifest");
        run(self.home.command("skopeo").arg("manifest-digest").arg(file)).trim().to_owned()
    }

    /// What `skopeo list-tags` prints.
    #[track_caller]
    pub fn list_tags(&self, repository: &str) -> Value {
        let tags = run(self.home.command("skopeo").arg("list-tags").arg(format!("docker://{repository}")));
        serde_json::from_str(&tags).expect("tags in JSON")
    }
}

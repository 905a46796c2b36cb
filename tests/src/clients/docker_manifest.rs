//! The `docker manifest` command: a registry client of its own that needs no Docker engine.

use std::process::Command;

use serde_json::Value;

use super::home::Home;
use crate::command::run;
use crate::registry::Registry;

/// The docker command line, with a home of its own where it keeps the lists that it makes.
pub struct DockerManifest {
    home: Home,
}

impl DockerManifest {
    /// A docker command line that knows nothing yet.
    pub fn new(registry: &Registry) -> Self {
        Self { home: Home::new(registry) }
    }

    /// Makes a list of images that are in the registry.
    #[track_caller]
    pub fn create(&self, list: &str, images: &[String]) {
        run(self.manifest("create").args(["--insecure", list]).args(images));
    }

    /// Says for what platform an image in the list is.
    #[track_caller]
    pub fn annotate(&self, list: &str, image: &str, flags: &[&str]) {
        run(self.manifest("annotate").args(flags).args([list, image]));
    }

    /// Pushes the list and returns the digest that the registry answered.
    #[track_caller]
    pub fn push(&self, list: &str) -> String {
        let output = run(self.manifest("push").args(["--insecure", list]));
        output.lines().last().unwrap_or_default().to_owned()
    }

    /// What the command knows of an image or a list: its own list before the push, the registry's else.
    #[track_caller]
    pub fn inspect(&self, image: &str) -> Value {
        let output = run(self.manifest("inspect").args(["--insecure", image]));
        serde_json::from_str(&output).expect("a manifest in JSON")
    }

    fn manifest(&self, subcommand: &str) -> Command {
        let mut command = self.home.command("docker");
        // Docker 20.10 counts the whole command as experimental.
        command.env("DOCKER_CLI_EXPERIMENTAL", "enabled").args(["manifest", subcommand]);
        command
    }
}

//! buildah makes images step by step, without a Dockerfile and without running anything.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::home::Home;
use crate::command::run;
use crate::registry::Registry;

/// buildah, with a storage of its own.
pub struct Buildah {
    home: Home,
}

impl Buildah {
    /// A buildah that knows this registry.
    pub fn new(registry: &Registry) -> Self {
        Self { home: Home::new(registry) }
    }

    /// Builds an image on another one, or on `scratch`: a layer with one file, between steps without one.
    #[track_caller]
    pub fn build(&self, base: &str, (path, content): (&str, &[u8]), image: &str) {
        let container = run(self.buildah().args(["from", base]));
        let container = container.trim();
        let file = self.home.write("file", content);
        run(self.buildah().args(["config", "--add-history", "--env", "STEP=before", container]));
        run(self.buildah().args(["copy", "--add-history", container]).arg(file).arg(path));
        run(self.buildah().args(["config", "--add-history", "--label", "step=after", container]));
        run(self.buildah().args(["commit", "--quiet", "--rm", container, image]));
    }

    /// Pushes an image and returns the digest that buildah computed for it.
    #[track_caller]
    pub fn push(&self, image: &str, flags: &[&str]) -> String {
        let digest = self.home.path("digest");
        run(self.buildah().args(["push", "--quiet", "--digestfile"]).arg(&digest).args(flags).arg(image));
        Home::digest_in(&digest)
    }

    /// Pulls an image.
    #[track_caller]
    pub fn pull(&self, image: &str) {
        run(self.buildah().args(["pull", "--quiet", image]));
    }

    /// The digest of the manifest that an image was pulled with.
    #[track_caller]
    pub fn digest(&self, image: &str) -> String {
        let format = "{{.FromImageDigest}}";
        run(self.buildah().args(["inspect", "--type", "image", "--format", format, image])).trim().to_owned()
    }

    /// The content of a file in an image.
    #[track_caller]
    pub fn file(&self, image: &str, path: &str) -> Vec<u8> {
        let container = run(self.buildah().args(["from", "--pull-never", image]));
        let mounted = run(self.buildah().args(["mount", container.trim()]));
        let content = fs::read(Path::new(mounted.trim()).join(path));
        run(self.buildah().args(["rm", container.trim()]));
        content.unwrap_or_else(|error| panic!("{path} in {image}: {error}"))
    }

    fn buildah(&self) -> Command {
        self.home.storage_command("buildah")
    }
}

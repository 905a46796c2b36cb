//! podman unpacks what it pulls into its storage, and packs it anew when it pushes.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::home::Home;
use crate::command::run;
use crate::images::Layout;
use crate::server::Endpoint;

/// podman, with a storage of its own.
pub struct Podman {
    home: Home,
}

impl Podman {
    /// A podman that knows this registry.
    pub fn new(registry: &impl Endpoint) -> Self {
        Self { home: Home::new(registry) }
    }

    /// Pulls an image.
    #[track_caller]
    pub fn pull(&self, image: &str, flags: &[&str]) {
        run(self.podman().args(["pull", "--quiet"]).args(flags).arg(image));
    }

    /// Takes an image from a layout into the storage, under this name.
    #[track_caller]
    pub fn load(&self, layout: &Layout, name: &str) {
        let file = self.home.path("load.tar");
        layout.archive(&file);
        run(self.podman().args(["load", "--quiet", "--input"]).arg(file));
        run(self.podman().args(["tag", Layout::TAG, name]));
    }

    /// Pushes an image to another name and returns the digest that podman computed for it.
    #[track_caller]
    pub fn push(&self, image: &str, destination: &str, flags: &[&str]) -> String {
        let digest = self.home.path("digest");
        let mut push = self.podman();
        push.args(["push", "--quiet", "--digestfile"]).arg(&digest).args(flags).args([image, destination]);
        run(&mut push);
        Home::digest_in(&digest)
    }

    /// Makes a list of images in the registry, and pushes it with all of them.
    #[track_caller]
    pub fn push_list(&self, list: &str, images: &[String], flags: &[&str]) -> String {
        run(self.podman().args(["manifest", "create", list]));
        for image in images {
            run(self.podman().args(["manifest", "add", list]).arg(format!("docker://{image}")));
        }
        let digest = self.home.path("digest");
        let destination = format!("docker://{list}");
        let mut push = self.podman();
        push.args(["manifest", "push", "--all", "--digestfile"]).arg(&digest).args(flags).args([list, &destination]);
        run(&mut push);
        Home::digest_in(&digest)
    }

    /// The digest of the manifest that an image was pulled with.
    #[track_caller]
    pub fn digest(&self, image: &str) -> String {
        self.inspect(image, "{{.Digest}}")
    }

    /// The id of an image: the digest of its configuration.
    #[track_caller]
    pub fn id(&self, image: &str) -> String {
        self.inspect(image, "{{.Id}}")
    }

    /// The content of a file in an image.
    #[track_caller]
    pub fn file(&self, image: &str, path: &str) -> Vec<u8> {
        let mounted = run(self.podman().args(["image", "mount", image]));
        let content = fs::read(Path::new(mounted.trim()).join(path));
        run(self.podman().args(["image", "unmount", image]));
        content.unwrap_or_else(|error| panic!("{path} in {image}: {error}"))
    }

    fn inspect(&self, image: &str, format: &str) -> String {
        run(self.podman().args(["image", "inspect", "--format", format, image])).trim().to_owned()
    }

    fn podman(&self) -> Command {
        let mut command = self.home.storage_command("podman");
        // Without systemd there is nobody to manage control groups; nothing is run in one anyway.
        command.args(["--cgroup-manager", "cgroupfs", "--tmpdir"]).arg(self.home.path("libpod"));
        command
    }
}

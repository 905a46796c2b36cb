//! crane: streams each blob in one PATCH, and mounts what the registry has in another repository.

use std::fs::File;
use std::io::Read as _;
use std::process::Command;

use super::home::Home;
use crate::command::run;
use crate::images::{Layout, Pulled};
use crate::registry::Registry;

/// crane, with a home of its own.
pub struct Crane {
    home: Home,
}

impl Crane {
    /// A crane that knows nothing yet: plain HTTP is what it takes a loopback address for.
    pub fn new(registry: &Registry) -> Self {
        Self { home: Home::new(registry) }
    }

    /// Pushes what a layout holds and returns the digest that crane computed for it.
    #[track_caller]
    pub fn push(&self, layout: &Layout, image: &str) -> String {
        let pushed = run(self.crane("push").arg(layout.path()).arg(image));
        let (_, digest) = pushed.trim().rsplit_once('@').expect("a reference by digest");
        digest.to_owned()
    }

    /// Pulls an image or an index, byte by byte as the registry has it.
    #[track_caller]
    pub fn pull(&self, image: &str) -> Pulled {
        Pulled::into_layout(|directory| {
            run(self.crane("pull").args(["--format", "oci", image]).arg(directory));
        })
    }

    /// Copies an image or an index.
    #[track_caller]
    pub fn copy(&self, source: &str, destination: &str) {
        run(self.crane("copy").args([source, destination]));
    }

    /// Gives an image one more tag.
    #[track_caller]
    pub fn tag(&self, image: &str, tag: &str) {
        run(self.crane("tag").args([image, tag]));
    }

    /// The digest that a tag stands for.
    #[track_caller]
    pub fn digest(&self, image: &str) -> String {
        run(self.crane("digest").arg(image)).trim().to_owned()
    }

    /// The tags of a repository.
    #[track_caller]
    pub fn tags(&self, repository: &str) -> Vec<String> {
        lines(&run(self.crane("ls").arg(repository)))
    }

    /// The repositories of a registry.
    #[track_caller]
    pub fn catalog(&self, registry: &str) -> Vec<String> {
        lines(&run(self.crane("catalog").arg(registry)))
    }

    /// Deletes a tag, or a manifest by its digest.
    #[track_caller]
    pub fn delete(&self, reference: &str) {
        run(self.crane("delete").arg(reference));
    }

    /// The content of a file in an image, as its layers make it together.
    #[track_caller]
    pub fn file(&self, image: &str, path: &str) -> Vec<u8> {
        let exported = self.home.path("exported.tar");
        run(self.crane("export").arg(image).arg(&exported));
        let mut archive = tar::Archive::new(File::open(exported).expect("a file system"));
        let mut entries = archive.entries().expect("a tar archive").map(|entry| entry.expect("an entry"));
        let entry = entries.find(|entry| entry.path().is_ok_and(|name| name.as_os_str() == path));
        let mut content = Vec::new();
        entry.unwrap_or_else(|| panic!("{path} isn't in {image}")).read_to_end(&mut content).expect("a whole file");
        content
    }

    fn crane(&self, subcommand: &str) -> Command {
        let mut command = self.home.command("crane");
        command.arg(subcommand);
        command
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

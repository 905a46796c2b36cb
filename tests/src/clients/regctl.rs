//! regctl: each blob in one PUT, or in pieces when it is large or the PUT was refused.

use std::process::Command;

use serde_json::Value;

use super::home::Home;
use crate::command::run;
use crate::images::{Layout, Pulled};
use crate::registry::Registry;
use crate::repository::strings;

/// regctl, with a home of its own.
pub struct Regctl {
    home: Home,
}

impl Regctl {
    /// A regctl that knows this registry.
    #[track_caller]
    pub fn new(registry: &Registry) -> Self {
        Self::with_settings(registry, &[])
    }

    /// A regctl that sends what is larger than so many bytes in pieces of so many bytes.
    #[track_caller]
    pub fn in_pieces_of(registry: &Registry, length: usize) -> Self {
        let length = length.to_string();
        Self::with_settings(registry, &["--blob-max", &length, "--blob-chunk", &length])
    }

    /// Pushes what a layout holds.
    #[track_caller]
    pub fn push(&self, layout: &Layout, image: &str) {
        self.copy(&format!("ocidir://{}:{}", layout.path().display(), Layout::TAG), image, &[]);
    }

    /// Pulls an image or an index, byte by byte as the registry has it.
    #[track_caller]
    pub fn pull(&self, image: &str) -> Pulled {
        Pulled::into_layout(|directory| self.copy(image, &format!("ocidir://{}:pulled", directory.display()), &[]))
    }

    /// Copies an image or an index.
    #[track_caller]
    pub fn copy(&self, source: &str, destination: &str, flags: &[&str]) {
        run(self.regctl(&["image", "copy"]).args(flags).args([source, destination]));
    }

    /// Pushes a file as an artifact whose subject is another one.
    #[track_caller]
    pub fn attach(&self, subject: &str, artifact_type: &str, content: &[u8]) {
        let file = self.home.write("attached", content);
        let mut put = self.regctl(&["artifact", "put"]);
        run(put.args(["--subject", subject, "--artifact-type", artifact_type, "--file"]).arg(file));
    }

    /// The digests of what was attached.
    #[track_caller]
    pub fn attached(&self, subject: &str, flags: &[&str]) -> Vec<String> {
        let mut list = self.regctl(&["artifact", "list"]);
        list.args(["--format", "{{json .Descriptors}}"]).args(flags).arg(subject);
        let list: Value = serde_json::from_str(&run(&mut list)).expect("descriptors in JSON");
        strings(&list.as_array().expect("a list").iter().map(|descriptor| descriptor["digest"].clone()).collect())
    }

    /// The content of the only file of an artifact.
    #[track_caller]
    pub fn artifact(&self, artifact: &str) -> Vec<u8> {
        run(self.regctl(&["artifact", "get"]).arg(artifact)).into_bytes()
    }

    /// The tags of a repository.
    #[track_caller]
    pub fn tags(&self, repository: &str) -> Vec<String> {
        run(self.regctl(&["tag", "ls"]).arg(repository)).lines().map(str::to_owned).collect()
    }

    /// The repositories of a registry.
    #[track_caller]
    pub fn catalog(&self, registry: &str) -> Vec<String> {
        run(self.regctl(&["repo", "ls"]).arg(registry)).lines().map(str::to_owned).collect()
    }

    /// Deletes a tag and nothing else.
    #[track_caller]
    pub fn delete_tag(&self, image: &str) {
        run(self.regctl(&["tag", "delete"]).arg(image));
    }

    /// Deletes a manifest by its digest.
    #[track_caller]
    pub fn delete_manifest(&self, image: &str) {
        run(self.regctl(&["manifest", "delete"]).arg(image));
    }

    /// Deletes a blob.
    #[track_caller]
    pub fn delete_blob(&self, repository: &str, digest: &str) {
        run(self.regctl(&["blob", "delete"]).args([repository, digest]));
    }

    #[track_caller]
    fn with_settings(registry: &Registry, settings: &[&str]) -> Self {
        let regctl = Self { home: Home::new(registry) };
        run(regctl.regctl(&["registry", "set"]).args(["--tls", "disabled"]).args(settings).arg(registry.address()));
        regctl
    }

    fn regctl(&self, subcommand: &[&str]) -> Command {
        let mut command = self.home.command("regctl");
        command.args(subcommand);
        command
    }
}

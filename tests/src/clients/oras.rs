//! oras: files as artifacts, artifacts attached to other artifacts, each blob in one PUT.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::home::Home;
use crate::command::run;
use crate::registry::Registry;
use crate::repository::strings;

/// oras, with a home of its own.
pub struct Oras {
    home: Home,
}

impl Oras {
    /// An oras that knows nothing yet.
    pub fn new(registry: &Registry) -> Self {
        Self { home: Home::new(registry) }
    }

    /// Pushes a file as an artifact and returns its digest.
    #[track_caller]
    pub fn push(&self, image: &str, artifact_type: &str, file: (&str, &[u8])) -> String {
        self.send("push", image, artifact_type, file)
    }

    /// Pushes a file as an artifact whose subject is another one, and returns its digest.
    #[track_caller]
    pub fn attach(&self, subject: &str, artifact_type: &str, file: (&str, &[u8])) -> String {
        self.send("attach", subject, artifact_type, file)
    }

    /// The digests of what was attached, in the order of the registry.
    #[track_caller]
    pub fn discover(&self, subject: &str, flags: &[&str]) -> Vec<String> {
        let found = run(self.oras(&["discover"]).args(["--format", "json"]).args(flags).arg(subject));
        let found: Value = serde_json::from_str(&found).expect("referrers in JSON");
        let referrers = found["referrers"].as_array().expect("a list of referrers");
        strings(&referrers.iter().map(|referrer| referrer["digest"].clone()).collect())
    }

    /// Pulls an artifact and returns the content of a file that it has.
    #[track_caller]
    pub fn pull(&self, image: &str, file: &str) -> Vec<u8> {
        let directory = self.home.new_directory();
        run(self.oras(&["pull"]).arg("--output").arg(&directory).arg(image));
        fs::read(directory.join(file)).unwrap_or_else(|error| panic!("{file} in {image}: {error}"))
    }

    /// Copies an artifact with everything that is attached to it.
    #[track_caller]
    pub fn copy(&self, source: &str, destination: &str) {
        let mut copy = self.home.command("oras");
        run(copy.args(["cp", "--recursive", "--from-plain-http", "--to-plain-http", source, destination]));
    }

    /// Gives an artifact more tags.
    #[track_caller]
    pub fn tag(&self, image: &str, tags: &[&str]) {
        run(self.oras(&["tag"]).arg(image).args(tags));
    }

    /// The tags of a repository.
    #[track_caller]
    pub fn tags(&self, repository: &str) -> Vec<String> {
        run(self.oras(&["repo", "tags"]).arg(repository)).lines().map(str::to_owned).collect()
    }

    /// The repositories of a registry.
    #[track_caller]
    pub fn catalog(&self, registry: &str) -> Vec<String> {
        run(self.oras(&["repo", "ls"]).arg(registry)).lines().map(str::to_owned).collect()
    }

    /// Deletes the manifest that a tag stands for, with all its tags.
    #[track_caller]
    pub fn delete_manifest(&self, image: &str) {
        run(self.oras(&["manifest", "delete"]).args(["--force", image]));
    }

    /// Pushes a blob.
    #[track_caller]
    pub fn push_blob(&self, repository: &str, content: &[u8]) {
        let file = self.home.write("blob", content);
        run(self.oras(&["blob", "push"]).arg(repository).arg(file));
    }

    /// Deletes a blob.
    #[track_caller]
    pub fn delete_blob(&self, blob: &str) {
        run(self.oras(&["blob", "delete"]).args(["--force", blob]));
    }

    #[track_caller]
    fn send(&self, subcommand: &str, image: &str, artifact_type: &str, (name, content): (&str, &[u8])) -> String {
        self.home.write(name, content);
        let mut send = self.oras(&[subcommand]);
        send.args(["--artifact-type", artifact_type, "--format", "go-template={{.digest}}", image, name]);
        run(&mut send).trim().to_owned()
    }

    fn oras(&self, subcommand: &[&str]) -> Command {
        let mut command = self.home.command("oras");
        command.args(subcommand).arg("--plain-http");
        command
    }
}

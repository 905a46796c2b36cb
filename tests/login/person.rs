//! Somebody who has one client, and a home of their own for what it keeps.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lambda_registry_tests::clients::Home;
use lambda_registry_tests::command::{Outcome, attempt, run};
use lambda_registry_tests::desk::Account;
use lambda_registry_tests::images::samples::GREETING;
use lambda_registry_tests::images::{Compression, Image, Layer, Layout};
use lambda_registry_tests::server::{Endpoint, programs};

use crate::tool::Tool;

/// The tag of everything that is pushed here: helm wants a version.
pub(crate) const TAG: &str = "1.0.0";

pub(crate) struct Person {
    pub(crate) tool: Tool,
    pub(crate) home: Home,
    pub(crate) host: String,
    variables: Vec<(String, String)>,
}

impl Person {
    pub(crate) fn new(tool: Tool, registry: &impl Endpoint) -> Self {
        let person =
            Self { tool, home: Home::new(registry), host: registry.address().to_owned(), variables: Vec::new() };
        if tool == Tool::Regctl {
            let set = ["registry", "set", "--tls", "disabled", "--skip-check", &person.host];
            run(person.command("regctl").args(set));
        }
        person
    }

    /// Somebody who has these variables in their environment.
    pub(crate) fn with(mut self, variables: Vec<(String, String)>) -> Self {
        self.variables = variables;
        self
    }

    /// Somebody who has logged in.
    #[track_caller]
    pub(crate) fn logged_in(tool: Tool, registry: &impl Endpoint, account: &Account) -> Self {
        let person = Self::new(tool, registry);
        person.log_in(account).expect_success();
        person
    }

    /// The password comes from standard input, as every client wants it.
    #[track_caller]
    pub(crate) fn log_in(&self, account: &Account) -> Outcome {
        let mut command = self.tool.log_in(self, &account.name);
        // A pipe holds more than a password, so nobody has to read for it to be written.
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        writer.write_all(account.password.as_bytes()).expect("a pipe with room for a password");
        drop(writer);
        attempt(command.stdin(reader))
    }

    /// Pushes to a repository what nobody has pushed before.
    #[track_caller]
    pub(crate) fn push(&self, repository: &str) -> Outcome {
        let image = fastrand::u64(..).to_string();
        let layer = Layer::new(Compression::Gzip, &[(GREETING, image.as_bytes())]);
        self.push_layout(repository, &Layout::of_image(&Image::new("amd64").layer(layer)))
    }

    /// Pushes this, provided that it is images that the tool pushes.
    #[track_caller]
    pub(crate) fn push_layout(&self, repository: &str, layout: &Layout) -> Outcome {
        attempt(&mut self.tool.push(self, layout, repository))
    }

    /// Pulls what was pushed with the same tool.
    #[track_caller]
    pub(crate) fn pull(&self, repository: &str) -> Outcome {
        attempt(&mut self.tool.pull(self, repository))
    }

    pub(crate) fn image(&self, repository: &str) -> String {
        format!("{}/{repository}:{TAG}", self.host)
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = self.home.command(program);
        command.envs(self.variables.iter().cloned()).stdin(Stdio::null());
        command
    }

    pub(crate) fn storage_command(&self, program: &str) -> Command {
        let mut command = self.home.storage_command(program);
        command.envs(self.variables.iter().cloned()).stdin(Stdio::null());
        command
    }

    /// Whether a file in the home holds a password, as it is or as it is sent.
    pub(crate) fn keeps(&self, account: &Account) -> bool {
        let basic = account.basic();
        let forms = [account.password.as_str(), basic.trim_start_matches("Basic ")];
        let mut directories = vec![self.home.path("")];
        while let Some(directory) = directories.pop() {
            for path in children(&directory) {
                match path.is_dir() {
                    // Images are no credentials.
                    true if path.ends_with("storage") => {}
                    true => directories.push(path),
                    false if forms.iter().any(|form| contains(&path, form)) => return true,
                    false => {}
                }
            }
        }
        false
    }
}

/// The variable with which the product's programs are found before all others.
pub(crate) fn path_with_programs() -> (String, String) {
    let before = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(programs()).chain(std::env::split_paths(&before));
    let path = std::env::join_paths(all).expect("directories without a colon");
    ("PATH".to_owned(), path.into_string().expect("a PATH in UTF-8"))
}

fn children(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("a directory of a home");
    entries.map(|entry| entry.expect("an entry").path()).filter(|path| !path.is_symlink()).collect()
}

fn contains(path: &Path, words: &str) -> bool {
    let content = std::fs::read(path).unwrap_or_default();
    content.windows(words.len()).any(|window| window == words.as_bytes())
}

//! Where somebody works with a copy of an example.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use lambda_registry_tests::clients::Home;
use lambda_registry_tests::command::run;
use lambda_registry_tests::desk::Desk;
use lambda_registry_tests::images::Layout;
use lambda_registry_tests::server::{Endpoint, programs};

use crate::files::{example, read};

/// A home with a copy of an example, and programs of its own before all others.
pub(crate) struct Workplace {
    pub(crate) home: Home,
    variables: Vec<(String, String)>,
}

impl Workplace {
    /// The programs of the product are there, and a registry that may be asked without TLS.
    #[track_caller]
    pub(crate) fn new(registry: &impl Endpoint, folder: &str, variables: Vec<(String, String)>) -> Self {
        let home = Home::new(registry);
        for entry in fs::read_dir(example(folder)).expect("an example") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_str().expect("a name in UTF-8").to_owned();
            home.write(&name, read(&path));
        }
        Self { home, variables }
    }

    /// The same with one more variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Puts a script of the test in the place of a program.
    #[track_caller]
    pub(crate) fn put_program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.home.write(name, script);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program that may be run");
        path
    }

    /// Runs commands as a shell does that stops at the first failure, and returns what they print.
    #[track_caller]
    pub(crate) fn shell(&self, script: &str) -> String {
        run(self.command("bash").args(["-euo", "pipefail", "-c", script]))
    }

    /// A command that is run here.
    pub(crate) fn command(&self, program: &str) -> Command {
        let before = std::env::var_os("PATH").unwrap_or_default();
        let all = [self.home.path("bin"), programs()].into_iter().chain(std::env::split_paths(&before));
        let mut command = self.home.command(program);
        command.env("PATH", std::env::join_paths(all).expect("directories without a colon"));
        // An engine of this machine isn't asked: docker logs in by itself.
        command.env("DOCKER_HOST", format!("unix://{}", self.home.path("no-engine").display()));
        command.envs(self.variables.iter().cloned()).stdin(Stdio::null());
        command
    }
}

/// The admin pushes an image.
#[track_caller]
pub(crate) fn push_as_admin(desk: &Desk, layout: &Layout, image: &str) {
    let home = Home::new(desk);
    let credentials = format!("{}:{}", desk.admin.name, desk.admin.password);
    let source = format!("oci:{}", layout.path().display());
    let destination = format!("docker://{}/{image}", desk.address());
    run(home.command("skopeo").args(["copy", "--dest-creds", &credentials, &source, &destination]));
}

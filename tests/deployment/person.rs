//! Somebody with credentials of AWS, a home, and all the tools.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use lambda_registry_tests::clients::Home;
use lambda_registry_tests::server::programs;

use crate::account::Credentials;
use crate::cloud::{Cloud, REGION};

/// They trust the test's authority and no other, and have no endpoint of any service in their environment.
pub(crate) struct Person {
    pub(crate) home: Home,
    environment: Vec<(&'static str, String)>,
}

impl Person {
    pub(crate) fn new(cloud: &Cloud, credentials: Credentials) -> Self {
        let home = Home::with_tls();
        let authority = cloud.authority().display().to_string();
        let path = |name: &str| home.path(name).display().to_string();
        let storage = format!(
            "[storage]\ndriver = \"vfs\"\ngraphroot = \"{}\"\nrunroot = \"{}\"\n",
            path("storage"),
            path("run")
        );
        let engine = format!("[engine]\ncgroup_manager = \"cgroupfs\"\ntmp_dir = \"{}\"\n", path("libpod"));
        let file = |name: &str, content: String| home.write(name, content).display().to_string();
        let mut environment = vec![
            ("PATH", path_with_programs(&home.path("bin"))),
            ("AWS_ACCESS_KEY_ID", credentials.key),
            ("AWS_SECRET_ACCESS_KEY", credentials.secret),
            ("AWS_DEFAULT_REGION", REGION.to_owned()),
            ("AWS_PAGER", String::new()),
            // Python and everything else look for the certificates that they trust in different places.
            ("AWS_CA_BUNDLE", authority.clone()),
            ("SSL_CERT_FILE", authority),
            ("SAM_CLI_TELEMETRY", "0".to_owned()),
            ("CONTAINERS_STORAGE_CONF", file("storage.conf", storage)),
            ("CONTAINERS_CONF", file("containers.conf", engine)),
            // An engine of this machine isn't asked: docker logs in by itself.
            ("DOCKER_HOST", format!("unix://{}", path("no-engine"))),
        ];
        environment.extend(credentials.session.map(|token| ("AWS_SESSION_TOKEN", token)));
        Self { home, environment }
    }

    /// A command that this person runs at home.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = self.home.command(program);
        command.envs(self.environment.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
        command
    }

    /// The AWS command line.
    pub(crate) fn aws(&self, arguments: &[&str]) -> Command {
        let mut command = self.command("aws");
        command.args(arguments);
        command
    }

    /// Puts a program of the test's own on the path, before all others: lines for a shell.
    pub(crate) fn program(&self, name: &str, script: &str) {
        let path = self.home.write(&format!("bin/{name}"), format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a program");
    }

    /// Lines for a shell, which stops at the first that fails.
    pub(crate) fn shell(&self, script: &str) -> Command {
        let mut command = self.command("bash");
        command.args(["-euo", "pipefail", "-c", script]);
        command
    }
}

/// The product's programs are found before all others, and before those what the test puts there itself.
fn path_with_programs(first: &Path) -> String {
    let before = std::env::var_os("PATH").unwrap_or_default();
    let all = [first.to_owned(), programs()].into_iter().chain(std::env::split_paths(&before));
    let path = std::env::join_paths(all).expect("directories without a colon");
    path.into_string().expect("a PATH in UTF-8")
}

//! Where somebody types: a home directory of its own, and nothing in the environment but what a test puts there.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use crate::registry::Registry;

/// In no output whatsoever.
pub(crate) const SECRET_KEY: &str = "a-secret-key-of-the-test";
/// Neither.
pub(crate) const SESSION_TOKEN: &str = "a-session-token-of-the-test";

pub(crate) struct Desk {
    pub(crate) registry: Registry,
    home: TempDir,
}

/// What a program wrote, and whether it says that it succeeded.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Told {
    fn from(output: Output) -> Self {
        let told = Self {
            success: output.status.success(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        for secret in [SECRET_KEY, SESSION_TOKEN] {
            assert!(!told.stdout.contains(secret) && !told.stderr.contains(secret), "{told:?}");
        }
        told
    }
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { registry: Registry::start(), home: TempDir::new().unwrap() }
    }

    /// The registry, as images name it.
    pub(crate) fn host(&self) -> String {
        self.registry.address.to_string()
    }

    /// Writes a file under the home directory.
    pub(crate) fn write(&self, path: &str, contents: &str) -> PathBuf {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, contents).unwrap();
        path
    }

    /// A path under the home directory.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }

    /// `lambda-registry login-password`, by somebody without credentials.
    pub(crate) fn login_password(&self, registry: &str) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_lambda-registry"));
        command.args(["login-password", "--registry", registry]);
        command
    }

    /// `docker-credential-lambda-registry`, by somebody with credentials in the environment.
    pub(crate) fn helper(&self, action: &str) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_docker-credential-lambda-registry"));
        command.arg(action).env("AWS_ACCESS_KEY_ID", "AKIDTEST").env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
        command.env("AWS_REGION", "eu-central-1");
        command
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        // Processes that profiles name are found in PATH. Nothing asks for the role of the machine that tests run on.
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", self.home.path());
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }
}

pub(crate) fn run(command: &mut Command) -> Told {
    command.stdin(Stdio::null()).output().unwrap().into()
}

/// Runs a program that reads `input`.
pub(crate) fn ask(command: &mut Command, input: &str) -> Told {
    finish(start(command, input))
}

/// Starts one and gives it `input`.
pub(crate) fn start(command: &mut Command, input: &str) -> Child {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // One that doesn't read may have ended already.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    child
}

pub(crate) fn finish(child: Child) -> Told {
    child.wait_with_output().unwrap().into()
}

//! The push helper, as the process that a user starts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use crate::http::Request;
use crate::server::{self, Endpoint, Server};

/// A running proxy with a spool directory of its own. It stops when this is dropped.
pub struct Proxy {
    server: Server,
    directory: TempDir,
}

impl Endpoint for Proxy {
    fn address(&self) -> &str {
        self.server.address()
    }
}

impl Proxy {
    /// Starts `lambda-registry proxy` for the registry at `127.0.0.1:<port>`, and waits until it listens.
    #[track_caller]
    pub fn start(registry: &str) -> Self {
        Self::start_with(registry, &[], &[])
    }

    /// The same with further flags and environment.
    #[track_caller]
    pub fn start_with(registry: &str, flags: &[&str], environment: &[(String, String)]) -> Self {
        let directory = TempDir::with_prefix("proxy-").expect("a temporary directory");
        fs::create_dir(spool(directory.path())).expect("a spool directory");
        let mut command = command(&format!("http://{registry}"));
        command.args(["--port", "0", "--spool-dir"]).arg(spool(directory.path()));
        command.args(flags).envs(environment.iter().map(|(name, value)| (name, value)));
        Self { server: Server::start(&mut command, &directory.path().join("proxy.log")), directory }
    }

    /// `127.0.0.1:<port>`
    pub fn address(&self) -> &str {
        self.server.address()
    }

    /// An image reference through the proxy.
    pub fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.address())
    }

    /// A request to the proxy.
    #[track_caller]
    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(method, &format!("http://{}{path}", self.address()))
    }

    /// Sends it a signal.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        self.server.signal(signal);
    }

    /// Waits until it has ended.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        self.server.wait()
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        self.server.pid()
    }

    /// Where it keeps what isn't sent yet.
    pub fn spool(&self) -> PathBuf {
        spool(self.directory.path())
    }

    /// What it wrote.
    pub fn log(&self) -> String {
        self.server.log()
    }
}

/// The command that starts the proxy for a registry. The process dies with the thread that runs it.
pub fn command(registry: &str) -> Command {
    let mut command = server::command("proxy");
    command.arg(registry);
    command
}

fn spool(directory: &Path) -> PathBuf {
    directory.join("spool")
}

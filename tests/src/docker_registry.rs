//! docker-registry, the reference implementation: the last release that makes schema 1 of newer images.
//!
//! Debian's package `docker-registry`. It keeps its data in a temporary directory and listens on a free port, so
//! nothing of an instance that the package may have started is touched.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Pid;
use tempfile::TempDir;

use crate::command;

/// A start takes a fraction of a second. This only keeps a server that hangs from hanging the run.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How much of its log a failed test shows.
const LINES_SHOWN: usize = 20;

/// A running docker-registry with data of its own. It ends when this is dropped.
pub struct DockerRegistry {
    process: Child,
    address: String,
    directory: TempDir,
}

impl DockerRegistry {
    /// Starts it with schema 1 and deletion enabled, and waits until it listens.
    ///
    /// # Panics
    /// When the package is missing or the server doesn't start.
    #[track_caller]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with these variables in its environment.
    #[track_caller]
    pub fn start_with(environment: &[(&str, &str)]) -> Self {
        let directory = TempDir::with_prefix("docker-registry-").expect("a temporary directory");
        let configuration = directory.path().join("config.yml");
        fs::write(&configuration, self::configuration(&directory.path().join("data"))).expect("a file to write");
        let log = File::create(log_path(directory.path())).expect("a log file");
        let stdout = log.try_clone().expect("a second handle of the log file");
        let mut command = command::dying_with_us("docker-registry");
        command.arg("serve").arg(configuration);
        // REGISTRY_* in the environment would change its configuration.
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(environment.iter().copied());
        let process = command.stdin(Stdio::null()).stdout(stdout).stderr(log).spawn();
        let mut registry =
            Self { process: process.expect("setpriv starts docker-registry"), address: String::new(), directory };
        registry.address = registry.wait_until_it_listens();
        registry
    }

    /// Where it listens: `127.0.0.1:<port>`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The URL of a path in it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.process.id().cast_signed()).expect("process ids aren't 0")
    }

    /// What it has written so far: a line for its start and one for each request.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(log_path(self.directory.path())).expect("a log that can be read"))
            .into_owned()
    }

    /// It picks the port itself and writes it into its log.
    #[track_caller]
    fn wait_until_it_listens(&mut self) -> String {
        let started = Instant::now();
        loop {
            // Asked before the log is read, so that the last words of a server that gave up aren't missed.
            let ended = self.process.try_wait().expect("a process to ask");
            let log = self.log();
            if let Some(address) = address_in(&log) {
                return address;
            }
            assert!(ended.is_none(), "docker-registry ended before it listened: {ended:?}\n{log}");
            assert!(started.elapsed() < START_LIMIT, "docker-registry doesn't say where it listens:\n{log}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        // Its data goes with it, so there is nothing that it could do in an orderly way.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            let last = lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n");
            eprintln!("--- what docker-registry wrote last\n{last}");
        }
    }
}

/// Foreign layers may lie anywhere: by default it refuses every URL. JSON is YAML.
fn configuration(data: &Path) -> String {
    serde_json::json!({
        "version": "0.1",
        // The port stands in a line of this level.
        "log": {"level": "info", "accesslog": {"disabled": true}},
        "storage": {
            "filesystem": {"rootdirectory": data},
            "cache": {"blobdescriptor": "inmemory"},
            "delete": {"enabled": true},
        },
        "http": {"addr": "127.0.0.1:0", "secret": "not a secret"},
        "compatibility": {"schema1": {"enabled": true}},
        "validation": {"disabled": true},
    })
    .to_string()
}

fn log_path(directory: &Path) -> PathBuf {
    directory.join("docker-registry.log")
}

/// The address in the line `msg="listening on <address>"`, once the line is complete.
fn address_in(log: &str) -> Option<String> {
    let (_, rest) = log.split_once("msg=\"listening on ")?;
    Some(rest.split_once('"')?.0.to_owned())
}

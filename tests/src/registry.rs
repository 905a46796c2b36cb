//! The registry under test, as the process that a user starts.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::command;
use crate::digest::sha256;

/// Every type of manifest there is, as a client that knows them all lists them.
const EVERY_MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json, \
     application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.docker.distribution.manifest.v1+prettyjws, \
     application/vnd.docker.distribution.manifest.v1+json";

/// A start takes a fraction of a second. This only keeps a server that hangs from hanging the run.
const START_LIMIT: Duration = Duration::from_secs(120);

/// How long a server may take to end before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// How much of the server's log a failed test shows.
const LINES_SHOWN: usize = 60;

/// A running registry with a data directory of its own. It stops when this is dropped.
pub struct Registry {
    process: Child,
    address: String,
    directory: TempDir,
    flags: Vec<String>,
}

/// A manifest as the registry hands it out.
#[derive(Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The `Content-Type` header.
    pub media_type: String,
    /// The `Docker-Content-Digest` header.
    pub digest: String,
    /// The bytes.
    pub body: Vec<u8>,
}

/// What clients push to and pull from: a registry, or something that stands before one.
pub trait Endpoint {
    /// `127.0.0.1:<port>`
    fn address(&self) -> &str;
}

impl Endpoint for Registry {
    fn address(&self) -> &str {
        &self.address
    }
}

impl Registry {
    /// Starts `lambda-registry local` with these flags on a free port, and waits until it listens.
    #[track_caller]
    pub fn start(flags: &[&str]) -> Self {
        let directory = TempDir::with_prefix("registry-").expect("a temporary directory");
        let flags: Vec<String> = flags.iter().map(|&flag| flag.to_owned()).collect();
        let process = spawn(directory.path(), &flags);
        let mut registry = Self { process, address: String::new(), directory, flags };
        registry.address = registry.wait_until_it_listens();
        registry
    }

    /// Starts it again on the same data, on another port, after it has ended.
    #[track_caller]
    pub fn restart(&mut self) {
        self.wait();
        self.expect_no_panic();
        self.process = spawn(self.directory.path(), &self.flags);
        self.address = self.wait_until_it_listens();
    }

    /// Sends the server a signal.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("a process to signal");
    }

    /// Waits until the server has ended.
    ///
    /// # Panics
    /// When it doesn't end.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let asked = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().expect("a process to ask") {
                return status;
            }
            assert!(asked.elapsed() < STOP_LIMIT, "the registry doesn't end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The server's process.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.process.id().cast_signed()).expect("process ids aren't 0")
    }

    /// Where the data is.
    pub fn data(&self) -> PathBuf {
        data_path(self.directory.path())
    }

    /// Where it listens, as image references begin: `127.0.0.1:<port>`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// An image reference in this registry: `image("team/app:1")` is `127.0.0.1:<port>/team/app:1`.
    pub fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// The URL of a path in this registry.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What the registry stores under a tag or digest, asked for without any client between.
    ///
    /// # Panics
    /// When it isn't there, or when the digest in the header isn't the digest of the bytes.
    #[track_caller]
    pub fn manifest(&self, repository: &str, reference: &str) -> Manifest {
        let manifest = self.any_manifest(repository, reference);
        assert_eq!(manifest.digest, sha256(&manifest.body), "{repository}: {reference}");
        manifest
    }

    /// Like [`manifest`](Self::manifest) for Docker schema 1, whose digest leaves out the signatures in the bytes.
    #[track_caller]
    pub fn schema1_manifest(&self, repository: &str, reference: &str) -> Manifest {
        let manifest = self.any_manifest(repository, reference);
        assert_eq!(manifest.media_type, "application/vnd.docker.distribution.manifest.v1+prettyjws");
        manifest
    }

    /// Whether the registry stores a blob.
    #[track_caller]
    pub fn has_blob(&self, repository: &str, digest: &str) -> bool {
        let url = self.url(&format!("/v2/{repository}/blobs/{digest}"));
        let answer = reqwest::blocking::Client::new().head(&url).send();
        let status = answer.unwrap_or_else(|error| panic!("HEAD {url}: {error}")).status();
        assert!(status == 200 || status == 404, "HEAD {url}: {status}");
        status == 200
    }

    #[track_caller]
    fn any_manifest(&self, repository: &str, reference: &str) -> Manifest {
        let url = self.url(&format!("/v2/{repository}/manifests/{reference}"));
        let answer = reqwest::blocking::Client::new()
            .get(&url)
            .header("accept", EVERY_MANIFEST_TYPE)
            .send()
            .unwrap_or_else(|error| panic!("GET {url}: {error}"));
        assert_eq!(answer.status(), 200, "GET {url}");
        let header = |name: &str| {
            let value = answer.headers().get(name).unwrap_or_else(|| panic!("GET {url}: no {name}"));
            value.to_str().expect("a readable header").to_owned()
        };
        Manifest {
            media_type: header("content-type"),
            digest: header("docker-content-digest"),
            body: answer.bytes().expect("the whole body").to_vec(),
        }
    }

    /// Asks the server to end, as Ctrl-C does: it has processes of its own to stop.
    fn stop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            let _ = kill_process(self.pid(), Signal::TERM);
        }
        let asked = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) && asked.elapsed() < STOP_LIMIT {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Reads the address off the line that says where the server listens.
    #[track_caller]
    fn wait_until_it_listens(&mut self) -> String {
        let started = Instant::now();
        loop {
            // Asked before the log is read, so that the last words of a server that gave up aren't missed.
            let ended = self.process.try_wait().expect("a process to ask");
            if let Some(address) = address_in(&self.log()) {
                return address;
            }
            assert!(ended.is_none(), "the registry ended before it listened: {ended:?}");
            assert!(started.elapsed() < START_LIMIT, "the registry doesn't say where it listens");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the server wrote since it was started last.
    pub fn log(&self) -> String {
        fs::read_to_string(log_path(self.directory.path())).expect("a log that can be read")
    }

    /// A client that tries again can hide a request that failed; its test fails all the same.
    #[track_caller]
    fn expect_no_panic(&self) {
        let log = self.log();
        assert!(!log.contains("panicked at"), "the registry panicked:\n{}", last_lines(&log));
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() {
            eprintln!("--- what the registry wrote last\n{}", last_lines(&self.log()));
        } else {
            self.expect_no_panic();
        }
    }
}

/// The command that starts the registry. The process dies with the thread that runs it.
pub fn command(data: &Path) -> Command {
    let mut command = command::dying_with_us(&binary());
    command.args(["local", "--data-dir"]).arg(data).stdin(Stdio::null());
    command
}

#[track_caller]
fn spawn(directory: &Path, flags: &[String]) -> Child {
    let log = File::create(log_path(directory)).expect("a log file");
    let stdout = log.try_clone().expect("a second handle of the log file");
    let mut command = command(&data_path(directory));
    command.args(["--port", "0"]).args(flags);
    command.stdout(stdout).stderr(log).spawn().expect("setpriv starts the registry")
}

pub(crate) fn last_lines(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n")
}

fn data_path(directory: &Path) -> PathBuf {
    directory.join("data")
}

fn log_path(directory: &Path) -> PathBuf {
    directory.join("registry.log")
}

/// The address in the line `listening on http://<address>`, once the line is complete.
pub(crate) fn address_in(log: &str) -> Option<String> {
    let (_, rest) = log.split_once("listening on http://")?;
    let (address, _) = rest.split_once(char::is_whitespace)?;
    Some(address.to_owned())
}

/// The release build of the registry, or what `LAMBDA_REGISTRY_BIN` names.
pub(crate) fn binary() -> String {
    std::env::var("LAMBDA_REGISTRY_BIN").unwrap_or_else(|_| {
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/lambda-registry");
        assert!(built.exists(), "{} is missing: run cargo build --release", built.display());
        built.display().to_string()
    })
}

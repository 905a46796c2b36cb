//! The registry under test, as the process that a user starts.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

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

/// A running registry with a data directory of its own. It stops when this is dropped.
pub struct Registry {
    process: Child,
    address: String,
    directory: TempDir,
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

impl Registry {
    /// Starts `lambda-registry local` with these flags on a free port, and waits until it listens.
    #[track_caller]
    pub fn start(flags: &[&str]) -> Self {
        let directory = TempDir::with_prefix("registry-").expect("a temporary directory");
        let log = File::create(log_path(directory.path())).expect("a log file");
        let process = command::dying_with_us(&binary())
            .args(["local", "--port", "0", "--data-dir"])
            .arg(directory.path().join("data"))
            .args(flags)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle of the log file"))
            .stderr(log)
            .spawn()
            .expect("setpriv starts the registry");
        let mut registry = Self { process, address: String::new(), directory };
        registry.address = registry.wait_until_it_listens();
        registry
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

    fn log(&self) -> String {
        fs::read_to_string(log_path(self.directory.path())).expect("a log that can be read")
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // Asked to end rather than killed: it has processes of its own to stop.
        let ended = self.process.try_wait().is_ok_and(|status| status.is_some());
        if !ended && let Some(pid) = rustix::process::Pid::from_raw(self.process.id().cast_signed()) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            let _ = self.process.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- what the registry wrote\n{}", self.log());
        }
    }
}

fn log_path(directory: &Path) -> PathBuf {
    directory.join("registry.log")
}

/// The address in the line `listening on http://<address>`, once the line is complete.
fn address_in(log: &str) -> Option<String> {
    let (_, rest) = log.split_once("listening on http://")?;
    let (address, _) = rest.split_once(char::is_whitespace)?;
    Some(address.to_owned())
}

/// The release build of the registry, or what `LAMBDA_REGISTRY_BIN` names.
fn binary() -> String {
    std::env::var("LAMBDA_REGISTRY_BIN").unwrap_or_else(|_| {
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/lambda-registry");
        assert!(built.exists(), "{} is missing: run cargo build --release", built.display());
        built.display().to_string()
    })
}

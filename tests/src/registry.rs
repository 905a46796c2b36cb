//! The registry under test, as the process that a user starts.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use crate::digest::sha256;
use crate::server::{self, Endpoint, Server};

/// Every type of manifest there is, as a client that knows them all lists them.
const EVERY_MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json, \
     application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.docker.distribution.manifest.v1+prettyjws, \
     application/vnd.docker.distribution.manifest.v1+json";

/// A running registry with a data directory of its own. It stops when this is dropped.
pub struct Registry {
    server: Server,
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

impl Endpoint for Registry {
    fn address(&self) -> &str {
        self.server.address()
    }
}

impl Registry {
    /// Starts `lambda-registry local` with these flags on a free port, and waits until it listens.
    #[track_caller]
    pub fn start(flags: &[&str]) -> Self {
        let directory = TempDir::with_prefix("registry-").expect("a temporary directory");
        let flags: Vec<String> = flags.iter().map(|&flag| flag.to_owned()).collect();
        Self { server: start(directory.path(), &flags), directory, flags }
    }

    /// Starts it again on the same data, on another port, after it has ended.
    #[track_caller]
    pub fn restart(&mut self) {
        self.wait();
        self.server.expect_no_panic();
        self.server = start(self.directory.path(), &self.flags);
    }

    /// Sends the server a signal.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        self.server.signal(signal);
    }

    /// Waits until the server has ended.
    ///
    /// # Panics
    /// When it doesn't end.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        self.server.wait()
    }

    /// The server's process.
    pub fn pid(&self) -> Pid {
        self.server.pid()
    }

    /// Where the data is.
    pub fn data(&self) -> PathBuf {
        data_path(self.directory.path())
    }

    /// Where it listens, as image references begin: `127.0.0.1:<port>`.
    pub fn address(&self) -> &str {
        self.server.address()
    }

    /// An image reference in this registry: `image("team/app:1")` is `127.0.0.1:<port>/team/app:1`.
    pub fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.address())
    }

    /// The URL of a path in this registry.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
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

    /// What the server wrote since it was started last.
    pub fn log(&self) -> String {
        self.server.log()
    }
}

/// The command that starts the registry. The process dies with the thread that runs it.
pub fn command(data: &Path) -> Command {
    let mut command = server::command("local");
    command.arg("--data-dir").arg(data);
    command
}

#[track_caller]
fn start(directory: &Path, flags: &[String]) -> Server {
    let mut command = command(&data_path(directory));
    command.args(["--port", "0"]).args(flags);
    Server::start(&mut command, &directory.join("registry.log"))
}

fn data_path(directory: &Path) -> PathBuf {
    directory.join("data")
}

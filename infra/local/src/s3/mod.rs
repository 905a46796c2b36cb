//! Embedded S3: the protocol layer of the `s3s` crate (signatures, pre-signed URLs, ranges, XML) over a backend of our
//! own, which checks what S3 checks, so that a function which S3 would refuse is refused on the desk as well.
//!
//! # Form on disk
//! ```text
//! <root>/lock                         held while a process uses the directory
//! <root>/index.sqlite                 buckets, objects, uploads and parts: every name and every record
//! <root>/incoming/<random>            bodies being received
//! <root>/segments/<2 hex>/<32 hex>    bodies received whole, one file per PUT or part, under a random name
//! ```
//! A body is written to `incoming`, checked, flushed, renamed into `segments`, and only then does one transaction make
//! it visible. An object is a record that names its segments in order, so completing a multipart upload copies nothing.
//! No file carries a key in its name: keys may be of any form, `a` beside `a/b`.
//!
//! A process that dies leaves at most files that no record names. [`Store::open`] removes them; it reads the names of
//! all segments for that, a fraction of a second for 100,000 objects.
//!
//! The memory form keeps the same index in an SQLite database in memory and the bodies on the heap.
//!
//! # Logging
//! `s3s` logs every refused request as an error, under its own target: silence `s3s` to see only what concerns the
//! operator, which this module logs itself, once: failures of the disk and of the index.

mod backend;
mod checksum;
mod conditions;
mod error;
mod index;
mod listing;
mod multipart;
mod objects;
mod receive;
mod segments;
mod server;

use std::io;
use std::path::PathBuf;

use tokio::net::TcpListener;

use backend::Backend;

/// Where the objects live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Medium {
    /// A directory, made if absent. Its content survives a restart and the loss of the process or of power.
    Directory(PathBuf),
    /// The heap: nothing touches the disk and nothing survives.
    Memory,
}

/// The one pair of keys that requests are signed with.
#[derive(Clone)]
pub struct Credentials {
    /// The access key id, which travels in every request.
    pub access_key: String,
    /// The secret access key, which never travels.
    pub secret_key: String,
}

/// A store of buckets and objects, and the S3 API over it. Clones share the store.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
}

impl Store {
    /// Opens the store and removes what an interrupted process left behind. Blocks while it reads the disk.
    ///
    /// # Errors
    /// When the directory can't be made, read or written, when another process uses it
    /// ([`io::ErrorKind::ResourceBusy`]), and when its index isn't readable.
    pub fn open(medium: Medium) -> io::Result<Self> {
        Backend::open(medium).map(|backend| Self { backend })
    }

    /// Makes a bucket; one that exists already is left as it is. Blocks for one write to the index.
    ///
    /// # Errors
    /// When S3 wouldn't allow the name ([`io::ErrorKind::InvalidInput`]), and when the index can't be written.
    pub fn create_bucket(&self, name: &str) -> io::Result<()> {
        self.backend.ensure_bucket(name)
    }

    /// Answers S3 requests with path-style addresses (`/bucket/key`), signed with `credentials`, until `shutdown`
    /// resolves; then waits for running requests to end, ten seconds at most.
    ///
    /// An `Authorization` header beside a pre-signed URL is ignored: clients carry one along a redirect.
    pub async fn serve(&self, listener: TcpListener, credentials: &Credentials, shutdown: impl Future<Output = ()>) {
        server::serve(self.backend.clone(), listener, credentials, shutdown).await;
    }
}

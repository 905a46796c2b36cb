//! What the first request of a function's process waits for, and what a process holds: the functions' own binaries,
//! built with the profile of the tests, behind a Lambda Runtime API, with TLS before table and bucket.
//! [docs/benchmarks.md](../../docs/benchmarks.md) has the times; no time decides here.

mod events;
mod function;
mod relay;
mod runtime_api;
mod stores;

use std::path::{Path, PathBuf};

use events::{Desk, check};
use function::Function;
use stores::{Connections, Stores};

/// What the template gives to the smallest of them, in bytes. Binaries that aren't trimmed take more than those that are.
const SMALLEST: u64 = 256 << 20;

const REQUESTS: usize = 20;

#[test]
fn auth_opens_its_connection_before_the_first_request() {
    opens_its_connections_before_the_first_request("auth", Connections { table: 1, bucket: 0 });
}

#[test]
fn blob_get_opens_its_connection_before_the_first_request() {
    opens_its_connections_before_the_first_request("blob-get", Connections { table: 1, bucket: 0 });
}

#[test]
fn blob_upload_opens_both_connections_before_the_first_request() {
    opens_its_connections_before_the_first_request("blob-upload", Connections { table: 1, bucket: 1 });
}

#[test]
fn manifest_get_opens_its_connection_before_the_first_request() {
    opens_its_connections_before_the_first_request("manifest-get", Connections { table: 1, bucket: 0 });
}

#[test]
fn manifest_put_opens_its_connection_before_the_first_request() {
    opens_its_connections_before_the_first_request("manifest-put", Connections { table: 1, bucket: 0 });
}

#[test]
fn schema1_upgrade_opens_both_connections_before_the_first_request() {
    opens_its_connections_before_the_first_request("schema1-upgrade", Connections { table: 1, bucket: 1 });
}

#[test]
fn collector_opens_its_connection_before_the_first_run() {
    opens_its_connections_before_the_first_request("collector", Connections { table: 1, bucket: 0 });
}

/// Initialisation opens these, and no request another one.
#[track_caller]
fn opens_its_connections_before_the_first_request(name: &str, opened: Connections) {
    let stores = Stores::start();
    let (binaries, environment) = (binaries(), stores.environment());
    let start = |name: &str| Function::start(&binaries.join(name), &environment);
    let (events, status) = Desk::new(&stores, start).events(name, REQUESTS);

    let before = stores.connections();
    let (mut function, _) = start(name);
    assert_eq!(stores.connections() - before, opened, "by the start");
    for event in &events {
        check(&function.invoke(event).0, status);
    }
    assert_eq!(stores.connections() - before, opened, "by start and requests");
    let memory = function.memory();
    assert!(memory < SMALLEST / 2, "{name} holds {memory} bytes");
}

/// Where cargo puts the functions beside this test: `target/debug`.
fn binaries() -> PathBuf {
    let test = std::env::current_exe().expect("this program");
    let directory = test.parent().and_then(Path::parent).expect("a folder of the profile").to_owned();
    assert!(
        directory.join("auth").exists(),
        "{} is missing: run cargo build -p auth",
        directory.join("auth").display()
    );
    directory
}

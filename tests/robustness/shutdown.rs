//! How the server ends, and when it doesn't start.

use std::net::TcpListener;
use std::process::Output;

use lambda_registry_tests::content::Content;
use lambda_registry_tests::process::{Process, children};
use lambda_registry_tests::registry::{self, Registry};
use lambda_registry_tests::repository::Repository;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::patience::wait_for;
use lambda_registry_tests::session::{PART, Session};

#[test]
fn ctrl_c_ends_it() {
    ends_cleanly(&[], Signal::INT);
}

#[test]
fn sigterm_ends_it() {
    ends_cleanly(&[], Signal::TERM);
}

#[test]
fn ctrl_c_ends_it_and_the_functions_processes() {
    ends_cleanly(&["--functions", "process"], Signal::INT);
}

#[test]
fn sigterm_ends_it_and_the_functions_processes() {
    ends_cleanly(&["--functions", "process"], Signal::TERM);
}

fn ends_cleanly(flags: &[&str], signal: Signal) {
    let mut registry = Registry::start(flags);
    let repository = Repository::new(&registry, "ends");
    let digest = repository.push_blob(b"kept");
    assert!(repository.has_blob(&digest));
    let functions = children(registry.pid());
    assert_eq!(functions.is_empty(), flags.is_empty());
    // A client that keeps its connection open doesn't hold the server up.
    let client = reqwest::blocking::Client::new();
    assert_eq!(client.get(registry.url("/v2/")).send().unwrap().status(), 200);

    registry.signal(signal);

    assert_eq!(registry.wait().code(), Some(0));
    assert!(!functions.iter().any(Process::runs));
    registry.restart();
    assert_eq!(Repository::new(&registry, "ends").blob(&digest), b"kept");
}

#[test]
fn a_request_that_runs_may_finish() {
    let mut registry = Registry::start(&[]);
    let content = Content { number: 1, length: 2 * PART };
    let session = Session::start(&registry, "ends");
    let mut put = session.put(&content.digest());
    put.send(content.range(0, PART + 1000));
    wait_for("the PUT to have stored a part", || (session.received() == PART).then_some(()));

    registry.signal(Signal::TERM);
    wait_for("the server to stop", || registry.log().contains("stopping").then_some(()));
    put.send(content.from(PART + 1000));
    put.finish().expect(201);

    assert_eq!(registry.wait().code(), Some(0));
    registry.restart();
    assert!(Repository::new(&registry, "ends").blob(&content.digest()) == content.bytes());
}

#[test]
fn a_port_in_use_is_refused() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let directory = TempDir::new().unwrap();

    let ended = registry::command(directory.path()).args(["--port", &port]).output().unwrap();

    let sentence = format!("port {port} on 127.0.0.1 is in use: choose another one with --port");
    expect_refusal(&ended, &sentence);
}

#[test]
fn a_directory_that_cannot_be_written_is_refused() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    // The latter is one that even root can't write to.
    for data in [file.clone(), file.join("below"), "/proc/registry".into()] {
        let ended = registry::command(&data).args(["--port", "0"]).output().unwrap();

        expect_refusal(&ended, &format!("can't write to {}: ", data.display()));
        expect_refusal(&ended, "choose another directory with --data-dir");
    }
}

#[test]
fn a_second_registry_on_the_same_directory_is_refused() {
    let registry = Registry::start(&[]);

    let ended = registry::command(&registry.data()).args(["--port", "0"]).output().unwrap();

    expect_refusal(&ended, "is in use by another lambda-registry");
    expect_refusal(&ended, "--data-dir");
    let repository = Repository::new(&registry, "first");
    assert_eq!(repository.blob(&repository.push_blob(b"goes on")), b"goes on");
}

#[track_caller]
fn expect_refusal(ended: &Output, sentence: &str) {
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains(sentence), "{said}");
    assert_eq!(said.lines().count(), 1, "one sentence: {said}");
}

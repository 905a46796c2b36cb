//! How the proxy ends, and when it doesn't start.

use std::fs;
use std::net::TcpListener;
use std::process::Output;

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::proxy::command;
use lambda_registry_tests::wire::Wire;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::setup::Setup;

#[test]
fn a_request_that_runs_may_finish_and_nothing_stays_on_the_disk() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut setup = Setup::start();
        let (location, digest) = (setup.open(), sha256(b"begin to end"));
        let path = format!("{location}?digest={digest}");
        let mut put = Wire::open(setup.proxy.address(), "PUT", &path, &[]);
        put.send(&b"begin"[..]);
        while setup.proxy.request("GET", &location).send().expect_header("range") != "0-4" {
            std::thread::yield_now();
        }
        // The files have no names, so that not even a kill leaves any.
        assert_eq!(fs::read_dir(setup.proxy.spool()).unwrap().count(), 0);

        setup.proxy.signal(signal);
        while !setup.proxy.log().contains("stopping") {
            std::thread::yield_now();
        }
        put.send(&b" to end"[..]);
        put.finish().expect(201);

        assert_eq!(setup.proxy.wait().code(), Some(0));
        assert_eq!(setup.repository().blob(&digest), b"begin to end");
    }
}

#[test]
fn it_says_what_keeps_it_from_starting() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = command("http://127.0.0.1:9").args(["--port", &port]).output().unwrap();
    expect_refusal(&ended, 1, &format!("port {port} on 127.0.0.1 is in use: choose another one with --port"));

    let directory = TempDir::new().unwrap();
    let missing = directory.path().join("missing");
    let ended = command("http://127.0.0.1:9").args(["--port", "0", "--spool-dir"]).arg(&missing).output().unwrap();
    expect_refusal(&ended, 1, &format!("can't write to {}: ", missing.display()));
    expect_refusal(&ended, 1, "choose another directory with --spool-dir");

    for url in ["127.0.0.1:5000", "https://registry.example.com/v2/", "https://me:secret@registry.example.com"] {
        let ended = command(url).output().unwrap();
        expect_refusal(&ended, 1, "not the URL of a registry: give https:// and its host");
    }
}

#[track_caller]
fn expect_refusal(ended: &Output, status: i32, sentence: &str) {
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(status), "{said}");
    assert!(said.contains(sentence), "{said}");
}

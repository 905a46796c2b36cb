//! A server of ours as a process: started on a free port, asked where it listens, held to end without a panic.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::command::dying_with_us;

/// A start takes a fraction of a second. This only keeps a server that hangs from hanging the run.
const START_LIMIT: Duration = Duration::from_secs(120);

/// How long a server may take to end before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// How much of the server's log a failed test shows.
const LINES_SHOWN: usize = 60;

/// What clients push to and pull from: a registry, or something that stands before one.
pub trait Endpoint {
    /// `127.0.0.1:<port>`
    fn address(&self) -> &str;
}

/// A running server. It stops when this is dropped.
pub(crate) struct Server {
    process: Child,
    address: String,
    log: String,
}

impl Server {
    /// Starts a command that says where it listens, and waits until it does.
    #[track_caller]
    pub(crate) fn start(command: &mut Command, log: &Path) -> Self {
        let file = File::create(log).expect("a log file");
        let stdout = file.try_clone().expect("a second handle of the log file");
        let process = command.stdout(stdout).stderr(file).spawn().expect("setpriv starts the server");
        let log = log.to_str().expect("a path in UTF-8").to_owned();
        let mut server = Self { process, address: String::new(), log };
        server.address = server.wait_until_it_listens();
        server
    }

    /// Where it listens, as image references begin: `127.0.0.1:<port>`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.process.id().cast_signed()).expect("process ids aren't 0")
    }

    /// Sends it a signal.
    #[track_caller]
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("a process to signal");
    }

    /// Waits until it has ended.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let asked = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().expect("a process to ask") {
                return status;
            }
            assert!(asked.elapsed() < STOP_LIMIT, "the server doesn't end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it wrote.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("a log that can be read")
    }

    /// A client that tries again can hide a request that failed; its test fails all the same.
    #[track_caller]
    pub(crate) fn expect_no_panic(&self) {
        let log = self.log();
        assert!(!log.contains("panicked at"), "the server panicked:\n{}", last_lines(&log));
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
            assert!(ended.is_none(), "the server ended before it listened: {ended:?}");
            assert!(started.elapsed() < START_LIMIT, "the server doesn't say where it listens");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks the server to end, as Ctrl-C does: it may have processes of its own to stop.
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
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() {
            eprintln!("--- what the server wrote last\n{}", last_lines(&self.log()));
        } else {
            self.expect_no_panic();
        }
    }
}

/// A command of the binary under test. The process dies with the thread that runs it.
pub(crate) fn command(subcommand: &str) -> Command {
    let mut command = dying_with_us(&binary());
    command.arg(subcommand).stdin(Stdio::null());
    command
}

fn last_lines(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n")
}

/// The address in the line `listening on http://<address>`, once the line is complete.
fn address_in(log: &str) -> Option<String> {
    let (_, rest) = log.split_once("listening on http://")?;
    let (address, _) = rest.split_once(char::is_whitespace)?;
    Some(address.to_owned())
}

/// Where the binaries of the registry are.
pub fn programs() -> PathBuf {
    Path::new(&binary()).parent().expect("a binary in a directory").to_owned()
}

/// The release build of the registry, or what `LAMBDA_REGISTRY_BIN` names.
fn binary() -> String {
    std::env::var("LAMBDA_REGISTRY_BIN").unwrap_or_else(|_| {
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/lambda-registry");
        assert!(built.exists(), "{} is missing: run cargo build --release", built.display());
        built.display().to_string()
    })
}

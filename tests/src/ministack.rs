//! MiniStack: an AWS emulator that nobody here wrote, as a second opinion on what only AWS itself could show.
//!
//! `tests/run` installs it from PyPI. It keeps everything in memory and in a temporary directory.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::command::dying_with_us;
use crate::http::Request;

/// A start takes about a second. This only keeps an emulator that hangs from hanging the run.
const START_LIMIT: Duration = Duration::from_secs(120);

/// How often a free port is looked for: between asking for one and listening on it, somebody else may take it.
const ATTEMPTS: usize = 10;

/// How much of its log a failed test shows.
const LINES_SHOWN: usize = 60;

/// A running emulator. It ends when this is dropped.
pub struct MiniStack {
    process: Child,
    port: u16,
    directory: TempDir,
}

impl MiniStack {
    /// The account that everything in it belongs to.
    pub const ACCOUNT: &str = "000000000000";

    /// Starts it on a free port of the loopback interface with these services, and waits until it answers.
    ///
    /// # Panics
    /// When it isn't installed or doesn't start.
    #[track_caller]
    pub fn start(services: &[&str]) -> Self {
        Self::start_with(services, &[])
    }

    /// The same with these variables in its environment: `AUTH=true` makes it ask for signatures and policies.
    #[track_caller]
    pub fn start_with(services: &[&str], environment: &[(&str, &str)]) -> Self {
        for _ in 0..ATTEMPTS {
            let mut ministack = Self::spawn(free_port(), services, environment);
            if ministack.answers() {
                return ministack;
            }
        }
        panic!("none of {ATTEMPTS} ports was free")
    }

    /// The endpoint of every service, for `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// `127.0.0.1:<port>`
    pub fn address(&self) -> String {
        format!("{}:{}", Ipv4Addr::LOCALHOST, self.port)
    }

    /// What it wrote, and what the functions in it wrote.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(log_path(self.directory.path())).expect("a log that can be read"))
            .into_owned()
    }

    /// It has to know its own port, which stands in what it answers: none that the system picks when it listens.
    #[track_caller]
    fn spawn(port: u16, services: &[&str], environment: &[(&str, &str)]) -> Self {
        let directory = TempDir::with_prefix("ministack-").expect("a temporary directory");
        let path = |name: &str| {
            let path = directory.path().join(name);
            fs::create_dir(&path).expect("a directory of the emulator");
            path
        };
        let log = File::create(log_path(directory.path())).expect("a log file");
        let stdout = log.try_clone().expect("a second handle of the log file");
        let mut command = dying_with_us("ministack");
        // Credentials and endpoints of whoever runs the tests are none of its business.
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", path("home")).env("TMPDIR", path("tmp"));
        command.env("STATE_DIR", path("state")).env("S3_DATA_DIR", path("s3"));
        command.env("BIND_HOST", Ipv4Addr::LOCALHOST.to_string()).env("GATEWAY_PORT", port.to_string());
        command.env("MINISTACK_ACCOUNT_ID", Self::ACCOUNT);
        command.env("SERVICES", services.join(",")).env("LAMBDA_EXECUTOR", "local");
        // It listens for these on ports of their own.
        command.env("IOT_MTLS_ENABLED", "0").env("SFTP_ENABLED", "0");
        command.envs(environment.iter().copied());
        let process = command.stdin(Stdio::null()).stdout(stdout).stderr(log).spawn();
        Self { process: process.expect("setpriv starts ministack"), port, directory }
    }

    /// Waits until it answers; false when another one has its port.
    #[track_caller]
    fn answers(&mut self) -> bool {
        let started = Instant::now();
        loop {
            // Asked before the log is read, so that the last words of an emulator that gave up aren't missed.
            let ended = self.process.try_wait().expect("a process to ask");
            let log = self.log();
            if log.contains("already in use") {
                return false;
            }
            assert!(ended.is_none(), "MiniStack ended before it listened: {ended:?}\n{log}");
            if log.contains("Running on http://") {
                Request::new("GET", &format!("{}/_ministack/health", self.url())).send().expect(200);
                return true;
            }
            assert!(started.elapsed() < START_LIMIT, "MiniStack doesn't listen:\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for MiniStack {
    fn drop(&mut self) {
        // What it holds goes with it, so there is nothing that it could do in an orderly way.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            let last = lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n");
            eprintln!("--- what MiniStack wrote last\n{last}");
        }
    }
}

#[track_caller]
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn log_path(directory: &Path) -> PathBuf {
    directory.join("ministack.log")
}

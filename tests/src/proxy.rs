//! The push helper, as the process that a user starts.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::command::dying_with_us;
use crate::http::Request;
use crate::registry::{Endpoint, address_in, binary, last_lines};

/// A start and an end take a fraction of a second. This only keeps a proxy that hangs from hanging the run.
const LIMIT: Duration = Duration::from_secs(60);

/// A running proxy with a spool directory of its own. It is killed when this is dropped.
pub struct Proxy {
    process: Child,
    address: String,
    directory: TempDir,
}

impl Endpoint for Proxy {
    fn address(&self) -> &str {
        &self.address
    }
}

impl Proxy {
    /// Starts `lambda-registry proxy` for the registry at `127.0.0.1:<port>`, and waits until it listens.
    #[track_caller]
    pub fn start(registry: &str) -> Self {
        let directory = TempDir::with_prefix("proxy-").expect("a temporary directory");
        fs::create_dir(spool(directory.path())).expect("a spool directory");
        let log = File::create(log(directory.path())).expect("a log file");
        let stdout = log.try_clone().expect("a second handle of the log file");
        let mut start = command(&format!("http://{registry}"));
        start.args(["--port", "0", "--spool-dir"]).arg(spool(directory.path()));
        let process = start.stdout(stdout).stderr(log).spawn().expect("setpriv starts the proxy");
        let mut proxy = Self { process, address: String::new(), directory };
        proxy.address = proxy.wait_until_it_listens();
        proxy
    }

    /// `127.0.0.1:<port>`
    pub fn address(&self) -> &str {
        &self.address
    }

    /// An image reference through the proxy.
    pub fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// A request to the proxy.
    #[track_caller]
    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(method, &format!("http://{}{path}", self.address))
    }

    /// Sends it a signal.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("a process to signal");
    }

    /// Waits until it has ended.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let asked = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().expect("a process to ask") {
                return status;
            }
            assert!(asked.elapsed() < LIMIT, "the proxy doesn't end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.process.id().cast_signed()).expect("process ids aren't 0")
    }

    /// Where it keeps what isn't sent yet.
    pub fn spool(&self) -> PathBuf {
        spool(self.directory.path())
    }

    /// What it wrote.
    pub fn log(&self) -> String {
        fs::read_to_string(log(self.directory.path())).expect("a log that can be read")
    }

    #[track_caller]
    fn wait_until_it_listens(&mut self) -> String {
        let started = Instant::now();
        loop {
            // Asked before the log is read, so that the last words of a proxy that gave up aren't missed.
            let ended = self.process.try_wait().expect("a process to ask");
            if let Some(address) = address_in(&self.log()) {
                return address;
            }
            assert!(ended.is_none(), "the proxy ended before it listened: {ended:?}");
            assert!(started.elapsed() < LIMIT, "the proxy doesn't say where it listens");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("--- what the proxy wrote last\n{}", last_lines(&self.log()));
        } else {
            assert!(!self.log().contains("panicked at"), "the proxy panicked:\n{}", last_lines(&self.log()));
        }
    }
}

/// The command that starts the proxy for a registry. The process dies with the thread that runs it.
pub fn command(registry: &str) -> Command {
    let mut command = dying_with_us(&binary());
    command.args(["proxy", registry]).stdin(Stdio::null());
    command
}

fn spool(directory: &Path) -> PathBuf {
    directory.join("spool")
}

fn log(directory: &Path) -> PathBuf {
    directory.join("proxy.log")
}

//! DynamoDB Local: Amazon's own emulator of DynamoDB.
//!
//! `tests/run` installs it with Maven as the program `dynamodb-local`. It keeps everything in memory.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::command::dying_with_us;

/// A start takes seconds. This only keeps an emulator that hangs from hanging the run.
const START_LIMIT: Duration = Duration::from_secs(120);

/// A running emulator. It ends when this is dropped.
pub struct DynamoDbLocal {
    process: Child,
    address: String,
    directory: TempDir,
}

impl DynamoDbLocal {
    /// Starts it on a free port of the loopback interface, and waits until it listens.
    ///
    /// # Panics
    /// When it isn't installed or doesn't start.
    #[track_caller]
    pub fn start() -> Self {
        let directory = TempDir::with_prefix("dynamodb-local-").expect("a temporary directory");
        let log = File::create(log_path(directory.path())).expect("a log file");
        let stdout = log.try_clone().expect("a second handle of the log file");
        let mut command = dying_with_us("dynamodb-local");
        command.current_dir(directory.path()).stdin(Stdio::null()).stdout(stdout).stderr(log);
        let process = command.spawn().expect("setpriv starts dynamodb-local");
        let mut emulator = Self { process, address: String::new(), directory };
        emulator.address = emulator.wait_until_it_listens();
        emulator
    }

    /// `127.0.0.1:<port>`
    pub fn address(&self) -> &str {
        &self.address
    }

    #[track_caller]
    fn wait_until_it_listens(&mut self) -> String {
        let started = Instant::now();
        loop {
            // Asked before the log is read, so that the last words of an emulator that gave up aren't missed.
            let ended = self.process.try_wait().expect("a process to ask");
            let log = fs::read_to_string(log_path(self.directory.path())).expect("a log that can be read");
            let line =
                log.split_inclusive('\n').find_map(|line| line.strip_prefix("listening on ")?.strip_suffix('\n'));
            if let Some(address) = line {
                return address.to_owned();
            }
            assert!(ended.is_none(), "DynamoDB Local ended before it listened: {ended:?}\n{log}");
            assert!(started.elapsed() < START_LIMIT, "DynamoDB Local doesn't listen:\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for DynamoDbLocal {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn log_path(directory: &Path) -> PathBuf {
    directory.join("dynamodb-local.log")
}

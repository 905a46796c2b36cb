//! A process of a function.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lambda_registry_tests::process::resident_memory;
use rustix::process::Pid;

use crate::runtime_api::{Listener, Waiting};

/// A process that waits for an event. It is killed when this is dropped.
pub(crate) struct Function {
    process: Child,
    waiting: Waiting,
}

impl Function {
    /// Starts a program with Lambda's variables and these. Returns how long it took until it asked for its first event,
    /// too.
    pub(crate) fn start(program: &Path, environment: &[(&'static str, String)]) -> (Self, Duration) {
        let runtime_api = Listener::bind();
        // Not by way of setpriv, whose own start would be in the time. Whoever is left alone ends by itself: the
        // connection to the runtime API breaks.
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", runtime_api.address().as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", "benchmark"),
            ])
            .envs([("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"), ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")])
            .envs([("AWS_LAMBDA_LOG_GROUP_NAME", "-"), ("AWS_LAMBDA_LOG_STREAM_NAME", "-")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let started = Instant::now();
        let process = command.spawn().unwrap_or_else(|error| panic!("{command:?} can't be started: {error}"));
        let waiting = runtime_api.first_next();
        let took = started.elapsed();
        (Self { process, waiting }, took)
    }

    /// Hands over an event, and returns the answer and how long it took.
    pub(crate) fn invoke(&mut self, event: &[u8]) -> (Vec<u8>, Duration) {
        self.waiting.invoke(event)
    }

    /// The memory that it holds, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        resident_memory(Pid::from_child(&self.process))
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.process.kill().expect("a process to end");
        self.process.wait().expect("a process that ended");
    }
}

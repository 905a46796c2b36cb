//! One process of a function, with its runtime API.

use std::io;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use protocol::Function;
use tokio::net::TcpListener;
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::ProcessOptions;
use super::runtime_api::{self, Invocation};
use crate::gateway::InvokeError;

/// A running process. Dropping it kills the process.
pub(super) struct Instance {
    child: Child,
    events: mpsc::Sender<Invocation>,
    server: JoinHandle<()>,
    alive: bool,
}

impl Instance {
    pub(super) async fn start(command: Command, function: Function, options: &ProcessOptions) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let name = function.name();
        let mut command = tokio::process::Command::from(command);
        command
            .envs(options.environment.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", options.memory.to_string())
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}"))
            .env("AWS_LAMBDA_LOG_STREAM_NAME", Uuid::new_v4().simple().to_string())
            .env("_HANDLER", "bootstrap")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        // A group of its own: Ctrl-C in the terminal is the parent's to handle, which may want to finish requests.
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn()?;

        let (events, receiver) = mpsc::channel(1);
        let server = tokio::spawn(runtime_api::serve(listener, function, receiver));
        Ok(Self { child, events, server, alive: true })
    }

    /// Whether the process can take another request.
    pub(super) fn is_alive(&mut self) -> bool {
        self.alive && matches!(self.child.try_wait(), Ok(None))
    }

    /// Runs one request. A process that doesn't come to an answer is given up.
    pub(super) async fn invoke(&mut self, event: Vec<u8>, timeout: Duration) -> Result<Vec<u8>, InvokeError> {
        let (reply, answer) = oneshot::channel();
        let id = Uuid::new_v4().to_string();
        let invocation = Invocation { id, event, deadline: SystemTime::now() + timeout, reply };
        let sent = self.events.try_send(invocation).is_ok();
        let failure = tokio::select! {
            biased;
            answer = answer, if sent => match answer {
                Ok(answer) => return answer,
                Err(_) => InvokeError::Ended(self.last_words().await),
            },
            status = self.child.wait() => InvokeError::Ended(describe(status)),
            () = tokio::time::sleep(timeout) => InvokeError::TimedOut(timeout),
        };
        self.alive = false;
        Err(failure)
    }

    /// Why the runtime API lost the request: mostly because the process just ended, which shows a moment later.
    async fn last_words(&mut self) -> String {
        match tokio::time::timeout(Duration::from_millis(100), self.child.wait()).await {
            Ok(status) => describe(status),
            Err(_) => "it dropped the request without an answer".to_owned(),
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn describe(status: io::Result<std::process::ExitStatus>) -> String {
    status.map_or_else(|error| error.to_string(), |status| status.to_string())
}

//! The functions, in the process or as processes of their own.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use auth::Auth;
use blob_get::BlobGet;
use blob_upload::BlobUpload;
use collector::Collector;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use manifest_get::ManifestGet;
use manifest_put::ManifestPut;
use protocol::Function;
use runtime::{Answered, Background, Deadline, Event, EventResponse, Gate, Handler, Host, Job, StartError};
use schema1_upgrade::Upgrade;
use storage::Storage;

use crate::announcer::Announcer;
use crate::gateway::{Invoke, InvokeError};
use crate::lambda::{BACKGROUND_TIMEOUT, TIMEOUT};

/// How the functions run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FunctionsMode {
    /// As libraries in this process, fed with the gateway's events.
    InProcess,
    /// Each as processes of its own behind a Lambda Runtime API: this very program, started as a function.
    Processes,
    /// The same, with the binaries that are built for Lambda, which lie in this directory under the functions' names.
    Binaries(PathBuf),
}

/// Runs one function in this process, as its own binary does: until the runtime API goes away.
///
/// # Errors
/// When its environment lacks something.
pub fn run_function(function: Function) -> Result<(), StartError> {
    match function {
        Function::Auth => auth::main(),
        Function::BlobUpload => blob_upload::main(),
        Function::BlobGet => blob_get::main(),
        Function::ManifestPut => manifest_put::main(),
        Function::ManifestGet => manifest_get::main(),
        Function::Schema1Upgrade => schema1_upgrade::main(),
        Function::Collector => collector::main(),
    }
}

/// The command that starts a function as a process.
pub(crate) fn command(mode: &FunctionsMode, function: Function) -> Command {
    match mode {
        FunctionsMode::Binaries(directory) => Command::new(directory.join(function.name())),
        FunctionsMode::InProcess | FunctionsMode::Processes => {
            let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("lambda-registry"));
            let mut command = Command::new(program);
            command.args(["function", function.name()]);
            command
        }
    }
}

/// The handlers, all over one storage.
#[derive(Clone)]
pub(crate) struct InProcess {
    gate: Arc<Gate>,
    auth: Arc<Auth>,
    blob_upload: Arc<BlobUpload>,
    blob_get: Arc<BlobGet>,
    manifest_put: Arc<ManifestPut>,
    manifest_get: Arc<ManifestGet>,
    schema1_upgrade: Arc<Upgrade>,
    collector: Arc<Collector>,
    announcer: Announcer,
}

impl InProcess {
    pub(crate) fn new(
        storage: &Arc<Storage>,
        background: &Background,
        gate: &Arc<Gate>,
        settings: auth::Settings,
        collector: Collector,
        announcer: &Announcer,
    ) -> Self {
        Self {
            gate: gate.clone(),
            auth: Arc::new(Auth::new(storage.clone(), gate.keys().clone(), settings)),
            blob_upload: Arc::new(BlobUpload::new(storage.clone())),
            blob_get: Arc::new(BlobGet::new(storage.clone())),
            manifest_put: Arc::new(ManifestPut::new(storage.clone(), background.clone())),
            manifest_get: Arc::new(ManifestGet::new(storage.clone(), background.clone())),
            schema1_upgrade: Arc::new(Upgrade::new(storage.clone(), background.clone())),
            collector: Arc::new(collector),
            announcer: announcer.clone(),
        }
    }

    async fn run(self, function: Function, event: &[u8]) -> Result<Vec<u8>, InvokeError> {
        let gate = &self.gate;
        let answered = match function {
            Function::Auth => answer(self.auth.as_ref(), gate, event).await?,
            Function::BlobUpload => answer(self.blob_upload.as_ref(), gate, event).await?,
            Function::BlobGet => answer(self.blob_get.as_ref(), gate, event).await?,
            Function::ManifestPut => answer(self.manifest_put.as_ref(), gate, event).await?,
            Function::ManifestGet => answer(self.manifest_get.as_ref(), gate, event).await?,
            Function::Schema1Upgrade => return perform(self.schema1_upgrade.as_ref(), event).await,
            Function::Collector => return perform(self.collector.as_ref(), event).await,
        };
        self.announcer.announce(answered.record);
        serde_json::to_vec(&answered.response).map_err(|error| failed("Answer", &error))
    }
}

async fn answer(handler: &impl Handler, gate: &Gate, event: &[u8]) -> Result<Answered<EventResponse>, InvokeError> {
    let event: Event = serde_json::from_slice(event).map_err(|error| failed("Event", &error))?;
    let host = Host { name: None, is_plain_http: true };
    Ok(runtime::invoke(handler, gate, &host, event, Deadline::after(TIMEOUT)).await)
}

async fn perform(job: &impl Job, event: &[u8]) -> Result<Vec<u8>, InvokeError> {
    let event = serde_json::from_slice(event).map_err(|error| failed("Event", &error))?;
    let done = runtime::perform(job, event, Deadline::after(BACKGROUND_TIMEOUT)).await;
    done.map(|()| b"null".to_vec()).map_err(|error| failed("JobError", &error))
}

fn failed(kind: &str, error: &impl std::fmt::Display) -> InvokeError {
    InvokeError::Failed { kind: kind.to_owned(), message: error.to_string() }
}

impl Invoke for InProcess {
    /// The event and the answer pass as JSON, as between gateway and Lambda.
    fn invoke(&self, function: Function, event: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, InvokeError>> {
        let functions = self.clone();
        // A task of its own: as in Lambda, a client that hangs up doesn't stop the function.
        let answered = tokio::spawn(async move { functions.run(function, &event).await });
        async move { answered.await.unwrap_or_else(|panic| Err(failed("Panic", &panic))) }.boxed()
    }
}

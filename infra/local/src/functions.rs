//! The functions, in the process or as processes of their own.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use access::Access;
use auth::Auth;
use blob_get::BlobGet;
use blob_upload::BlobUpload;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use manifest_get::ManifestGet;
use manifest_put::ManifestPut;
use protocol::Function;
use runtime::{Event, EventResponse, StartError};
use storage::Storage;

use crate::gateway::{Invoke, InvokeError};

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
    access: Access,
    auth: Arc<Auth>,
    blob_upload: Arc<BlobUpload>,
    blob_get: Arc<BlobGet>,
    manifest_put: Arc<ManifestPut>,
    manifest_get: Arc<ManifestGet>,
}

impl InProcess {
    pub(crate) fn new(storage: &Arc<Storage>, access: Access) -> Self {
        Self {
            access,
            auth: Arc::new(Auth),
            blob_upload: Arc::new(BlobUpload::new(storage.clone())),
            blob_get: Arc::new(BlobGet::new(storage.clone())),
            manifest_put: Arc::new(ManifestPut::new(storage.clone())),
            manifest_get: Arc::new(ManifestGet::new(storage.clone())),
        }
    }

    async fn answer(self, function: Function, event: Event) -> EventResponse {
        match function {
            Function::Auth => runtime::invoke(self.auth.as_ref(), self.access, None, event).await,
            Function::BlobUpload => runtime::invoke(self.blob_upload.as_ref(), self.access, None, event).await,
            Function::BlobGet => runtime::invoke(self.blob_get.as_ref(), self.access, None, event).await,
            Function::ManifestPut => runtime::invoke(self.manifest_put.as_ref(), self.access, None, event).await,
            Function::ManifestGet => runtime::invoke(self.manifest_get.as_ref(), self.access, None, event).await,
        }
    }
}

impl Invoke for InProcess {
    /// The event and the answer pass as JSON, as between gateway and Lambda.
    fn invoke(&self, function: Function, event: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, InvokeError>> {
        let failed = |kind: &str, message: String| InvokeError::Failed { kind: kind.to_owned(), message };
        let functions = self.clone();
        // A task of its own: as in Lambda, a client that hangs up doesn't stop the function.
        let answered = tokio::spawn(async move {
            let event = serde_json::from_slice(&event).map_err(|error| failed("Event", error.to_string()))?;
            let answer = functions.answer(function, event).await;
            serde_json::to_vec(&answer).map_err(|error| failed("Answer", error.to_string()))
        });
        async move { answered.await.unwrap_or_else(|panic| Err(failed("Panic", panic.to_string()))) }.boxed()
    }
}

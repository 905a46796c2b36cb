//! A function's `main`.

use std::fmt;
use std::sync::Arc;

use lambda_runtime::{LambdaEvent, service_fn};

use storage::Storage;

use crate::{Deadline, Environment, Event, Gate, Handler, MissingVariable, invoke};

/// Why a function didn't start, or stopped.
#[derive(Debug)]
pub enum StartError {
    /// Its environment lacks something.
    Environment(MissingVariable),
    /// The Lambda runtime gave up.
    Runtime(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(missing) => missing.fmt(f),
            Self::Runtime(error) => write!(f, "the Lambda runtime: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

/// What a function starts with.
pub struct Parts {
    /// What it was told.
    pub environment: Environment,
    /// The registry's data, with a connection that is open.
    pub storage: Arc<Storage>,
    /// What decides on its requests.
    pub gate: Arc<Gate>,
}

/// Runs a function: reads the environment, lets `start` build the handler and open its connections while initialisation
/// has the full CPU, then answers events one at a time until Lambda ends the process.
///
/// # Errors
/// When the environment lacks something, or the runtime API goes away.
pub fn run<H, F>(start: impl FnOnce(Parts) -> F) -> Result<(), StartError>
where
    H: Handler + 'static,
    F: Future<Output = H>,
{
    block_on(async |environment| {
        let storage = Arc::new(Storage::new(&environment.storage));
        let gate = Arc::new(Gate::new(environment.access, storage.clone()));
        gate.warm_up().await;
        let host = environment.host.clone();
        let handler = Arc::new(start(Parts { environment, storage, gate: gate.clone() }).await);
        let service = service_fn(move |event: LambdaEvent<Event>| {
            let (handler, gate, host) = (handler.clone(), gate.clone(), host.clone());
            async move {
                let deadline = Deadline::at(event.context.deadline());
                let response = invoke(handler.as_ref(), &gate, &host, event.payload, deadline).await;
                Ok::<_, std::convert::Infallible>(response)
            }
        });
        lambda_runtime::run(service).await.map_err(|error| StartError::Runtime(error.to_string()))
    })
}

/// What stands around every function: logs, environment, an executor of one thread.
pub(crate) fn block_on(run: impl AsyncFnOnce(Environment) -> Result<(), StartError>) -> Result<(), StartError> {
    crate::init_logs();
    let environment = Environment::from_variables(|name| std::env::var(name).ok()).map_err(StartError::Environment)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| StartError::Runtime(error.to_string()))?;
    runtime.block_on(run(environment))
}

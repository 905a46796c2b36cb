//! A function's `main`.

use std::fmt;
use std::sync::Arc;

use lambda_runtime::layers::TracingLayer;
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use protocol::Function;
use storage::Storage;

use crate::after::AfterAnswer;
use crate::metrics::Metrics;
use crate::outbox::{Outbox, Publish};
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
    /// The registry's data. The connection to the table is opened by the runtime.
    pub storage: Arc<Storage>,
    /// What decides on its requests.
    pub gate: Arc<Gate>,
}

/// Runs a function: reads the environment, lets `start` build the handler and open its connections while initialisation
/// has the full CPU, then answers events one at a time until Lambda ends the process.
///
/// # Errors
/// When the environment lacks something, or the runtime API goes away.
pub fn run<H, F>(function: Function, start: impl FnOnce(Parts) -> F) -> Result<(), StartError>
where
    H: Handler + 'static,
    F: Future<Output = H>,
{
    serve(function, start, |_, _| Vec::new())
}

/// The same for functions whose requests are about images: what they do is told to EventBridge, and pulls are written
/// down.
///
/// # Errors
/// Likewise.
#[cfg(feature = "events")]
pub fn run_with_events<H, F>(function: Function, start: impl FnOnce(Parts) -> F) -> Result<(), StartError>
where
    H: Handler + 'static,
    F: Future<Output = H>,
{
    serve(function, start, |environment, storage| {
        let pulls: Box<dyn Publish> = Box::new(crate::Pulls::new(storage.clone()));
        let events = crate::Events::new(&environment.events, &environment.storage);
        events.map(|events| Box::new(events) as Box<dyn Publish>).into_iter().chain([pulls]).collect()
    })
}

/// Only who asks for publishers has them in its binary.
fn serve<H, F>(
    function: Function,
    start: impl FnOnce(Parts) -> F,
    publishers: impl FnOnce(&Environment, &Arc<Storage>) -> Vec<Box<dyn Publish>>,
) -> Result<(), StartError>
where
    H: Handler + 'static,
    F: Future<Output = H>,
{
    block_on(function, async |environment, metrics| {
        let storage = Arc::new(Storage::new(&environment.storage));
        let outbox = Arc::new(Outbox::new(metrics, publishers(&environment, &storage)));
        let gate = Arc::new(Gate::new(environment.access, storage.clone()));
        let host = environment.host.clone();
        let parts = Parts { environment, storage, gate: gate.clone() };
        // Each waits for a handshake, with another service.
        let (handler, ()) = futures_util::future::join(start(parts), gate.warm_up()).await;
        let handler = Arc::new(handler);
        let records = outbox.clone();
        let service = service_fn(move |event: LambdaEvent<Event>| {
            let (handler, gate, host, records) = (handler.clone(), gate.clone(), host.clone(), records.clone());
            async move {
                let deadline = Deadline::at(event.context.deadline());
                let answered = invoke(handler.as_ref(), &gate, &host, event.payload, deadline).await;
                records.put(answered.record);
                Ok::<_, std::convert::Infallible>(answered.response)
            }
        });
        let runtime = Runtime::new(service).layer(AfterAnswer(outbox)).layer(TracingLayer::new());
        runtime.run().await.map_err(|error| StartError::Runtime(error.to_string()))
    })
}

/// What stands around every function: logs, environment, what it counts, an executor of one thread.
pub(crate) fn block_on(
    function: Function,
    run: impl AsyncFnOnce(Environment, Option<Metrics>) -> Result<(), StartError>,
) -> Result<(), StartError> {
    crate::init_logs();
    let mut environment =
        Environment::from_variables(|name| std::env::var(name).ok()).map_err(StartError::Environment)?;
    let metrics = environment.metrics.clone().map(|registry| Metrics::new(registry, function));
    environment.storage.observer = metrics.as_ref().map(Metrics::observer);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| StartError::Runtime(error.to_string()))?;
    runtime.block_on(run(environment, metrics))
}

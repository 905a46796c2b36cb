//! Functions that work in the background.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lambda_runtime::layers::TracingLayer;
use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use protocol::Function;
use serde::de::DeserializeOwned;

use crate::after::AfterAnswer;
use crate::outbox::Outbox;
use crate::{Environment, Record, StartError};

/// What a function does that nobody waits for.
pub trait Job: Send + Sync {
    /// What it is told.
    type Event: DeserializeOwned + Send;

    /// Does it. An error has Lambda try again, twice at the most.
    fn run(&self, event: Self::Event, deadline: Deadline) -> impl Future<Output = Result<(), JobError>> + Send;
}

/// Work that wasn't done; Lambda is to try again.
#[derive(Debug)]
pub struct JobError(pub String);

impl From<storage::Error> for JobError {
    fn from(error: storage::Error) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for JobError {}

/// When Lambda ends the function.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(SystemTime);

impl Deadline {
    /// At that time.
    pub fn at(time: SystemTime) -> Self {
        Self(time)
    }

    /// From now on.
    pub fn after(time: Duration) -> Self {
        Self(SystemTime::now() + time)
    }

    /// What is left.
    pub fn remaining(self) -> Duration {
        self.0.duration_since(SystemTime::now()).unwrap_or_default()
    }
}

/// Does one job, told by an event in JSON.
///
/// # Errors
/// When the event isn't the job's, or the job wasn't done.
pub async fn perform<J: Job>(job: &J, event: serde_json::Value, deadline: Deadline) -> Result<(), JobError> {
    let event = serde_json::from_value(event).map_err(|error| JobError(format!("the event is malformed: {error}")))?;
    let done = job.run(event, deadline).await;
    if let Err(error) = &done {
        tracing::error!(%error, "not done");
    }
    done
}

/// Runs a background function as [`run`](crate::run) runs the others.
///
/// # Errors
/// When the environment lacks something, or the runtime API goes away.
pub fn run_job<J, F>(function: Function, start: impl FnOnce(Environment) -> F) -> Result<(), StartError>
where
    J: Job + 'static,
    F: Future<Output = J>,
{
    crate::function::block_on(function, async |environment, metrics| {
        let outbox = Arc::new(Outbox::new(metrics, Vec::new()));
        let job = Arc::new(start(environment).await);
        let records = outbox.clone();
        let service = service_fn(move |event: LambdaEvent<serde_json::Value>| {
            let job = job.clone();
            let deadline = Deadline::at(event.context.deadline());
            // What it did is in the table; that it ran is all there is to tell.
            records.put(Record { request_id: event.context.request_id.clone(), ..Record::default() });
            async move {
                let done = perform(job.as_ref(), event.payload, deadline).await;
                done.map_err(|error| Diagnostic { error_type: "JobError".to_owned(), error_message: error.0 })
            }
        });
        let runtime = Runtime::new(service).layer(AfterAnswer(outbox)).layer(TracingLayer::new());
        runtime.run().await.map_err(|error| StartError::Runtime(error.to_string()))
    })
}

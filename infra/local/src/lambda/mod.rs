//! Functions as Lambda runs them: processes of their own, each behind a Lambda Runtime API, one request at a time.
//!
//! A function gets its first process with its first request, and another one whenever all are busy, up to a limit
//! beyond which requests queue. A process that ends is replaced when the next request needs it.
//!
//! Processes end with whoever started them: those that are idle are killed when [`ProcessFunctions`] is dropped, those
//! that serve a request as soon as it is answered or its time is over. When the parent is killed itself, the connection
//! to the runtime API breaks, on which lambda_runtime returns from its loop.

mod instance;
mod invoke_api;
mod runtime_api;

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use protocol::Function;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::gateway::{Invoke, InvokeError};
use instance::Instance;
pub use invoke_api::{RETRY_PAUSES, serve as serve_invoke_api};

/// How long a function may take: what the template gives it.
pub const TIMEOUT: Duration = Duration::from_secs(25);

/// How long a function in the background may take: what the template gives it, and the most that Lambda does.
pub const BACKGROUND_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// What can be chosen about the processes.
#[derive(Clone, Debug)]
pub struct ProcessOptions {
    /// Environment of every process, on top of what [`Command`] gives it and below what Lambda itself sets.
    pub environment: Vec<(String, String)>,
    /// The most processes that one function has at a time; at least 1.
    pub max_instances: usize,
    /// How long one request may take, a process's start included. Then the process is killed. Background functions have
    /// [`BACKGROUND_TIMEOUT`].
    pub timeout: Duration,
    /// What a function is told that it has, in MB. Nothing enforces it.
    pub memory: u32,
}

impl Default for ProcessOptions {
    /// 4 processes, [`TIMEOUT`], and 512 MB.
    fn default() -> Self {
        Self { environment: Vec::new(), max_instances: 4, timeout: TIMEOUT, memory: 512 }
    }
}

/// Functions that run as processes.
pub struct ProcessFunctions {
    pools: BTreeMap<Function, Arc<Pool>>,
}

impl ProcessFunctions {
    /// Prepares the functions; `command` says how one is started. No process runs before the first request.
    pub fn start(command: impl Fn(Function) -> Command + Send + Sync + 'static, options: ProcessOptions) -> Self {
        let command = Arc::new(command);
        let pool = |&function: &Function| {
            let command = Arc::clone(&command);
            let pool = Pool {
                function,
                command: Box::new(move || command(function)),
                slots: Arc::new(Semaphore::new(options.max_instances.max(1))),
                idle: Mutex::new(Vec::new()),
                options: options.clone(),
            };
            (function, Arc::new(pool))
        };
        Self { pools: Function::ALL.iter().map(pool).collect() }
    }
}

impl Invoke for ProcessFunctions {
    fn invoke(&self, function: Function, event: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, InvokeError>> {
        Box::pin(async move {
            let stopped = || InvokeError::Ended("the local stack is stopping".to_owned());
            let pool = Arc::clone(self.pools.get(&function).ok_or_else(stopped)?);
            let slot = Arc::clone(&pool.slots).acquire_owned().await.map_err(|_| stopped())?;
            // A task of its own: the function goes on when nobody waits for it any more.
            tokio::spawn(pool.run(slot, event)).await.map_err(|_| stopped())?
        })
    }
}

/// The processes of one function.
struct Pool {
    function: Function,
    command: Box<dyn Fn() -> Command + Send + Sync>,
    /// One permit for each process that may serve at a time.
    slots: Arc<Semaphore>,
    idle: Mutex<Vec<Instance>>,
    options: ProcessOptions,
}

impl Pool {
    async fn run(self: Arc<Self>, slot: OwnedSemaphorePermit, event: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        let mut instance = match self.idle_instance() {
            Some(instance) => instance,
            None => {
                Instance::start((self.command)(), self.function, &self.options).await.map_err(InvokeError::Start)?
            }
        };
        let timeout = if self.function.is_background() { BACKGROUND_TIMEOUT } else { self.options.timeout };
        let result = instance.invoke(event, timeout).await;
        if instance.is_alive() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(instance);
        }
        drop(slot);
        result
    }

    /// The process that served last, so that those which a burst needed stay out of the way.
    fn idle_instance(&self) -> Option<Instance> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain_mut(Instance::is_alive);
        idle.pop()
    }
}

//! Failures of AWS, for tests: what stands between the SDK and the embedded S3 and DynamoDB, which never fail by
//! themselves, and does to each call what a plan says.
//!
//! ```no_run
//! # use local::faults::{Fault, Faults};
//! # let faults = Faults::default();
//! // The third call's answers are lost, however often the SDK repeats it.
//! faults.follow(|call| (call.number == 2).then_some(Fault::AnswerLost));
//! ```

mod answer;
mod call;
mod forward;
mod meter;
mod pause;

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;

pub use answer::Refusal;
pub use call::{Call, Service};
use meter::Meter;
pub use meter::Metered;
pub use pause::Pause;
use pause::Paused;

/// What happens to an attempt of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is refused before it takes effect.
    Refused(Refusal),
    /// It takes effect, and is answered with the service's 500.
    AnswerFailed,
    /// It takes effect, and the connection is closed without an answer.
    AnswerLost,
    /// It takes effect, and the connection is closed in the middle of the answer.
    AnswerCut,
    /// It takes effect, and is never answered.
    AnswerWithheld,
    /// It doesn't take effect, and is never answered.
    Ignored,
    /// `BatchGetItem` reads nothing, and hands all its keys back.
    Unprocessed,
}

impl Fault {
    /// Every way in which a call can fail.
    pub fn ways(call: &Call) -> Vec<Self> {
        let mut ways: Vec<Self> = Refusal::of(call).into_iter().map(Self::Refused).collect();
        ways.extend([Self::AnswerFailed, Self::AnswerLost, Self::AnswerCut, Self::AnswerWithheld, Self::Ignored]);
        if call.operation == "BatchGetItem" {
            ways.push(Self::Unprocessed);
        }
        ways
    }
}

type Plan = Arc<dyn Fn(&Call) -> Option<Fault> + Send + Sync>;

/// A plan, and what became of the calls since it is followed. Clones share both.
#[derive(Clone)]
pub struct Faults {
    state: Arc<Mutex<State>>,
    behind: Arc<Mutex<HashMap<Service, SocketAddr>>>,
    s3_attempt_timeout: Option<Duration>,
    meter: Option<Meter>,
}

struct State {
    plan: Plan,
    calls: Vec<Call>,
    /// How often the SDK made each call, by the id that it gives it, and the call's number.
    attempts: HashMap<String, (usize, u32)>,
    struck: usize,
    paused: Option<Paused>,
}

impl State {
    fn new(plan: Plan) -> Self {
        Self { plan, calls: Vec::new(), attempts: HashMap::new(), struck: 0, paused: None }
    }
}

impl Default for Faults {
    /// Everything passes.
    fn default() -> Self {
        let state = State::new(Arc::new(|_| None));
        Self { state: Arc::new(Mutex::new(state)), behind: Arc::default(), s3_attempt_timeout: None, meter: None }
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults").field("calls", &self.calls()).finish_non_exhaustive()
    }
}

impl Faults {
    /// With clients that wait only so long for S3's answers: those that don't come are tested sooner.
    #[must_use]
    pub fn with_s3_attempt_timeout(self, timeout: Duration) -> Self {
        Self { s3_attempt_timeout: Some(timeout), ..self }
    }

    /// How long the clients are to wait for S3's answers; None for what they do by themselves.
    pub fn s3_attempt_timeout(&self) -> Option<Duration> {
        self.s3_attempt_timeout
    }

    /// Asks `plan` about each attempt of each call from now on. Calls are counted from 0 again.
    pub fn follow(&self, plan: impl Fn(&Call) -> Option<Fault> + Send + Sync + 'static) {
        *self.state() = State::new(Arc::new(plan));
    }

    /// Lets everything pass from now on.
    pub fn rest(&self) {
        self.follow(|_| None);
    }

    /// The calls that were made since the plan is followed, each once.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// How many attempts failed as the plan wanted it.
    pub fn struck(&self) -> usize {
        self.state().struck
    }

    /// Where a service itself listens, for tests that look at what it holds.
    pub fn behind(&self, service: Service) -> Option<SocketAddr> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner).get(&service).copied()
    }

    /// Remembers where a service is that failures stand before.
    pub(crate) fn stands_before(&self, service: Service, upstream: SocketAddr) {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner).insert(service, upstream);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the plan has for a request, and whether it has to wait first. Those that no SDK makes, over a signed URL, are
    /// nobody's call.
    fn decide(&self, service: Service, request: &http::request::Parts) -> (Option<Fault>, Option<Paused>) {
        let Some(id) = invocation(&request.headers) else { return (None, None) };
        let operation = call::operation(service, request);
        let mut state = self.state();
        let next = state.attempts.len();
        let (number, attempt) = state.attempts.entry(id).or_insert((next, 0));
        *attempt += 1;
        let call = Call { service, operation, number: *number, attempt: *attempt };
        if call.attempt == 1 {
            state.calls.push(call.clone());
        }
        let fault = (state.plan)(&call);
        state.struck += usize::from(fault.is_some());
        (fault, state.paused.take_if(|paused| paused.is_for(&call)))
    }
}

fn invocation(headers: &HeaderMap) -> Option<String> {
    headers.get("amz-sdk-invocation-id").and_then(|id| id.to_str().ok()).map(str::to_owned)
}

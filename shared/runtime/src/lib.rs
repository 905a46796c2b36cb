//! What every function's `main` needs, so that a function's crate holds nothing but its handler.
//!
//! A request takes one path, whether it comes as an event of API Gateway or straight from the streaming front of the
//! local stack: the path is parsed once, access is decided on what was parsed, the [`Handler`] runs, its answer or error
//! is rendered. See [`answer`].

mod answer;
#[cfg(feature = "background")]
mod background;
mod environment;
mod event;
mod function;
mod gate;
mod job;
mod keys;
mod logs;
mod reply;
mod request;

pub use answer::{Handler, Incoming, Response, answer};
#[cfg(feature = "background")]
pub use background::{Background, NotStarted, Schema1Upgrade};
pub use environment::{BackgroundConfig, Environment, MissingVariable, PullSecretConfig, TOKEN_LIFETIME};
pub use event::{Event, EventResponse, Host, invoke};
pub use function::{Parts, StartError, run};
pub use gate::{GRANTS_FOR, Gate, read_grants};
pub use job::{Deadline, Job, JobError, perform, run_job};
pub use keys::{Keys, VerifyError};
pub use logs::init as init_logs;
pub use reply::{
    DOCKER_CONTENT_DIGEST, DOCKER_UPLOAD_UUID, OCI_CHUNK_MIN_LENGTH, OCI_FILTERS_APPLIED, OCI_SUBJECT, OCI_TAG, Reply,
    STORED_DIGEST,
};
pub use request::{Query, Request};
pub use storage::now;

/// The header that a 401's challenge travels in besides `WWW-Authenticate`, which some gateways rename; the template maps
/// it back.
pub const CHALLENGE_HEADER: &str = "x-registry-challenge";

//! What every function's `main` needs, so that a function's crate holds nothing but its handler.
//!
//! A request takes one path, whether it comes as an event of API Gateway or straight from the streaming front of the
//! local stack: the path is parsed once, access is decided on what was parsed, the [`Handler`] runs, its answer or error
//! is rendered. See [`answer`]. What the request did is told to others after its answer is sent, see [`Record`].

mod after;
mod answer;
#[cfg(feature = "background")]
mod background;
mod environment;
mod event;
#[cfg(feature = "events")]
mod events;
mod function;
mod gate;
mod happening;
mod job;
mod keys;
mod logs;
mod metrics;
mod outbox;
mod pulls;
mod record;
mod reply;
mod request;

pub use answer::{Handler, Incoming, Response, answer};
#[cfg(feature = "background")]
pub use background::{Background, CollectFrom, NotStarted, Schema1Upgrade};
pub use environment::{
    BackgroundConfig, COLLECTION_GRACE, Environment, EventsConfig, MissingVariable, PullSecretConfig, TOKEN_LIFETIME,
};
pub use event::{Event, EventResponse, Host, invoke};
#[cfg(feature = "events")]
pub use events::Events;
#[cfg(feature = "events")]
pub use function::run_with_events;
pub use function::{Parts, StartError, run};
pub use gate::{GRANTS_FOR, Gate, read_grants};
pub use happening::{Happening, Image, Journal};
pub use job::{Deadline, Job, JobError, perform, run_job};
pub use keys::{Keys, VerifyError};
pub use logs::init as init_logs;
pub use outbox::{Publish, TELLING_LIMIT};
pub use pulls::Pulls;
pub use record::{Answered, Record};
pub use reply::{
    DOCKER_CONTENT_DIGEST, DOCKER_UPLOAD_UUID, OCI_CHUNK_MIN_LENGTH, OCI_FILTERS_APPLIED, OCI_SUBJECT, OCI_TAG, Reply,
    STORED_DIGEST,
};
pub use request::{Query, Request};
pub use storage::now;

/// The header that a 401's challenge travels in besides `WWW-Authenticate`, which some gateways rename; the template maps
/// it back.
pub const CHALLENGE_HEADER: &str = "x-registry-challenge";

//! The whole registry on one machine.
//!
//! ```text
//! client ── streaming front ── gateway emulator ── functions ── embedded DynamoDB, embedded S3
//!              │ uploads of any length                 ▲
//!              └──────── blob-upload ──────────────────┘
//! ```
//!
//! Everything below the gateway is what a deployment runs: the functions get the gateway's JSON events, in the process or
//! as processes of their own, and speak to the stores over HTTP with the AWS SDK. The front is what a deployment will have
//! at its edge: it hands bodies that no event could carry to the same session code as a stream.

mod announcer;
mod collection;
pub mod dynamodb;
pub mod faults;
mod front;
mod functions;
pub mod gateway;
pub mod iam;
pub mod lambda;
mod login;
pub mod s3;
mod stack;

pub use collection::Collection;
pub use functions::{FunctionsMode, run_function};
pub use login::{Desk, Login, LoginError};
pub use stack::{Data, Options, Stack, StartError};

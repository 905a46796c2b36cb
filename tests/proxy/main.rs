//! The push helper between clients and the registry as it is deployed: nothing before the gateway, so that no request
//! carries more than about 4.4 MB.
//!
//! How it meets failures is tested in the crate, where the registry can be told to fail.

#![expect(clippy::unwrap_used, reason = "in a test an unwrap is an assertion")]

mod clients;
mod forms;
mod large;
mod process;
mod recorder;
mod setup;

//! The storage crate against every stand-in for S3 and DynamoDB that there is, with a second pair of clients that looks
//! behind its back.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

mod backend;
mod collection;
mod deletion;
mod derived;
mod emulator;
mod faults;
mod layers;
mod manifests;
mod stores;
mod takeover;
mod uploads;

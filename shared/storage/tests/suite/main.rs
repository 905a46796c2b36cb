//! The storage crate against embedded S3 and DynamoDB, with a second pair of clients that looks behind its back.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

mod derived;
mod faults;
mod layers;
mod manifests;
mod stores;
mod takeover;
mod uploads;

//! `lambda-registry doctor` visits registries: one that is well, and one that is ill in every way that it can tell.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod faults;
mod findings;
mod http;
mod meddler;
mod visits;
mod well;

//! The proxy between a client and a registry that does what a test tells it: fail, fall silent, forget, refuse.
//!
//! What the real registry does is shown where it runs: in the tests of the whole.

#![expect(clippy::unwrap_used, reason = "in a test an unwrap is an assertion")]

mod direct;
mod failures;
mod fake;
mod http;
mod passing;
mod setup;

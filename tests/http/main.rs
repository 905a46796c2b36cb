//! The registry's HTTP interface, request by request and without a client in between.
//!
//! `conversion`: what a pull by tag gets, whatever is stored and whoever asks. `refused`: bad input, and that nothing of
//! it stays. `api`: every operation of the distribution API with the statuses and headers that clients rely on.

#![expect(clippy::unwrap_used, reason = "in a test an unwrap is an assertion")]

mod api;
mod conversion;
mod refused;
mod sample;
use lambda_registry_tests::types;

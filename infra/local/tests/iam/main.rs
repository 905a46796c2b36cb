//! IAM on this machine: routes that want signed requests, STS and Secrets Manager with the real SDKs, key pairs.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

mod api;
mod gateway;
mod harness;
mod identity;
mod secrets_manager;
mod signed;
mod store;
mod sts;

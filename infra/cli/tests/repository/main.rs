//! `lambda-registry repository`, as whoever runs a deployment types it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod create;
mod deployment;
mod lifecycle;
mod settings;

//! Users and grants, as whoever runs a deployment types them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod deployment;
mod grants;
mod lock_out;
mod sts;
mod terminal;
mod users;

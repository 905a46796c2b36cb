//! Images that were pushed as schema 1, from the push to the pull by clients that can't read it: the handlers and the
//! background function over embedded stores. The function runs when a test runs it.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

mod bench;
mod job;
mod pulls;

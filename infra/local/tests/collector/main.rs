//! The collector, against the embedded stores: what it removes, what it keeps, and what it costs. Images are pushed and deleted
//! over HTTP; what is left is looked at behind the registry's back.
//!
//! The grace period is nothing here, or longer than a test: so no test is decided by time.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

mod behind;
mod bench;
mod blobs;
mod cost;
mod dry_run;
mod emptied;
mod expiry;
#[path = "../faults/http.rs"]
#[expect(dead_code, reason = "faults need more of it")]
mod http;
mod image;
mod manifests;
mod referrers;
mod resuming;
mod schedule;
mod sessions;

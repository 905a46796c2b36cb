//! Every call that an operation makes to S3 and DynamoDB fails, one after the other and in every way that it can.
//!
//! A client gets what it asked for, or 429 or 503 with `Retry-After` and then what it asked for when it repeats its
//! request. Nothing half is visible in between, and what was acknowledged stays: a scrub has nothing to say. When all is
//! deleted, the collector leaves nothing but settings, whatever failed before; and its own calls fail as well, and it is
//! killed at each of them.
//! `cargo test -p local --test faults -- --nocapture` says how many failures were injected.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

mod behind;
mod collections;
mod deletions;
mod emptied;
mod http;
mod litter;
mod manifests;
mod outages;
mod races;
mod reads;
mod registry;
mod state;
mod sweep;
mod uploads;

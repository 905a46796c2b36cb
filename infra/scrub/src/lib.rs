//! Reads everything that a registry refers to, and compares it with what its records say; while it is in use.
//!
//! A scrub goes through the records of a repository range by range. What it goes through are [`Subject`]s; each is read with
//! what belongs to it and [judged](judge), quickly first and, when something seems wrong, again with all of it at one
//! moment. Only what is wrong both times is a [`Finding`]. Memory doesn't grow with the registry.
//!
//! What is left over (bytes without a repository, sessions, marks) is the collector's and no finding: nothing is missing.

mod content;
mod finding;
mod judge;
mod lists;
mod look;
mod repair;
mod scrub;
mod subject;

pub use finding::{Finding, Outcome, Problem, Summary};
pub use scrub::{News, Options, Scope, scrub};
pub use subject::Subject;

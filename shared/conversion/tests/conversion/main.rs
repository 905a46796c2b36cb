//! What the crate promises: against goldens that others made, cell by cell, and as properties.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod corpus;
#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "a crate of its own for the fuzzer")]
mod fuzz;
mod goldens;
mod lists;
mod negotiation;
mod parsing;
mod properties;
mod schema1;
mod support;
mod upgrade;

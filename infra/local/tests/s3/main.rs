//! Embedded S3 over HTTP with the real SDK, and byte by byte where the SDK is too well-behaved to provoke a fault.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bodies;
mod conditions;
mod directory;
mod harness;
mod listing;
mod multipart;
mod objects;
mod presigned;

//! Embedded S3 over HTTP with the real SDK, and byte by byte where the SDK is too well-behaved to provoke a fault.

mod bodies;
mod conditions;
mod directory;
mod harness;
mod listing;
mod multipart;
mod objects;
mod presigned;

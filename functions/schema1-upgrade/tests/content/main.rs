//! What is found in a layer, however it is packed and in whatever pieces it comes.

#![expect(clippy::unwrap_used, reason = "in a test an unwrap is an assertion")]

mod bombs;
mod gzip;
mod plain;
mod support;
mod zstd;

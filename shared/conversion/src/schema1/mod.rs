//! Docker schema 1 ("Image Manifest Version 2, Schema 1").

mod build;
mod config;
mod jws;
mod key;
mod parse;
mod time;

pub(crate) use build::from_schema2;
pub(crate) use parse::{Schema1, Trust};

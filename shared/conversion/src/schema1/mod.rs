//! Docker schema 1 ("Image Manifest Version 2, Schema 1").

mod build;
mod config;
mod history;
mod jws;
mod key;
mod parse;
mod signed;
mod time;
mod upgrade;

pub(crate) use build::from_schema2;
pub(crate) use parse::{Schema1, Trust};
pub(crate) use signed::sign;
pub(crate) use upgrade::{layers, to_oci, to_schema2};

//! Parse, inspect, negotiate and convert image manifests. Pure: bytes in, bytes out, no I/O.
//!
//! A [`Manifest`] keeps the bytes that were pushed beside what was read from them. [`negotiate`] says what to try for
//! a client's `Accept`, [`convert_image`] and [`convert_index`] do it, and a [`Refusal`] says why something can't be
//! had. A conversion depends on its input alone, down to the byte.

mod convert;
mod detect;
mod family;
mod go_json;
mod index;
mod json;
mod manifest;
mod negotiate;
mod parse_error;
mod refusal;
mod schema1;
mod table;
mod target;

pub use convert::{Converted, ConvertedBlob, ImageInputs, LayerContent, Needs, convert_image};
pub use index::{Replacement, children_to_convert, convert_index, select_child};
pub use manifest::{Manifest, Required};
pub use negotiate::{Candidate, is_named, negotiate};
pub use parse_error::ParseError;
pub use refusal::{Refusal, not_acceptable};
pub use target::{ChildFormat, Target};

//! Images that are built on the spot from files of this machine, without any of the registry's own code.
//!
//! [`Image`] and [`Layer`] are built in memory, [`Layout`] is an image on disk that clients push from, and [`Pulled`]
//! reads what they pulled.

mod image;
mod layer;
mod layout;
mod pulled;
pub mod samples;

pub use image::Image;
pub use layer::{Compression, Layer};
pub use layout::Layout;
pub use pulled::Pulled;

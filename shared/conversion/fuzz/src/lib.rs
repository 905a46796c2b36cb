//! What holds for every input: the bodies of the fuzz targets.
//!
//! Each takes bytes and panics when something doesn't hold. `tests/conversion/corpus.rs` replays with them what the
//! fuzzer found worth keeping, on a stable compiler, as part of `cargo test`.
//!
//! | Target | Its bytes |
//! |---|---|
//! | `parse` | a manifest |
//! | `convert` | a manifest, a NUL, an image config |
//! | `negotiate` | choices: the lines of an `Accept` header are put together from them |
//! | `images` | choices: an image with its config, in any format |
//! | `lists` | choices: images, and lists over them |

mod accept;
mod assembled;
mod image;
mod list;
pub(crate) mod made;
mod parsed;
mod pieces;

pub use accept::negotiate;
pub use image::{convert, images};
pub use list::lists;
pub use parsed::parse;

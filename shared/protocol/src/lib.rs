//! The nouns of the OCI distribution specification, validated when they are made.
//!
//! Everything that names something on the wire lives here: repository names, tags, digests, media types,
//! `Accept`, routes and error codes. The crate does no I/O and knows neither AWS nor HTTP servers, so that the
//! functions, the storage and the local stack all speak of the same things.
//!
//! Values have private fields: a [`RepositoryName`] that exists is one the grammar allows.

mod accept;
mod descriptor;
mod digest;
mod error;
pub mod glob;
mod media_type;
mod name;
mod range;
mod reference;
mod route;
mod tag_mutability;
mod tag_pattern;

pub use accept::Accept;
pub use descriptor::{Descriptor, Platform};
pub use digest::{Algorithm, Digest, Hasher, HasherState, InvalidDigest};
pub use error::{ApiError, ErrorCode};
pub use media_type::{Compression, MediaType};
pub use name::{InvalidName, RepositoryName};
pub use range::{ContentRange, InvalidRange};
pub use reference::{InvalidReference, Reference, Tag};
pub use route::{Function, Method, MethodNotAllowed, Route, RouteError, RouteKey, UploadId, route_table};
pub use tag_mutability::{InvalidTagMutability, MutabilityMode, TagMutability};
pub use tag_pattern::{InvalidTagPattern, TagPattern};

/// The largest manifest a client may push, in bytes: 4 MiB, the least that the specification asks registries to take
/// and the most that Amazon ECR takes.
pub const MAX_MANIFEST_SIZE: usize = 4 * 1024 * 1024;

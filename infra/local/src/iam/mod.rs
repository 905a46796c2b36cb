//! IAM as far as a registry meets it, on this machine: key pairs, requests signed with them, and the two AWS APIs that
//! the registry asks beside its stores.
//!
//! | API | operations |
//! |---|---|
//! | STS | `GetCallerIdentity` |
//! | Secrets Manager | `CreateSecret`, `GetSecretValue`, `PutSecretValue` |
//!
//! There are no policies: whoever holds a key pair may do all of it. Whom that concerns is told apart by handing out
//! different [`Identities`], to the gateway those that may log in, to [`serve`] those and the functions' own.

mod api;
mod identity;
mod private_file;
mod secrets;
mod secrets_manager;
mod signature;
mod sts;

pub use api::serve;
pub use identity::{Identities, Identity};
pub(crate) use private_file::write as write_private_file;
pub use secrets::{Medium, SecretError, SecretValue, Secrets, Stage, Written};

/// The account that everything here belongs to.
pub const ACCOUNT_ID: &str = "000000000000";

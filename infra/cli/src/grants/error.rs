//! Why grants can't be read, planned or applied.

use access::{NoRandomness, UserName};

use super::file::FileError;
use super::lock_out::Standing;
use crate::bounds::TooMuch;
use crate::kept::KeptError;

/// Each says what to do about it. None has a secret in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GrantsError {
    /// No credentials, no region.
    #[error("{0}")]
    Deployment(String),
    /// No file.
    #[error("{name} can't be read: {cause}")]
    File {
        /// Which.
        name: String,
        /// Why.
        cause: std::io::Error,
    },
    /// Not a file that somebody wrote.
    #[error("{name} has more than {most} bytes")]
    FileTooLong {
        /// Which.
        name: String,
        /// The longest, in bytes.
        most: usize,
    },
    /// Not what it has to be.
    #[error("{name} has no grants that can be understood: {error}")]
    Malformed {
        /// Which.
        name: String,
        /// What is wrong with it, and where.
        error: FileError,
    },
    /// No room.
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
    /// The table.
    #[error(transparent)]
    Kept(#[from] KeptError),
    /// The table, while it was written to.
    #[error(
        "{0}; whether it was written, lambda-registry grants plan tells; users who are there then without a known secret get one with lambda-registry user rotate"
    )]
    Writing(storage::Error),
    /// Whoever asks would lose everything.
    #[error("{0}; nothing was applied; --allow-lock-out applies it all the same")]
    LockOut(Standing),
    /// There is no terminal.
    #[error("nothing was applied: there is no terminal to ask on; --yes applies it without asking")]
    NobodyToAsk,
    /// Somebody was asked.
    #[error("nothing was applied")]
    Declined,
    /// Two at once.
    #[error(
        "somebody else changed users or grants meanwhile, so nothing was applied; look at the new difference, and try again"
    )]
    Changed,
    /// Two at once, and more than one step.
    #[error(
        "somebody else changed users or grants meanwhile: {applied} of {all} changes were applied, the others weren't; look \
         at what is left with lambda-registry grants plan, and apply it again"
    )]
    ChangedMidway {
        /// How many documents were written.
        applied: usize,
        /// How many there are.
        all: usize,
    },
    /// No secret can be made.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The secrets are kept, and nobody has seen them.
    #[error("the grants were written, but secrets can't be ({cause}); make others with lambda-registry user rotate for: {}", names(.users))]
    SecretsLost {
        /// Whose.
        users: Vec<UserName>,
        /// Why.
        cause: std::io::Error,
    },
    /// What is in force can't be written as YAML.
    #[error("this can't be written as YAML: {0}")]
    Yaml(String),
    /// Nobody sees what was asked for.
    #[error("can't write to standard output: {0}")]
    Output(std::io::Error),
}

fn names(users: &[UserName]) -> String {
    users.iter().map(UserName::as_str).collect::<Vec<_>>().join(" ")
}

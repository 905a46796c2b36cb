//! Why a user can't be made or changed.

use access::{NoRandomness, UserName};

use crate::bounds::TooMuch;
use crate::kept::KeptError;
use crate::moment::Moment;

/// Each says what to do about it. None has a secret in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UserError {
    /// No credentials, no region.
    #[error("{0}")]
    Deployment(String),
    /// Nobody has that name.
    #[error("there is no user {0}; lambda-registry user list shows who there is")]
    Unknown(UserName),
    /// Somebody has that name.
    #[error(
        "there is a user {0} already: lambda-registry user rotate {0} gives a new secret, lambda-registry grants apply \
         changes what the user may do"
    )]
    Exists(UserName),
    /// Two at once.
    #[error(
        "somebody else changed {0} in the same moment, so nothing was done; look at lambda-registry user list, and try again"
    )]
    Changed(UserName),
    /// It would be over before it began.
    #[error("the user would have expired on {0}; --expires wants a time to come")]
    Past(Moment),
    /// No room.
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
    /// The table.
    #[error(transparent)]
    Kept(#[from] KeptError),
    /// No secret can be made.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The secret is kept, and nobody has seen it.
    #[error("the secret can't be written out ({cause}); make another one: lambda-registry user rotate {name}")]
    SecretLost {
        /// Whose.
        name: UserName,
        /// Why.
        cause: std::io::Error,
    },
    /// Nobody sees what was asked for.
    #[error("can't write to standard output: {0}")]
    Output(std::io::Error),
}

impl From<storage::Error> for UserError {
    fn from(error: storage::Error) -> Self {
        Self::Kept(error.into())
    }
}

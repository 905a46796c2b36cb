//! What clients are told when there is no password, word for word where the protocol has words for it.

use lambda_registry::{InvalidRegistry, LoginError};

/// Why an action failed. `Display` is what the client gets.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HelperError {
    /// Clients look for this very text, and go on without a password.
    #[error("credentials not found in native keychain")]
    NotServed(InvalidRegistry),
    /// Another registry, or one that asks for nothing, or nobody to sign in as: some images are for everybody.
    #[error("credentials not found in native keychain")]
    NotFound(LoginError),
    #[error(transparent)]
    Login(LoginError),
    #[error("no credentials server URL")]
    NoServerUrl,
    #[error(
        "passwords of this registry are made from AWS credentials and can't be stored: leave docker login out, or take the \
         registry out of credHelpers in Docker's config.json to sign in as another user"
    )]
    Store,
    #[error("usage: docker-credential-lambda-registry get|erase|list|store|version")]
    Usage,
    #[error("the request can't be read: {0}")]
    Input(std::io::Error),
    #[error("the answer can't be written: {0}")]
    Answer(serde_json::Error),
    #[error("the passwords in {0} can't be read or removed: {1}")]
    Cache(String, std::io::Error),
    #[error("no threads: {0}")]
    Threads(std::io::Error),
}

impl HelperError {
    /// What is behind a text that doesn't say it.
    pub(crate) fn reason(&self) -> Option<String> {
        match self {
            Self::NotServed(reason) => Some(reason.to_string()),
            Self::NotFound(reason) => Some(reason.to_string()),
            _ => None,
        }
    }
}

//! Failures of the platform.

use std::fmt;

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use protocol::{ApiError, ErrorCode};

/// S3 or DynamoDB didn't do what was asked. What they answered goes to the log, never to the client.
#[derive(Debug)]
pub enum Error {
    /// Throttled or too busy; the same request may well succeed in a moment.
    Throttled(String),
    /// No answer, a broken connection, or a server error.
    Unavailable(String),
    /// Refused for a reason that trying again won't change: missing permission, missing table.
    Refused(String),
    /// Several writers kept getting in each other's way.
    Contended(&'static str),
    /// A record lacks what it must have.
    Corrupt(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Throttled(context) => write!(f, "throttled: {context}"),
            Self::Unavailable(context) => write!(f, "unavailable: {context}"),
            Self::Refused(context) => write!(f, "refused: {context}"),
            Self::Contended(what) => write!(f, "too many writers at once: {what}"),
            Self::Corrupt(what) => write!(f, "corrupt record: {what}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for ApiError {
    /// Tells the client whether trying again makes sense, and nothing of what is behind it.
    fn from(error: Error) -> Self {
        // The one place where a failure of the platform leaves this crate, and so the one where it is logged.
        tracing::error!(%error, "storage failed");
        let later = |code, message: &str| ApiError::new(code, message).header("Retry-After", "1");
        match error {
            Error::Throttled(_) => later(ErrorCode::TooManyRequests, "the registry's storage is busy; try again"),
            Error::Contended(_) => {
                later(ErrorCode::TooManyRequests, "too many clients are changing the same thing; try again")
            }
            Error::Unavailable(_) => {
                later(ErrorCode::Unavailable, "the registry's storage did not answer in time; try again")
            }
            Error::Refused(_) | Error::Corrupt(_) => {
                ApiError::new(ErrorCode::Internal, "the registry failed; its log has the reason under the request id")
            }
        }
    }
}

/// Codes of too much traffic.
pub(crate) const THROTTLED: &[&str] = &[
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "SlowDown",
    "TooManyRequestsException",
    "LimitExceededException",
];

impl<E> From<SdkError<E, HttpResponse>> for Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let context = DisplayErrorContext(&error).to_string();
        match &error {
            SdkError::ServiceError(service) => match (service.err().code(), service.raw().status().as_u16()) {
                (Some(code), _) if THROTTLED.contains(&code) => Self::Throttled(context),
                // What becomes of it isn't known yet.
                (Some("TransactionInProgressException"), _) => Self::Throttled(context),
                // A single write that met a transaction on the same item.
                (Some("TransactionConflictException"), _) => Self::Contended("an item in a running transaction"),
                // S3 may find out in the middle of an answer with 200.
                (Some("InternalError" | "RequestTimeout"), _) => Self::Unavailable(context),
                (_, 429) => Self::Throttled(context),
                // Whatever it is called: answers to HEAD have no body that could say.
                (_, 500..) => Self::Unavailable(context),
                _ => Self::Refused(context),
            },
            SdkError::ConstructionFailure(_) => Self::Refused(context),
            _ => Self::Unavailable(context),
        }
    }
}

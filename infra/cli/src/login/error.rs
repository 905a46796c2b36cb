//! Why nobody signed in.

use http::StatusCode;

use crate::{AwsError, Registry};

/// Why there is no password. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Nobody to sign in as.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// Nothing can be trusted.
    #[error("no certificates to check the registry's with: {0}; install ca-certificates, or set SSL_CERT_FILE")]
    Certificates(std::io::Error),
    /// The credentials are of no use.
    #[error("the request can't be signed: {0}")]
    Signature(String),
    /// No answer.
    #[error("{registry} can't be reached: {cause}")]
    Unreachable {
        /// Host and port.
        registry: String,
        /// What the network said.
        cause: String,
    },
    /// Signatures are good for five minutes.
    #[error(
        "{registry} refused the signature because this machine's clock is {seconds} s {direction}: set the clock, and \
         sign in again"
    )]
    Clock {
        /// Host and port.
        registry: String,
        /// How far the clock is off.
        seconds: u64,
        /// `fast` or `slow`.
        direction: &'static str,
    },
    /// The gateway refused.
    #[error(
        "{registry} doesn't let access key {access_key_id} in (403: {message}): the IAM policies of its owner have to \
         allow execute-api:Invoke on {resource}; the request was signed for region {region}, which has to be the registry's"
    )]
    Forbidden {
        /// Host and port.
        registry: String,
        /// The public half of the key that signed.
        access_key_id: String,
        /// What the gateway said.
        message: String,
        /// The ARN that a policy has to allow.
        resource: String,
        /// The region in the signature.
        region: String,
    },
    /// The registry refused, or something broke in it.
    #[error("{registry} answered {status}: {message}")]
    Refused {
        /// Host and port.
        registry: String,
        /// The answer's status.
        status: StatusCode,
        /// What it said.
        message: String,
    },
    /// It answers, but not as it should.
    #[error(
        "{registry} is no lambda-registry, or one that asks nobody to sign in: it answered POST /login with {status} and \
         no password"
    )]
    NotARegistry {
        /// Host and port.
        registry: String,
        /// The answer's status.
        status: StatusCode,
    },
}

impl LoginError {
    pub(super) fn unreachable(registry: &Registry, cause: String) -> Self {
        Self::Unreachable { registry: registry.to_string(), cause }
    }
}

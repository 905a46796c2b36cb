//! Who somebody is: tokens for passwords, passwords for principals of IAM, `GET /v2/`. And everything that no other
//! function answers: paths and methods that the API doesn't have get the registry's own error rather than the gateway's.
//!
//! The only function that sees secrets, and the only one that may read the key that tokens are signed with.

mod identify;
mod login;
mod pull_secret;
mod signer;
mod token;

use std::sync::Arc;

use http::StatusCode;
use protocol::{ApiError, ErrorCode, Function, Route};
use runtime::{Handler, Keys, Parts, PullSecretConfig, Reply, Request, Response, StartError};
use storage::{Credentials, Storage};

use pull_secret::PullSecret;
use signer::Signer;

/// The function.
pub struct Auth {
    storage: Arc<Storage>,
    keys: Arc<Keys>,
    signer: Signer,
    pull_secret: Option<PullSecret>,
    settings: Settings,
}

/// What the function is told.
pub struct Settings {
    /// Whether anybody has to log in; where nobody has to, nobody can.
    pub access: access::Access,
    /// How long a token is valid, in seconds.
    pub token_lifetime: u64,
    /// A secret that lets whoever has it pull, the region of Secrets Manager, and keys for it.
    pub pull_secret: Option<(PullSecretConfig, String, Credentials)>,
}

impl Auth {
    /// Over a storage and keys that are shared.
    pub fn new(storage: Arc<Storage>, keys: Arc<Keys>, mut settings: Settings) -> Self {
        let pull_secret =
            settings.pull_secret.take().map(|(config, region, keys)| PullSecret::new(config, region, &keys));
        Self { signer: Signer::new(storage.clone()), storage, keys, pull_secret, settings }
    }

    /// What it needs first is in the table. Secrets Manager is for ECS alone, and asked when that comes.
    pub async fn start(parts: Parts) -> Self {
        let Parts { environment, storage, gate } = parts;
        let aws = environment.storage;
        let settings = Settings {
            access: environment.access,
            token_lifetime: environment.token_lifetime,
            pull_secret: environment.pull_secret.map(|config| (config, aws.region, aws.credentials)),
        };
        Self::new(storage, gate.keys().clone(), settings)
    }
}

impl Handler for Auth {
    async fn handle(&self, request: Request) -> Result<Response, ApiError> {
        match request.route() {
            // A client that gets a 200 here knows that its credentials are good (specification, "Determining support").
            Route::Base => Ok(Reply::new(StatusCode::OK).body("application/json", "{}")),
            Route::Token | Route::Login if self.settings.access == access::Access::Open => {
                let message = "this registry is open to everybody who reaches it: nobody logs in";
                Err(ApiError::new(ErrorCode::RouteUnknown, message))
            }
            Route::Token => self.token(request).await,
            Route::Login => self.login(request).await,
            _ => Err(request.unrouted()),
        }
    }
}

/// A fault of the registry's own, whose reason is for the log.
fn internal(what: &str, error: &dyn std::error::Error) -> ApiError {
    tracing::error!(%error, "{what}");
    ApiError::new(ErrorCode::Internal, "the registry failed; its log has the reason under the request id")
}

/// Runs the function in Lambda.
///
/// # Errors
/// When the environment lacks something.
pub fn main() -> Result<(), StartError> {
    runtime::run(Function::Auth, Auth::start)
}

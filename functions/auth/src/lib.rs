//! `GET /v2/`, and everything that no other function answers: paths and methods that the API doesn't have get the
//! registry's own error rather than the gateway's.

use http::StatusCode;
use protocol::{ApiError, Route};
use runtime::{Environment, Handler, Reply, Request, Response, StartError};

/// The function.
pub struct Auth;

impl Auth {
    /// Nothing to open.
    pub async fn start(_: Environment) -> Self {
        Self
    }
}

impl Handler for Auth {
    async fn handle(&self, request: Request) -> Result<Response, ApiError> {
        match request.route() {
            // A client that gets a 200 here knows that its credentials are good (specification, "Determining support").
            Route::Base => Ok(Reply::new(StatusCode::OK).body("application/json", "{}")),
            _ => Err(request.unrouted()),
        }
    }
}

/// Runs the function in Lambda.
///
/// # Errors
/// When the environment lacks something.
pub fn main() -> Result<(), StartError> {
    runtime::run(Auth::start)
}

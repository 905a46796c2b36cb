//! `POST /login`: a password for a principal of IAM, as `aws ecr get-login-password` gets one.

use access::{Claims, IAM_USER, Principal, Usage, random_id};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use protocol::{ApiError, ErrorCode};
use runtime::{Reply, Request, Response, now};
use serde_json::json;

use crate::{Auth, internal};

/// How long the password is valid, in seconds: as long as Amazon ECR's.
const LIFETIME: u64 = 12 * 60 * 60;

impl Auth {
    /// Who may come here is up to IAM; the gateway has asked it.
    pub(crate) async fn login(&self, request: Request) -> Result<Response, ApiError> {
        let principal = match request.iam.as_deref().map(str::parse) {
            Some(Ok(principal)) => Principal::Iam(principal),
            Some(Err(error)) => return Err(internal("a principal of IAM", &error)),
            None => {
                tracing::info!(
                    principal = "unknown",
                    action = "login",
                    reason = "not signed",
                    request_id = request.id,
                    "access denied"
                );
                let message = "sign the request with AWS credentials (SigV4, service execute-api), \
                               for instance with lambda-registry login-password";
                return Err(ApiError::new(ErrorCode::Denied, message));
            }
        };
        let now = now();
        let expires_at = now + LIFETIME;
        let password = self
            .signer
            .sign(&Claims {
                usage: Usage::Password,
                service: request.origin.service().to_owned(),
                principal: principal.clone(),
                issued_at: now,
                not_before: now,
                expires_at,
                id: random_id().map_err(|error| internal("a password's name", &error))?,
                access: Vec::new(),
            })
            .await?;
        tracing::info!(%principal, action = "login", request_id = request.id, "access allowed");
        let body = json!({
            "username": IAM_USER,
            "password": password.expose(),
            "expires_in": LIFETIME,
            "expires_at": expires_at,
            "principal": request.iam,
        });
        Ok(Reply::new(StatusCode::OK).header(CACHE_CONTROL, "no-store").body("application/json", body.to_string()))
    }
}

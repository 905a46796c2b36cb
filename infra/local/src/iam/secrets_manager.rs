//! Secrets Manager, by the JSON protocol: the header `X-Amz-Target` names the operation.

use std::time::SystemTime;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::identity::Identities;
use super::secrets::{SecretError, Secrets, Stage, Written};
use super::signature::SignatureError;

/// What a target begins with.
pub(super) const TARGET: &str = "secretsmanager.";

/// Why Secrets Manager refuses.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}")]
    Signature(#[from] SignatureError),
    #[error("the operation isn't emulated")]
    Operation,
    #[error("the request isn't JSON")]
    Syntax,
    /// Which one isn't said: the parser's words would repeat values.
    #[error("a parameter is missing, has another form, or isn't emulated")]
    Parameter,
    #[error("{0}")]
    Secret(#[from] SecretError),
}

impl Error {
    fn code(&self) -> &'static str {
        match self {
            Self::Signature(error) => match error {
                SignatureError::Missing => "MissingAuthenticationTokenException",
                SignatureError::Malformed
                | SignatureError::Repeated(_)
                | SignatureError::NotText(_)
                | SignatureError::Unsigned(_)
                | SignatureError::Absent(_)
                | SignatureError::Date => "IncompleteSignatureException",
                SignatureError::UnknownKey | SignatureError::Token => "UnrecognizedClientException",
                SignatureError::Skewed | SignatureError::Scope | SignatureError::Payload | SignatureError::Mismatch => {
                    "InvalidSignatureException"
                }
            },
            Self::Operation => "UnknownOperationException",
            Self::Syntax => "SerializationException",
            Self::Parameter => "InvalidParameterException",
            Self::Secret(error) => match error {
                SecretError::NoSecret | SecretError::NoVersion => "ResourceNotFoundException",
                SecretError::SecretExists | SecretError::VersionExists => "ResourceExistsException",
                SecretError::Name | SecretError::Value | SecretError::Token => "ValidationException",
                SecretError::Io(_) => "InternalServiceError",
            },
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Secret(SecretError::Io(_)) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CreateSecret {
    name: String,
    secret_string: String,
    client_request_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PutSecretValue {
    secret_id: String,
    secret_string: String,
    client_request_token: Option<String>,
    version_stages: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetSecretValue {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

/// Answers one request. `target` is what its header says behind [`TARGET`].
pub(super) fn answer(
    identities: &Identities,
    secrets: &Secrets,
    target: &str,
    head: &Parts,
    body: &[u8],
    now: SystemTime,
) -> Response<Bytes> {
    let caller = identities.authenticate("secretsmanager", head, body, now).map_err(Error::from);
    let (status, json) = match caller.and_then(|_| act(secrets, target, body)) {
        Ok(json) => (StatusCode::OK, json),
        Err(error) => (error.status(), json!({ "__type": error.code(), "Message": error.to_string() })),
    };
    let mut response = Response::new(Bytes::from(json.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    response
}

fn act(secrets: &Secrets, operation: &str, body: &[u8]) -> Result<Value, Error> {
    match operation {
        "CreateSecret" => {
            let CreateSecret { name, secret_string, client_request_token } = parse(body)?;
            let written = secrets.create(&name, &secret_string, client_request_token.as_deref())?;
            let Written { arn, name, version_id } = written;
            Ok(json!({ "ARN": arn, "Name": name, "VersionId": version_id }))
        }
        "PutSecretValue" => {
            let PutSecretValue { secret_id, secret_string, client_request_token, version_stages } = parse(body)?;
            let stages = [Stage::Current.label()];
            if version_stages.is_some_and(|wanted| wanted != stages) {
                return Err(Error::Parameter);
            }
            let written = secrets.put(&secret_id, &secret_string, client_request_token.as_deref())?;
            let Written { arn, name, version_id } = written;
            Ok(json!({ "ARN": arn, "Name": name, "VersionId": version_id, "VersionStages": stages }))
        }
        "GetSecretValue" => {
            let GetSecretValue { secret_id, version_id, version_stage } = parse(body)?;
            let stage =
                version_stage.map(|label| Stage::from_label(&label).ok_or(SecretError::NoVersion)).transpose()?;
            let secret = secrets.get(&secret_id, version_id.as_deref(), stage)?;
            Ok(json!({
                "ARN": secret.arn,
                "CreatedDate": secret.created,
                "Name": secret.name,
                "SecretString": secret.value,
                "VersionId": secret.version_id,
                "VersionStages": [secret.stage.label()],
            }))
        }
        _ => Err(Error::Operation),
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| if error.is_data() { Error::Parameter } else { Error::Syntax })
}

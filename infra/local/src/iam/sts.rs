//! STS, by the Query protocol: forms are asked and XML answers.

use std::time::SystemTime;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use quick_xml::escape::escape;

use super::identity::{Identities, Identity};
use super::signature::SignatureError;

const VERSION: &str = "2011-06-15";
const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Why STS refuses.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}")]
    Signature(#[from] SignatureError),
    #[error("only GetCallerIdentity of the version {VERSION} is emulated")]
    Action,
}

impl Error {
    fn code(&self) -> &'static str {
        match self {
            Self::Action => "InvalidAction",
            Self::Signature(error) => match error {
                SignatureError::Missing => "MissingAuthenticationToken",
                SignatureError::Malformed
                | SignatureError::Repeated(_)
                | SignatureError::NotText(_)
                | SignatureError::Unsigned(_)
                | SignatureError::Absent(_)
                | SignatureError::Date => "IncompleteSignature",
                SignatureError::UnknownKey | SignatureError::Token => "InvalidClientTokenId",
                SignatureError::Skewed | SignatureError::Scope | SignatureError::Payload | SignatureError::Mismatch => {
                    "SignatureDoesNotMatch"
                }
            },
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Signature(_) => StatusCode::FORBIDDEN,
            Self::Action => StatusCode::BAD_REQUEST,
        }
    }
}

/// Answers one request.
pub(super) fn answer(identities: &Identities, head: &Parts, body: &[u8], id: &str, now: SystemTime) -> Response<Bytes> {
    let caller = identities.authenticate("sts", head, body, now).map_err(Error::from);
    let (status, xml) = match caller.and_then(|caller| act(body, caller, id)) {
        Ok(xml) => (StatusCode::OK, xml),
        Err(error) => (error.status(), refused(&error, id)),
    };
    let mut response = Response::new(Bytes::from(xml));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    response
}

fn act(form: &[u8], caller: &Identity, id: &str) -> Result<String, Error> {
    let field = |wanted: &str| form_urlencoded::parse(form).find(|(name, _)| name == wanted).map(|(_, value)| value);
    match (field("Action").as_deref(), field("Version").as_deref()) {
        (Some("GetCallerIdentity"), Some(VERSION)) => Ok(caller_identity(caller, id)),
        _ => Err(Error::Action),
    }
}

fn caller_identity(caller: &Identity, id: &str) -> String {
    format!(
        "<GetCallerIdentityResponse xmlns=\"{NAMESPACE}\"><GetCallerIdentityResult><Arn>{}</Arn><UserId>{}</UserId>\
         <Account>{}</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>{id}</RequestId>\
         </ResponseMetadata></GetCallerIdentityResponse>",
        escape(&caller.arn),
        escape(&caller.user_id),
        escape(&caller.account_id),
    )
}

fn refused(error: &Error, id: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error>\
         <RequestId>{id}</RequestId></ErrorResponse>",
        error.code(),
        escape(error.to_string()),
    )
}

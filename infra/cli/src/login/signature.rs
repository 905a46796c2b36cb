//! AWS Signature Version 4, as API Gateway checks it.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as signature};
use aws_sigv4::sign::v4::SigningParams;
use http::{HeaderName, HeaderValue, Request};

use super::LoginError;

/// Adds what proves that the owner of `credentials` sends this request, which has no body, at `time`.
pub(super) fn sign<B>(
    request: &mut Request<B>,
    credentials: &Credentials,
    region: &str,
    time: SystemTime,
) -> Result<(), LoginError> {
    let identity = credentials.clone().into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("execute-api")
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| LoginError::Signature(error.to_string()))?
        .into();
    let uri = request.uri().to_string();
    // The host is signed in any case; nothing else that is sent means anything.
    let signable = SignableRequest::new(request.method().as_str(), uri, std::iter::empty(), SignableBody::Bytes(&[]));
    let signed = signable.and_then(|signable| signature(signable, &parameters));
    let (instructions, _) = signed.map_err(|error| LoginError::Signature(error.to_string()))?.into_parts();
    for header in instructions.into_parts().0 {
        // Keys with a line break in them, for instance.
        let name = HeaderName::try_from(header.name());
        let value = HeaderValue::try_from(header.value());
        let (Ok(name), Ok(mut value)) = (name, value) else {
            return Err(LoginError::Signature("the AWS credentials have characters that can't be sent".to_owned()));
        };
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
    }
    Ok(())
}

//! Requests with signatures of IAM (Signature Version 4).

use std::time::SystemTime;

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as signature};
use aws_sigv4::sign::v4;
use http::HeaderName;
use http::header::HOST;
use local::iam::Identity;

use crate::http::Request;

/// Signs a request to a host for the gateway.
pub(crate) fn sign(request: Request, identity: &Identity, host: &str) -> Request {
    let Identity { access_key_id, secret_access_key, session_token, .. } = identity;
    let keys =
        aws_credential_types::Credentials::new(access_key_id, secret_access_key, session_token.clone(), None, "");
    let keys = keys.into();
    let parameters = v4::SigningParams::builder().identity(&keys).region("us-east-1").name("execute-api");
    let parameters = parameters.time(SystemTime::now()).settings(SigningSettings::default()).build().unwrap().into();
    let request = request.header(HOST, host);
    let url = format!("http://{host}{}", request.target);
    let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let signable = SignableRequest::new(&request.method, url, headers, SignableBody::Bytes(&request.body)).unwrap();
    let (instructions, _) = signature(signable, &parameters).unwrap().into_parts();
    let (headers, _) = instructions.into_parts();
    headers.iter().fold(request.clone(), |request, header| {
        request.header(HeaderName::from_bytes(header.name().as_bytes()).unwrap(), header.value())
    })
}

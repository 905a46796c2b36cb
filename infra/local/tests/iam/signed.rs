//! Requests signed as clients sign them, and then changed.

use std::time::SystemTime;

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::Request;
use local::iam::Identity;

use crate::harness::{REGION, credentials, user};

/// How a request is signed.
pub(crate) struct Signing {
    pub(crate) identity: Identity,
    pub(crate) service: &'static str,
    pub(crate) region: &'static str,
    pub(crate) time: SystemTime,
    pub(crate) settings: SigningSettings,
    /// What is signed in place of the body.
    pub(crate) payload: Option<SignableBody<'static>>,
}

impl Signing {
    /// As the user, for the gateway, now.
    pub(crate) fn new() -> Self {
        Self {
            identity: user(),
            service: "execute-api",
            region: REGION,
            time: SystemTime::now(),
            settings: SigningSettings::default(),
            payload: None,
        }
    }

    pub(crate) fn of(identity: Identity) -> Self {
        Self { identity, ..Self::new() }
    }

    /// Adds the signature.
    pub(crate) fn sign(&self, request: &mut Request<Bytes>) {
        let identity = credentials(&self.identity).into();
        let params = v4::SigningParams::builder().identity(&identity).region(self.region).name(self.service);
        let params = params.time(self.time).settings(self.settings.clone()).build().unwrap().into();
        let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
        let host = request.headers()["host"].to_str().unwrap();
        let target = format!("http://{host}{}", request.uri());
        let body = self.payload.clone().unwrap_or(SignableBody::Bytes(request.body()));
        let signable = SignableRequest::new(request.method().as_str(), target, headers, body).unwrap();
        sign(signable, &params).unwrap().into_parts().0.apply_to_request_http1x(request);
    }
}

/// `POST` of `{}` with a few headers, not signed yet.
pub(crate) fn post(target: &str) -> Request<Bytes> {
    let request = Request::builder().method("POST").uri(target).header("Host", "registry.example.com:5000");
    let request = request.header("Content-Type", "application/json").header("Accept", "*/*");
    request.body(Bytes::from_static(b"{}")).unwrap()
}

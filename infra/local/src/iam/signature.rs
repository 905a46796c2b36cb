//! Signature Version 4 in the `Authorization` header, seen from the service.
//!
//! A signature isn't taken apart: it is computed anew over the request as it came, by the library that clients sign
//! with, and compared. Signatures in the query (pre-signed URLs) aren't emulated: a request with one has no
//! `Authorization`, and is refused.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::HeaderMap;
use http::header;
use http::request::Parts;
use protocol::Digest;
use time::PrimitiveDateTime;
use time::macros::format_description;

use super::identity::{Identities, Identity};

const DATE: &str = "x-amz-date";
const TOKEN: &str = "x-amz-security-token";
const PAYLOAD_HASH: &str = "x-amz-content-sha256";

/// How far the clocks of client and service may be apart.
const MAX_SKEW: Duration = Duration::from_secs(5 * 60);

/// Why a request isn't taken for one of an identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SignatureError {
    /// It has no `Authorization`.
    #[error("the request isn't signed")]
    Missing,
    /// `Authorization` isn't of the form `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
    #[error("the Authorization header isn't one of Signature Version 4")]
    Malformed,
    /// A header that may be there only once is there more often.
    #[error("the header {0} is there more than once")]
    Repeated(&'static str),
    /// A header isn't text.
    #[error("the header {0} isn't text")]
    NotText(String),
    /// A header isn't signed that has to be: `host`, and every one that begins with `x-amz-`.
    #[error("the header {0} isn't signed")]
    Unsigned(String),
    /// A header is said to be signed and isn't there.
    #[error("the header {0} is signed and isn't there")]
    Absent(String),
    /// `x-amz-date` isn't there, or isn't of the form `20261122T093000Z`.
    #[error("{DATE} is missing or malformed")]
    Date,
    /// It was signed more than five minutes ago, or will be.
    #[error("the request is too old or too new")]
    Skewed,
    /// The credential is for another day, region or service.
    #[error("the credential's scope is another one")]
    Scope,
    /// Nobody has the access key id.
    #[error("the access key id is unknown")]
    UnknownKey,
    /// The session token is another one than the key pair's, or only one of the two has one.
    #[error("the session token is missing or wrong")]
    Token,
    /// `x-amz-content-sha256` isn't the body's SHA-256.
    #[error("{PAYLOAD_HASH} isn't the payload's")]
    Payload,
    /// Something else was signed, or with another secret.
    #[error("the signature doesn't match")]
    Mismatch,
}

impl Identities {
    /// Who signed the request, with this body, for this service.
    pub(crate) fn authenticate(
        &self,
        service: &str,
        head: &Parts,
        body: &[u8],
        now: SystemTime,
    ) -> Result<&Identity, SignatureError> {
        let headers = &head.headers;
        let authorization = one(headers, header::AUTHORIZATION.as_str())?.ok_or(SignatureError::Missing)?;
        let authorization = Authorization::parse(authorization).ok_or(SignatureError::Malformed)?;
        let (date, time) = signing_time(headers)?;
        if skew(time, now) > MAX_SKEW {
            return Err(SignatureError::Skewed);
        }
        if authorization.scope != [&date[..8], self.region.as_str(), service, "aws4_request"] {
            return Err(SignatureError::Scope);
        }
        let signed = authorization.signed(headers)?;
        let identity = self.find(authorization.access_key_id).ok_or(SignatureError::UnknownKey)?;
        check_token(headers, identity)?;
        check_payload_hash(headers, body)?;
        let expected = signature(identity, &self.region, service, time, head, signed, body);
        let expected = expected.ok_or(SignatureError::Mismatch)?;
        if !equal(&expected, authorization.signature) {
            return Err(SignatureError::Mismatch);
        }
        Ok(identity)
    }
}

/// `AWS4-HMAC-SHA256 Credential=<key>/<date>/<region>/<service>/aws4_request, SignedHeaders=a;b, Signature=<hex>`
struct Authorization<'a> {
    access_key_id: &'a str,
    /// Day, region, service and `aws4_request`.
    scope: [&'a str; 4],
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (algorithm, fields) = text.split_once(' ')?;
        let [credential, signed_headers, signature] = fields.split(',').collect::<Vec<_>>().try_into().ok()?;
        let mut credential = credential.trim().strip_prefix("Credential=")?.split('/');
        let access_key_id = credential.next()?;
        let scope = credential.collect::<Vec<_>>().try_into().ok()?;
        let signed_headers: Vec<_> = signed_headers.trim().strip_prefix("SignedHeaders=")?.split(';').collect();
        let signature = signature.trim().strip_prefix("Signature=")?;
        let in_order = signed_headers.is_sorted_by(|left, right| left < right);
        (algorithm == "AWS4-HMAC-SHA256" && in_order).then_some(Self {
            access_key_id,
            scope,
            signed_headers,
            signature,
        })
    }

    /// The signed headers with their values. Not the session token: the signing library adds it, and would show this
    /// one in its traces.
    fn signed(&self, headers: &'a HeaderMap) -> Result<Vec<(&'a str, &'a str)>, SignatureError> {
        let needed = headers.keys().map(header::HeaderName::as_str).filter(|name| name.starts_with("x-amz-"));
        for name in needed.chain([header::HOST.as_str()]) {
            if !self.signed_headers.contains(&name) {
                return Err(SignatureError::Unsigned(name.to_owned()));
            }
        }
        one(headers, header::HOST.as_str())?;
        let mut signed = Vec::with_capacity(self.signed_headers.len());
        for &name in &self.signed_headers {
            if !headers.contains_key(name) {
                return Err(SignatureError::Absent(name.to_owned()));
            }
            for value in headers.get_all(name).iter().filter(|_| name != TOKEN) {
                let value = value.to_str().map_err(|_| SignatureError::NotText(name.to_owned()))?;
                signed.push((name, value));
            }
        }
        Ok(signed)
    }
}

/// A header that may be there only once.
fn one<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<Option<&'h str>, SignatureError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(|value| value.to_str().map_err(|_| SignatureError::NotText(name.to_owned())));
    if values.next().is_some() {
        return Err(SignatureError::Repeated(name));
    }
    value.transpose()
}

/// When the request was signed, as it says and as a time.
fn signing_time(headers: &HeaderMap) -> Result<(&str, SystemTime), SignatureError> {
    let date = one(headers, DATE)?.ok_or(SignatureError::Date)?;
    let form = format_description!("[year][month][day]T[hour][minute][second]Z");
    let time = PrimitiveDateTime::parse(date, form).map_err(|_| SignatureError::Date)?;
    Ok((date, time.assume_utc().into()))
}

fn skew(one: SystemTime, other: SystemTime) -> Duration {
    one.duration_since(other).unwrap_or_else(|earlier| earlier.duration())
}

fn check_token(headers: &HeaderMap, identity: &Identity) -> Result<(), SignatureError> {
    match (one(headers, TOKEN)?, &identity.session_token) {
        (None, None) => Ok(()),
        (Some(given), Some(expected)) if equal(given, expected) => Ok(()),
        _ => Err(SignatureError::Token),
    }
}

/// The signature covers the body's hash whether or not a header names it. One that says something else, or that the
/// payload isn't signed, is wrong.
fn check_payload_hash(headers: &HeaderMap, body: &[u8]) -> Result<(), SignatureError> {
    match one(headers, PAYLOAD_HASH)? {
        Some(hash) if hash != Digest::sha256(body).encoded() => Err(SignatureError::Payload),
        _ => Ok(()),
    }
}

/// What the identity would have signed the request with; None when it can't be signed. The settings are those of every
/// service but S3: paths are normalized and encoded once more.
fn signature(
    identity: &Identity,
    region: &str,
    service: &str,
    time: SystemTime,
    head: &Parts,
    headers: Vec<(&str, &str)>,
    body: &[u8],
) -> Option<String> {
    let mut settings = SigningSettings::default();
    // Which headers are signed is the client's choice.
    settings.excluded_headers = None;
    let token = identity.session_token.clone();
    let credentials = Credentials::new(&identity.access_key_id, &identity.secret_access_key, token, None, "local");
    let credentials = credentials.into();
    let params = v4::SigningParams::builder().identity(&credentials).region(region).name(service);
    let params = params.time(time).settings(settings).build().ok()?.into();
    let target = head.uri.path_and_query()?.as_str();
    let body = SignableBody::Bytes(body);
    let request = SignableRequest::new(head.method.as_str(), target, headers.into_iter(), body).ok()?;
    Some(sign(request, &params).ok()?.into_parts().1)
}

/// In constant time.
fn equal(left: &str, right: &str) -> bool {
    verify_slices_are_equal(left.as_bytes(), right.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests;

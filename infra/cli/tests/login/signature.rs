//! Whether a request carries the signature that it should.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sdk_sts::primitives::{DateTime, DateTimeFormat};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;

use crate::desk::SECRET_KEY;
use crate::registry::Seen;

/// Signs the request again as `access_key_id` and compares.
pub(crate) fn assert_signed(seen: &Seen, access_key_id: &str, session_token: Option<&str>, region: &str) {
    assert_eq!(seen.line, "POST /login HTTP/1.1");
    assert_eq!(seen.header("content-length"), Some("0"));
    assert_eq!(seen.header("x-amz-security-token"), session_token);
    let token = session_token.map(str::to_owned);
    let identity = Credentials::new(access_key_id, SECRET_KEY, token, None, "test").into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("execute-api")
        .time(time(seen.header("x-amz-date").unwrap()))
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let url = format!("http://{}/login", seen.header("host").unwrap());
    let request = SignableRequest::new("POST", url, std::iter::empty(), SignableBody::Bytes(&[])).unwrap();
    let (instructions, _) = sign(request, &parameters).unwrap().into_parts();
    let expected = instructions.headers().find(|(name, _)| *name == "authorization").unwrap().1;
    assert_eq!(seen.header("authorization"), Some(expected));
    let signed = if session_token.is_some() { "host;x-amz-date;x-amz-security-token" } else { "host;x-amz-date" };
    assert!(expected.contains(&format!("SignedHeaders={signed},")), "{expected}");
}

/// `20261231T235959Z`
fn time(text: &str) -> SystemTime {
    let (date, clock) = text.trim_end_matches('Z').split_once('T').unwrap();
    let part = |text: &str, from: usize| text[from..from + 2].to_owned();
    let date = [&date[..4], &part(date, 4), &part(date, 6)].join("-");
    let clock = [part(clock, 0), part(clock, 2), part(clock, 4)].join(":");
    DateTime::from_str(&format!("{date}T{clock}Z"), DateTimeFormat::DateTime).unwrap().try_into().unwrap()
}

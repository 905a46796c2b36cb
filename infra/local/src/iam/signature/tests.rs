//! The example that AWS publishes, as it is and with one thing changed.

use http::HeaderName;
use http::header::HeaderValue;

use super::*;

/// 2015-08-30 12:36:00 UTC
const SIGNED_AT: u64 = 1_440_938_160;

/// The example of the AWS General Reference, "Signature Version 4 signing process": who signs, and what.
fn example() -> (Identity, Parts) {
    let identity = Identity {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
        session_token: None,
        arn: "arn:aws:iam::123456789012:user/example".to_owned(),
        account_id: "123456789012".to_owned(),
        user_id: "AIDAEXAMPLE".to_owned(),
    };
    let authorization = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
                         SignedHeaders=content-type;host;x-amz-date, \
                         Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
    let request = http::Request::get("/?Action=ListUsers&Version=2010-05-08")
        .header("Host", "iam.amazonaws.com")
        .header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
        .header("X-Amz-Date", "20150830T123600Z")
        .header("Authorization", authorization);
    (identity, request.body(()).unwrap().into_parts().0)
}

type Change = Box<dyn Fn(&mut HeaderMap)>;

fn set(name: &'static str, value: &'static [u8]) -> Change {
    Box::new(move |headers| _ = headers.insert(name, HeaderValue::from_bytes(value).unwrap()))
}

fn add(name: &'static str) -> Change {
    Box::new(move |headers| _ = headers.append(name, HeaderValue::from_static("1")))
}

fn remove(name: &'static str) -> Change {
    Box::new(move |headers| _ = headers.remove(name))
}

/// In `Authorization`.
fn replace(from: &'static str, to: &'static str) -> Change {
    Box::new(move |headers| {
        let value = headers[header::AUTHORIZATION].to_str().unwrap();
        assert!(value.contains(from), "{value}");
        let value = HeaderValue::from_str(&value.replace(from, to)).unwrap();
        headers.insert(header::AUTHORIZATION, value);
    })
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// What the example's receiver says to it after a change.
fn changed(change: impl FnOnce(&mut Identity, &mut HeaderMap)) -> Result<(), SignatureError> {
    let (mut identity, mut head) = example();
    change(&mut identity, &mut head.headers);
    let identities = Identities::new("us-east-1", [identity]);
    identities.authenticate("iam", &head, b"", at(SIGNED_AT)).map(drop)
}

#[test]
fn the_published_example_is_its_signers() {
    let (identity, head) = example();
    let identities = Identities::new("us-east-1", [identity.clone()]);
    assert_eq!(identities.authenticate("iam", &head, b"", at(SIGNED_AT)), Ok(&identity));
    assert_eq!(identities.authenticate("iam", &head, b" ", at(SIGNED_AT)), Err(SignatureError::Mismatch));
    assert_eq!(identities.authenticate("sts", &head, b"", at(SIGNED_AT)), Err(SignatureError::Scope));
    let elsewhere = Identities::new("us-east-2", [identity]);
    assert_eq!(elsewhere.authenticate("iam", &head, b"", at(SIGNED_AT)), Err(SignatureError::Scope));
}

#[test]
fn a_signature_is_good_for_five_minutes_before_and_after() {
    let (identity, head) = example();
    let identities = Identities::new("us-east-1", [identity]);
    for (now, good) in [(-301, false), (-300, true), (300, true), (301, false)] {
        let now = at(SIGNED_AT.checked_add_signed(now).unwrap());
        let expected = if good { Ok(()) } else { Err(SignatureError::Skewed) };
        assert_eq!(identities.authenticate("iam", &head, b"", now).map(drop), expected);
    }
}

#[test]
fn each_refusal_has_its_reason() {
    use SignatureError::*;
    let cases: [(Change, SignatureError); 20] = [
        (remove("authorization"), Missing),
        (set("authorization", b"Basic QVdTOng="), Malformed),
        (set("authorization", b""), Malformed),
        (set("authorization", b"\xff"), NotText("authorization".to_owned())),
        (replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), Malformed),
        (replace("content-type;host", "host;content-type"), Malformed),
        (replace("host;", "host;host;"), Malformed),
        (add("authorization"), Repeated("authorization")),
        (add("host"), Repeated("host")),
        (add("x-amz-date"), Repeated("x-amz-date")),
        (set("content-type", b"\xff"), NotText("content-type".to_owned())),
        (replace("host;", ""), Unsigned("host".to_owned())),
        (replace(";x-amz-date", ""), Unsigned("x-amz-date".to_owned())),
        (add("x-amz-security-token"), Unsigned("x-amz-security-token".to_owned())),
        (remove("content-type"), Absent("content-type".to_owned())),
        (remove("x-amz-date"), Date),
        (set("x-amz-date", b"2015-08-30T12:36:00Z"), Date),
        (replace("/20150830/", "/20150831/"), Scope),
        (replace("AKIDEXAMPLE", "AKIDOTHER"), UnknownKey),
        (replace("Signature=5", "Signature=6"), Mismatch),
    ];
    for (change, reason) in cases {
        assert_eq!(changed(|_, headers| change(headers)), Err(reason));
    }
    assert_eq!(changed(|identity, _| identity.session_token = Some("token".to_owned())), Err(Token));
    assert_eq!(changed(|identity, _| identity.secret_access_key.clear()), Err(Mismatch));
    let hash = |_: &mut Identity, headers: &mut HeaderMap| {
        headers.insert(HeaderName::from_static(PAYLOAD_HASH), HeaderValue::from_static("UNSIGNED-PAYLOAD"));
        replace("host;", "host;x-amz-content-sha256;")(headers);
    };
    assert_eq!(changed(hash), Err(Payload));
}

//! Routes with IAM authorization.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sigv4::http_request::{SessionTokenMode, SignableBody, SignatureLocation};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::HeaderValue;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use local::gateway::{Gateway, Invoke, InvokeError, Options};
use local::iam::Identity;
use protocol::{Digest, Function};
use serde_json::{Value, json};

use crate::harness::{identities, session, unknown, user, with_another_secret};
use crate::signed::{Signing, post};

/// Routes of every kind.
const TEMPLATE: &str = "Resources:
  F: {Type: 'AWS::Serverless::Function', Metadata: {BuildProperties: {Binary: auth}}}
  I: {Type: 'AWS::ApiGatewayV2::Integration', Properties: {PayloadFormatVersion: '2.0', IntegrationUri: !GetAtt F.Arn}}
  A: {Type: 'AWS::ApiGatewayV2::Route', Properties: {RouteKey: '$default', Target: !Sub 'integrations/${I}'}}
  B: {Type: 'AWS::ApiGatewayV2::Route', Properties: {RouteKey: 'POST /open', AuthorizationType: NONE, Target: !Sub 'integrations/${I}'}}
  C: {Type: 'AWS::ApiGatewayV2::Route', Properties: {RouteKey: 'POST /login', AuthorizationType: AWS_IAM, Target: !Sub 'integrations/${I}'}}
  D: {Type: 'AWS::ApiGatewayV2::Route', Properties: {RouteKey: 'ANY /signed/{proxy+}', AuthorizationType: AWS_IAM, Target: !Sub 'integrations/${I}'}}
";

const TARGET: &str = "/signed/login?first=1&second=2";

/// A function that keeps the event.
#[derive(Default)]
struct Kept(Mutex<Option<Value>>);

impl Invoke for Kept {
    fn invoke(&self, _: Function, event: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, InvokeError>> {
        *self.0.lock().unwrap() = Some(serde_json::from_slice(&event).unwrap());
        Box::pin(async { Ok(json!({"statusCode": 200}).to_string().into_bytes()) })
    }
}

/// The event that the function got; None when the gateway answered that it is forbidden.
async fn ask_with(options: Options, request: Request<Bytes>) -> Option<Value> {
    let function = Arc::new(Kept::default());
    let gateway = Gateway::new(TEMPLATE, options, function.clone()).unwrap();
    let (head, body) = gateway.handle(request.map(Full::new), "192.0.2.7:4711".parse().unwrap()).await.into_parts();
    let event = function.0.lock().unwrap().take();
    if event.is_none() {
        assert_eq!(head.status, 403);
        assert_eq!(head.headers["content-type"], "application/json");
        assert_eq!(body.collect().await.unwrap().to_bytes(), r#"{"message":"Forbidden"}"#);
    }
    event
}

async fn ask(request: Request<Bytes>) -> Option<Value> {
    ask_with(Options { identities: Some(identities()), ..Options::default() }, request).await
}

/// What the event says of who signed.
fn authorizer(identity: &Identity) -> Value {
    json!({"iam": {
        "accessKey": identity.access_key_id,
        "accountId": identity.account_id,
        "callerId": identity.user_id,
        "cognitoIdentity": null,
        "principalOrgId": null,
        "userArn": identity.arn,
        "userId": identity.user_id,
    }})
}

#[tokio::test]
async fn the_function_learns_who_signed() {
    for identity in [user(), session()] {
        for target in ["/login", TARGET, "/signed/a%20b/./c//d%2Fe?x=%2F&x=+&y", "/signed/a?"] {
            let mut request = post(target);
            Signing::of(identity.clone()).sign(&mut request);
            let event = ask(request).await.unwrap_or_else(|| panic!("{identity:?}, {target}"));
            assert_eq!(event["requestContext"]["authorizer"], authorizer(&identity));
        }
    }
}

/// A request that differs from a good one, while it is signed or afterwards.
struct Variant {
    what: &'static str,
    signing: fn(&mut Signing),
    unsigned: fn(&mut Request<Bytes>),
    signed: fn(&mut Request<Bytes>),
}

impl Variant {
    fn of_signing(what: &'static str, signing: fn(&mut Signing)) -> Self {
        Self { what, signing, unsigned: |_| {}, signed: |_| {} }
    }

    fn before(what: &'static str, unsigned: fn(&mut Request<Bytes>)) -> Self {
        Self { what, signing: |_| {}, unsigned, signed: |_| {} }
    }

    fn afterwards(what: &'static str, signed: fn(&mut Request<Bytes>)) -> Self {
        Self { what, signing: |_| {}, unsigned: |_| {}, signed }
    }

    fn request(&self) -> Request<Bytes> {
        let (mut signing, mut request) = (Signing::new(), post(TARGET));
        (self.signing)(&mut signing);
        (self.unsigned)(&mut request);
        signing.sign(&mut request);
        (self.signed)(&mut request);
        request
    }
}

fn insert(request: &mut Request<Bytes>, name: &'static str, value: &str) {
    request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
}

fn repeat(request: &mut Request<Bytes>, name: &'static str) {
    let value = request.headers()[name].clone();
    request.headers_mut().append(name, value);
}

fn replace_in(request: &mut Request<Bytes>, name: &'static str, from: &str, to: &str) {
    let value = request.headers()[name].to_str().unwrap().to_owned();
    assert!(value.contains(from), "{value}");
    insert(request, name, &value.replace(from, to));
}

#[tokio::test]
async fn every_way_of_signing_rightly_is_accepted() {
    let variants = [
        Variant::of_signing("as it is", |_| {}),
        Variant::of_signing("four minutes ago", |signing| signing.time -= Duration::from_secs(4 * 60)),
        Variant::of_signing("in four minutes", |signing| signing.time += Duration::from_secs(4 * 60)),
        Variant::of_signing("only what has to be", |signing| {
            signing.settings.excluded_headers = Some(vec![Cow::Borrowed("accept"), Cow::Borrowed("content-type")]);
        }),
        Variant {
            what: "headers that clients leave out",
            signing: |signing| signing.settings.excluded_headers = None,
            unsigned: |request| insert(request, "user-agent", "test/1   (two  words)"),
            signed: |_| {},
        },
        Variant::before("a header with several values", |request| {
            request.headers_mut().append("accept", HeaderValue::from_static("text/html"));
        }),
        Variant::before("the payload's hash", |request| {
            insert(request, "x-amz-content-sha256", Digest::sha256(b"{}").encoded());
        }),
        Variant::before("no body", |request| *request.body_mut() = Bytes::new()),
        Variant::afterwards("no spaces between the fields", |request| replace_in(request, "authorization", ", ", ",")),
        Variant::afterwards("what proxies add", |request| insert(request, "x-forwarded-for", "203.0.113.9")),
    ];
    for variant in variants {
        let event = ask(variant.request()).await.unwrap_or_else(|| panic!("{}", variant.what));
        assert_eq!(event["requestContext"]["authorizer"], authorizer(&user()), "{}", variant.what);
    }
}

#[tokio::test]
async fn every_way_of_signing_wrongly_is_forbidden() {
    let variants = [
        Variant::of_signing("with another secret", |signing| signing.identity = with_another_secret(user())),
        Variant::of_signing("with somebody else's secret", |signing| {
            signing.identity.secret_access_key = session().secret_access_key;
        }),
        Variant::of_signing("with no secret", |signing| signing.identity.secret_access_key.clear()),
        Variant::of_signing("with an unknown key", |signing| signing.identity = unknown()),
        Variant::of_signing("for another service", |signing| signing.service = "sts"),
        Variant::of_signing("for another region", |signing| signing.region = "eu-west-1"),
        Variant::of_signing("six minutes ago", |signing| signing.time -= Duration::from_secs(6 * 60)),
        Variant::of_signing("in six minutes", |signing| signing.time += Duration::from_secs(6 * 60)),
        Variant::of_signing("a day ago", |signing| signing.time -= Duration::from_secs(24 * 60 * 60)),
        Variant::of_signing("in the query", |signing| {
            signing.settings.signature_location = SignatureLocation::QueryParams;
            signing.settings.expires_in = Some(Duration::from_secs(60));
        }),
        Variant::of_signing("without the host", |signing| {
            signing.settings.excluded_headers = Some(vec![Cow::Borrowed("host")]);
        }),
        Variant::of_signing("without the date", |signing| {
            signing.settings.excluded_headers = Some(vec![Cow::Borrowed("x-amz-date")]);
        }),
        Variant::of_signing("another body", |signing| signing.payload = Some(SignableBody::Bytes(b"[]"))),
        Variant {
            what: "no payload",
            signing: |signing| signing.payload = Some(SignableBody::UnsignedPayload),
            unsigned: |request| insert(request, "x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
            signed: |_| {},
        },
        Variant::of_signing("no payload, and no word of it", |signing| {
            signing.payload = Some(SignableBody::UnsignedPayload);
        }),
        Variant::before("another payload's hash", |request| {
            insert(request, "x-amz-content-sha256", Digest::sha256(b"[]").encoded());
        }),
        Variant {
            what: "another payload with its hash",
            signing: |signing| signing.payload = Some(SignableBody::Bytes(b"[]")),
            unsigned: |request| insert(request, "x-amz-content-sha256", Digest::sha256(b"[]").encoded()),
            signed: |_| {},
        },
        Variant::of_signing("with a session's key and no token", |signing| {
            signing.identity = Identity { session_token: None, ..session() };
        }),
        Variant::of_signing("with a session's key and another token", |signing| {
            signing.identity = Identity { session_token: Some("another".to_owned()), ..session() };
        }),
        Variant::of_signing("with a session's key and an unsigned token", |signing| {
            signing.identity = session();
            signing.settings.session_token_mode = SessionTokenMode::Exclude;
        }),
        Variant::of_signing("with a user's key and a token", |signing| {
            signing.identity.session_token = session().session_token;
        }),
        Variant {
            what: "with the token there twice",
            signing: |signing| signing.identity = session(),
            unsigned: |_| {},
            signed: |request| repeat(request, "x-amz-security-token"),
        },
    ];
    for variant in variants {
        assert_eq!(ask(variant.request()).await, None, "{}", variant.what);
    }
}

#[tokio::test]
async fn every_change_after_the_signature_is_forbidden() {
    let variants = [
        Variant::afterwards("no signature", |request| _ = request.headers_mut().remove("authorization")),
        Variant::afterwards("two signatures", |request| repeat(request, "authorization")),
        Variant::afterwards("a password beside the signature", |request| {
            request.headers_mut().append("authorization", HeaderValue::from_static("Basic QVdTOng="));
        }),
        Variant::afterwards("a password", |request| insert(request, "authorization", "Basic QVdTOng=")),
        Variant::afterwards("an empty header", |request| insert(request, "authorization", "")),
        Variant::afterwards("bytes that aren't text", |request| {
            request.headers_mut().insert("authorization", HeaderValue::from_bytes(b"AWS4-HMAC-SHA256 \xff").unwrap());
        }),
        Variant::afterwards("another algorithm", |request| replace_in(request, "authorization", "SHA256", "SHA1")),
        Variant::afterwards("another terminator", |request| replace_in(request, "authorization", "aws4_", "aws5_")),
        Variant::afterwards("more of a scope", |request| replace_in(request, "authorization", "/us-", "/x/us-")),
        Variant::afterwards("somebody else's key id", |request| {
            replace_in(request, "authorization", "AKIAUSER", "ASIASESSION");
        }),
        Variant::afterwards("fewer signed headers", |request| replace_in(request, "authorization", "accept;", "")),
        Variant::afterwards("a field missing", |request| replace_in(request, "authorization", "Signature=", "")),
        Variant::afterwards("no signature in the field", |request| {
            let value = request.headers()["authorization"].to_str().unwrap().to_owned();
            insert(request, "authorization", value.split_inclusive("Signature=").next().unwrap());
        }),
        Variant::afterwards("a longer signature", |request| {
            let value = request.headers()["authorization"].to_str().unwrap().to_owned() + "0";
            insert(request, "authorization", &value);
        }),
        Variant::afterwards("another method", |request| *request.method_mut() = Method::PUT),
        Variant::afterwards("another path", |request| {
            *request.uri_mut() = TARGET.replace("/login", "/logout").parse().unwrap();
        }),
        Variant::afterwards("another query", |request| {
            *request.uri_mut() = TARGET.replace("second=2", "second=3").parse().unwrap();
        }),
        Variant::afterwards("no query", |request| *request.uri_mut() = "/signed/login".parse().unwrap()),
        Variant::afterwards("another body", |request| *request.body_mut() = Bytes::from_static(b"[]")),
        Variant::afterwards("another host", |request| insert(request, "host", "registry.example.org")),
        Variant::afterwards("two hosts", |request| repeat(request, "host")),
        Variant::afterwards("no host", |request| _ = request.headers_mut().remove("host")),
        Variant::afterwards("another value", |request| insert(request, "accept", "text/html")),
        Variant::afterwards("another value more", |request| repeat(request, "accept")),
        Variant::afterwards("a value missing", |request| _ = request.headers_mut().remove("accept")),
        Variant::afterwards("a value that isn't text", |request| {
            request.headers_mut().insert("accept", HeaderValue::from_bytes(b"\xff").unwrap());
        }),
        Variant::afterwards("another date", |request| {
            let date = request.headers()["x-amz-date"].to_str().unwrap().to_owned();
            let other = if date.ends_with("0Z") { "1Z" } else { "0Z" };
            insert(request, "x-amz-date", &(date[..14].to_owned() + other));
        }),
        Variant::afterwards("two dates", |request| repeat(request, "x-amz-date")),
        Variant::afterwards("no date", |request| _ = request.headers_mut().remove("x-amz-date")),
        Variant::afterwards("no date of a day", |request| insert(request, "x-amz-date", "20260231T000000Z")),
        Variant::afterwards("an unsigned x-amz header", |request| insert(request, "x-amz-other", "1")),
        Variant::afterwards("an unsigned token", |request| insert(request, "x-amz-security-token", "token")),
        Variant::afterwards("an unsigned hash", |request| {
            insert(request, "x-amz-content-sha256", Digest::sha256(b"{}").encoded());
        }),
    ];
    for variant in variants {
        assert_eq!(ask(variant.request()).await, None, "{}", variant.what);
    }
}

#[tokio::test]
async fn without_identities_nobody_is_let_in() {
    let mut request = post(TARGET);
    Signing::new().sign(&mut request);
    assert_eq!(ask_with(Options::default(), request).await, None);
}

#[tokio::test]
async fn other_routes_take_no_notice_of_signatures() {
    for (method, target, key) in [
        ("POST", "/open", "POST /open"),
        ("POST", "/login/", "$default"),
        ("GET", "/login", "$default"),
        ("POST", "/LOGIN", "$default"),
        ("POST", "/%6cogin", "$default"),
        ("POST", "/", "$default"),
    ] {
        for signing in [None, Some(Signing::new()), Some(Signing::of(unknown()))] {
            let mut request = post(target);
            *request.method_mut() = method.parse().unwrap();
            if let Some(signing) = signing {
                signing.sign(&mut request);
            }
            let event = ask(request).await.unwrap();
            assert_eq!(event["routeKey"], key, "{method} {target}");
            assert_eq!(event["requestContext"].get("authorizer"), None, "{method} {target}");
        }
    }
}

/// A request that says in every place that an admin sends it.
fn forged(target: &str) -> Request<Bytes> {
    let admin = json!({"iam": {"userArn": "arn:aws:iam::123456789012:user/admin"}});
    let query = "authorizer=admin&requestContext.authorizer.iam.userArn=admin&requestContext%5Bauthorizer%5D=admin";
    let mut request = post(&format!("{target}?{query}"));
    *request.body_mut() = json!({"requestContext": {"authorizer": admin}, "authorizer": admin}).to_string().into();
    for name in ["authorizer", "requestcontext", "requestcontext.authorizer", "x-amzn-request-context", "cookie"] {
        insert(&mut request, name, &json!({"authorizer": admin}).to_string());
    }
    request
}

#[tokio::test]
async fn nothing_that_a_client_sends_becomes_an_authorizer() {
    let event = ask(forged("/open")).await.unwrap();
    assert_eq!(event["requestContext"].get("authorizer"), None);
    assert_eq!(event.get("authorizer"), None);
    assert_eq!(ask(forged("/login")).await, None);
    let mut request = forged("/login");
    Signing::new().sign(&mut request);
    let event = ask(request).await.unwrap();
    assert_eq!(event["requestContext"]["authorizer"], authorizer(&user()));
    assert_eq!(event.get("authorizer"), None);
}

#[test]
fn authorization_types_that_arent_emulated_are_refused_at_the_start() {
    for kind in ["JWT", "CUSTOM", "aws_iam", ""] {
        let template = TEMPLATE.replace("AuthorizationType: AWS_IAM", &format!("AuthorizationType: '{kind}'"));
        let error = Gateway::new(&template, Options::default(), Arc::new(Kept::default())).err().unwrap();
        let expected = format!("resource C: the local gateway doesn't know the authorization type {kind:?}");
        assert_eq!(error.to_string(), expected);
    }
    let template = TEMPLATE.replace("AuthorizationType: AWS_IAM", "AuthorizationType: [AWS_IAM]");
    assert!(Gateway::new(&template, Options::default(), Arc::new(Kept::default())).is_err());
}

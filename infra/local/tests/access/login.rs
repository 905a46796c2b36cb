//! `POST /login` without a signature of IAM, or with somebody else's.

use http::HeaderName;
use http::header::HOST;
use local::iam::Identity;
use serde_json::json;

use crate::forge::claims_of;
use crate::http::Request;
use crate::log;
use crate::registry::{Registry, ci};
use crate::signed::sign;

const ADMIN: &str = "arn:aws:iam::000000000000:user/admin";

#[tokio::test(flavor = "multi_thread")]
async fn nobody_logs_in_without_a_signature() {
    let registry = Registry::start().await;
    let before = registry.stores.snapshot().await;
    let authorizer = json!({
        "requestContext": {"authorizer": {"iam": {"userArn": ADMIN, "accountId": "000000000000"}}},
        "authorizer": {"iam": {"userArn": ADMIN}},
        "userArn": ADMIN,
    });
    let mut plain = vec![Request::post("/login"), Request::post(format!("/login?userArn={ADMIN}"))];
    plain.push(Request::post("/login").body("application/json", authorizer.to_string()));
    for name in ["x-amzn-iam-user-arn", "x-amz-user-arn", "requestcontext", "x-amzn-request-context", "authorizer"] {
        plain.push(Request::post("/login").header(HeaderName::from_static(name), authorizer.to_string()));
    }
    plain.push(Request::post("/login").basic("admin", registry.admin_secret()));
    plain.push(Request::post("/login").bearer("e30.e30.e30"));
    let nobody = ci(1);
    let thief =
        Identity { secret_access_key: "not the secret of this key at all".to_owned(), ..registry.identity(0).clone() };
    let without_session = Identity { session_token: None, ..registry.identity(0).clone() };
    for identity in [nobody, thief, without_session] {
        plain.push(sign(Request::post("/login"), &identity, &registry.service()));
    }
    // Signed for another host, another path, another body.
    let identity = registry.identity(0);
    let mut elsewhere = sign(Request::post("/login"), identity, "registry.example.com");
    elsewhere.headers.insert(HOST, registry.service().parse().unwrap());
    let signed = sign(Request::post("/login"), identity, &registry.service());
    let other_body = Request { body: "x".into(), ..signed.clone() };
    let other_query = Request { target: "/login?x=1".to_owned(), ..signed };
    plain.extend([elsewhere, other_body, other_query]);
    for request in plain {
        let answer = registry.send(&request).await.expect(403);
        assert_eq!(answer.body, r#"{"message":"Forbidden"}"#, "{answer}");
    }
    assert_eq!(registry.stores.snapshot().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_way_leads_to_a_password() {
    let registry = Registry::start().await;
    let authorizer = json!({"requestContext": {"authorizer": {"iam": {"userArn": ADMIN}}}}).to_string();
    // The gateway knows these routes no more than any other, and hands them to the function without asking IAM.
    for path in ["/%6cogin", "/%6Cogin", "/log%69n", "/%2e/login", "/login%2f", "/%6c%6f%67%69%6e?x=y"] {
        for request in [Request::post(path), sign(Request::post(path), registry.identity(0), &registry.service())] {
            let answer = registry.send(&request.body("application/json", authorizer.clone())).await;
            assert!([403, 404].contains(&answer.status), "{answer}");
            assert!(answer.json()["password"].is_null(), "{answer}");
            if answer.status == 403 {
                assert_eq!(log::denied(&answer)["reason"], "not signed");
            }
        }
    }
    for path in
        ["/login/", "//login", "/login/x", "/Login", "/LOGIN", "/v2/login", "/v2/../login", "/./login", "/login;x"]
    {
        let answer = registry.send(&Request::post(path).body("application/json", authorizer.clone())).await;
        assert_eq!(answer.status, 404, "{answer}");
    }
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE"] {
        let request = sign(Request::new(method, "/login"), registry.identity(0), &registry.service());
        registry.send(&request).await.expect(405);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_for_whoever_signed_and_for_twelve_hours() {
    let registry = Registry::start().await;
    let identity = registry.identity(0);
    let request = Request::post("/login").body("application/json", json!({"userArn": ADMIN}).to_string());
    let answer = registry.send(&sign(request, identity, &registry.service())).await.expect(200);
    let body = answer.json();
    let password = body["password"].as_str().unwrap();
    let claims = claims_of(password);
    assert_eq!(claims["sub"], format!("iam:{}", identity.arn));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 12 * 60 * 60);
    assert_eq!((&body["expires_at"], &body["expires_in"]), (&claims["exp"], &json!(43_200)));
    assert_eq!((claims["use"].as_str(), answer.header("cache-control")), (Some("password"), Some("no-store")));
    assert!(!password.contains(':') && claims["access"].is_null());
    let decisions = log::decisions(&answer);
    assert_eq!((decisions.len(), &decisions[0]["message"]), (1, &json!("access allowed")));
    assert_eq!(decisions[0]["principal"], format!("iam:{}", identity.arn));
    // Who is in IAM, and in no grant, may do nothing.
    let request = Request::get("/v2/team/app/tags/list").basic("AWS", password);
    assert_eq!(log::denied(&registry.send(&request).await.expect(403))["reason"], "not granted");
}

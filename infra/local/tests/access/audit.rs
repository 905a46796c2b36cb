//! One line for each decision, for whoever has to know later. That no secret is in any of them is looked at when each
//! registry of these tests ends, and that every request of the matrix has its line, there.

use serde_json::{Value, json};

use crate::http::Request;
use crate::log;
use crate::registry::{Registry, token_request};

/// The one decision on a request, without what differs from one to the next.
fn decision(answer: &crate::http::Answer) -> Value {
    let [mut decision]: [Value; 1] = log::decisions(answer).try_into().unwrap();
    assert_eq!(decision["request_id"], answer.header("x-request-id").unwrap());
    assert_eq!(decision["level"], "INFO");
    let fields = decision.as_object_mut().unwrap();
    fields.retain(|name, _| !["timestamp", "level", "target", "span", "spans", "request_id"].contains(&name.as_str()));
    decision
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_says_who_what_where_and_why_not() {
    let registry = Registry::start().await;
    registry.grants(&[("arn:aws:iam::123456789012:role/Ci", &[("team/*", "pull")])], &["open/*"]).await;
    let secret = registry.user("member", &[("team/*", "pull,push")]).await;
    let scopes = ["repository:team/app:pull,push", "repository:team/from:pull"];
    let asked = registry.ask_token("member", &secret, &scopes).await.expect(200);
    assert_eq!(
        decision(&asked),
        json!({
            "message": "access allowed",
            "principal": "user:member",
            "action": "token",
            "scope": "repository:team/app:pull,push repository:team/from:pull",
        })
    );
    let token = crate::registry::token_in(&asked);
    let password = registry.password(registry.identity(0)).await;
    let iam = "iam:arn:aws:sts::123456789012:assumed-role/Ci/run-1";
    let digest = format!("sha256:{}", "0".repeat(64));
    let allowed =
        |principal: &str, action: &str| json!({"message": "access allowed", "principal": principal, "action": action});
    let with = |mut decision: Value, name: &str, value: &str| {
        decision[name] = value.into();
        decision
    };
    let denied = |principal: &str, action: &str, repository: Option<&str>, reason: &str| {
        let decision = json!({"message": "access denied", "principal": principal, "action": action, "reason": reason});
        repository.map_or(decision.clone(), |name| with(decision, "repository", name))
    };
    let mount = format!("/v2/team/app/blobs/uploads/?mount={digest}&from=team/from");
    for (request, expected) in [
        (Request::get("/v2/").bearer(&token), allowed("user:member", "authenticate")),
        (Request::get("/v2/"), denied("anonymous", "authenticate", None, "no credentials")),
        (
            Request::get("/v2/team/app/tags/list").bearer(&token),
            with(allowed("user:member", "pull"), "repository", "team/app"),
        ),
        (
            Request::post(mount).bearer(&token),
            with(with(allowed("user:member", "push"), "repository", "team/app"), "source", "team/from"),
        ),
        (
            Request::new("DELETE", "/v2/team/app/manifests/latest").bearer(&token),
            denied("user:member", "delete", Some("team/app"), "not in the token"),
        ),
        (Request::get("/v2/_catalog").bearer(&token), denied("user:member", "catalog", None, "not in the token")),
        (Request::get("/v2/_catalog").basic("AWS", &password), allowed(iam, "catalog")),
        (
            Request::post("/v2/team/app/blobs/uploads/").basic("AWS", &password),
            denied(iam, "push", Some("team/app"), "not granted"),
        ),
        (
            Request::get("/v2/team/app/tags/list").bearer("e30.e30.e30"),
            denied("unknown", "pull", Some("team/app"), "it is not a token of this registry"),
        ),
        (token_request(&["repository:rest/here:pull"]), denied("anonymous", "token", None, "no credentials")),
        (
            token_request(&scopes).basic("nobody", "a long and wrong password"),
            denied("unknown", "token", None, "no such user"),
        ),
    ] {
        let answer = registry.send(&request).await;
        assert_eq!(decision(&answer), expected, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_writes_into_a_request_does_not_break_out_of_its_line() {
    let registry = Registry::start().await;
    let forged = "x%0a%7B%22message%22:%22access%20allowed%22,%22principal%22:%22user:admin%22%7D%0a";
    for path in [format!("/v2/{forged}/tags/list"), format!("/{forged}")] {
        let answer = registry.send(&Request::get(path)).await;
        assert!([400, 404].contains(&answer.status), "{answer}");
        // Each line was read as JSON of its own when it was written; this one is a part of its own line only.
        assert!(log::decisions(&answer).is_empty());
        assert!(log::about(&answer).iter().all(|line| line["message"] != "access allowed"));
    }
    let answer = registry.ask_token("x\n{\"message\":\"access allowed\"}\n", "y", &[]).await.expect(401);
    assert_eq!(decision(&answer)["principal"], "unknown");
}

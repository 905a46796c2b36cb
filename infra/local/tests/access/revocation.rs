//! How long what was taken away still works.
//!
//! The token endpoint looks at users and grants every time. A token that was issued before is good until its end, a
//! password on the registry's own routes may do for a minute what it might; a function that has just started knows
//! nothing of former times.

use std::time::Duration;

use access::{Actions, Secret};
use serde_json::json;
use storage::DocumentName;

use crate::forge::claims_of;
use crate::http::{Answer, Request};
use crate::instance::Instance;
use crate::log;
use crate::registry::{Registry, Setup, token_in, token_request};

const SCOPE: &[&str] = &["repository:team/app:pull,push"];
const ROLE: &str = "arn:aws:iam::123456789012:role/Ci";
/// How long a client waits for a change, before a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

fn tags() -> Request {
    Request::get("/v2/team/app/tags/list")
}

/// Repeats a request until it is answered so.
async fn until(registry: &Registry, request: &Request, status: u16) -> Answer {
    let repeated = async {
        loop {
            let answer = registry.send(request).await;
            if answer.status == status {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, repeated).await.unwrap_or_else(|_| panic!("no {status} in {PATIENCE:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_was_taken_away_gets_no_more_tokens_at_once() {
    let registry = Registry::start().await;
    for name in ["disabled", "expired", "rotated", "removed"] {
        let secret = registry.user(name, &[("team/*", "pull,push")]).await;
        let issued = registry.ask_token(name, &secret, SCOPE).await.expect(200);
        let token = token_in(&issued);
        match name {
            "disabled" => registry.change_user(name, |user| user.enabled = false).await,
            "expired" => registry.change_user(name, |user| user.expires_at = Some(runtime::now())).await,
            "rotated" => {
                let next = Secret::generate().unwrap();
                registry.change_user(name, |user| user.rotate(&next, 0, runtime::now())).await;
                registry.token(name, next.expose(), SCOPE).await;
            }
            _ => registry.write(DocumentName::User(name), None).await,
        }
        let refused = registry.ask_token(name, &secret, SCOPE).await.expect(401);
        assert_eq!(log::denied(&refused)["action"], "token");
        // What was issued is good for as long as it says.
        let claims = claims_of(&token);
        let lifetime = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
        assert_eq!(lifetime, runtime::TOKEN_LIFETIME);
        assert!(issued.json()["expires_in"].as_u64().is_some_and(|announced| announced <= lifetime));
        registry.send(&tags().bearer(&token)).await.expect(404);
    }
}

/// Sends a request with a new token, and again when that has ended before it was looked at, for it may be slow here.
async fn renewed(registry: &Registry, secret: &str, request: &Request) -> Answer {
    let repeated = async {
        loop {
            let token = registry.token("member", secret, SCOPE).await;
            let answer = registry.send(&request.clone().bearer(&token)).await;
            if answer.status != 401 {
                return answer;
            }
        }
    };
    tokio::time::timeout(PATIENCE, repeated).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_when_it_says_and_a_renewed_one_goes_on() {
    let registry = Registry::with(Setup { token_lifetime: 2, ..Setup::default() }).await;
    let secret = registry.user("member", &[("team/*", "pull,push")]).await;
    let open = Request::post("/v2/team/app/blobs/uploads/");
    let session = renewed(&registry, &secret, &open).await.expect(202).header("location").unwrap().to_owned();
    let patch = Request::new("PATCH", session).body("application/octet-stream", b"x".as_slice());

    let token = registry.token("member", &secret, SCOPE).await;
    let expires_at = claims_of(&token)["exp"].as_u64().unwrap();
    let get = until(&registry, &tags().bearer(&token), 401).await;
    assert!(runtime::now() >= expires_at);
    // In the middle of a push.
    let ended = registry.send(&patch.clone().bearer(&token)).await.expect(401);
    for answer in [get, ended] {
        assert!(answer.header("www-authenticate").unwrap().ends_with("error=\"invalid_token\""), "{answer}");
        assert_eq!(log::denied(&answer)["reason"], "it has expired");
    }
    renewed(&registry, &secret, &patch).await.expect(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_does_not_outlive_its_user_by_more_than_a_minute() {
    let registry = Registry::start().await;
    let secret = registry.user("member", &[("team/*", "pull")]).await;
    let now = runtime::now();
    for (ends_in, most) in [(30, 60), (120, 120)] {
        registry.change_user("member", |user| user.expires_at = Some(now + ends_in)).await;
        let claims = claims_of(&registry.token("member", &secret, SCOPE).await);
        let lifetime = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
        assert!((60..=most).contains(&lifetime), "{lifetime}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrowed_grant_narrows_the_next_token() {
    let registry = Registry::start().await;
    let secret = registry.user("member", &[("team/*", "pull,push")]).await;
    registry.grants(&[(ROLE, &[("team/*", "pull,push")])], &["team/*"]).await;
    let password = registry.password(registry.identity(0)).await;
    let actions = async |user: &str, password: &str| {
        let token = registry.token(user, password, SCOPE).await;
        claims_of(&token)["access"][0]["actions"].clone()
    };
    for user in [("member", &secret), ("AWS", &password)] {
        assert_eq!(actions(user.0, user.1).await, json!(["pull", "push"]));
    }
    registry.anonymous_token(SCOPE).await;

    let pull: Actions = "pull".parse().unwrap();
    registry.change_user("member", |user| user.grants[0].actions = pull).await;
    registry.grants(&[(ROLE, &[("team/*", "pull")])], &[]).await;
    for user in [("member", &secret), ("AWS", &password)] {
        assert_eq!(actions(user.0, user.1).await, json!(["pull"]));
    }
    registry.send(&token_request(SCOPE)).await.expect(401);

    registry.change_user("member", |user| user.grants.clear()).await;
    registry.grants(&[], &[]).await;
    for user in [("member", &secret), ("AWS", &password)] {
        assert!(actions(user.0, user.1).await.is_null());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_follows_the_grants_within_a_minute() {
    // What is read once counts for so long.
    assert_eq!(runtime::GRANTS_FOR, Duration::from_secs(60));
    let registry = Registry::start().await;
    registry.grants(&[(ROLE, &[("team/*", "pull,push")])], &[]).await;
    let password = registry.password(registry.identity(0)).await;
    let request = tags().basic("AWS", &password);
    let (before, after) = (Instance::started(&registry).await, Instance::started(&registry).await);
    before.send(&request).await.expect(404);
    registry.grants(&[], &[]).await;
    // Whoever has not read them yet refuses at once.
    after.send(&request).await.expect(403);
    Instance::new(&registry).send(&request).await.expect(403);
    // And a grant that was made is there at once.
    registry.grants(&[(ROLE, &[("team/*", "pull")])], &[]).await;
    Instance::started(&registry).await.send(&request).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_secret_that_was_rotated_is_good_at_once_and_the_old_one_is_not() {
    let registry = Registry::start().await;
    let (user, old) = registry.pull_secret().await;
    let ask = |password: &str| token_request(SCOPE).basic(&user, password);
    let pulls = |token: &str| claims_of(token)["access"][0]["actions"].clone();
    assert_eq!(pulls(&token_in(&registry.send(&ask(&old)).await.expect(200))), json!(["pull"]));

    let new = Secret::generate().unwrap();
    registry.rotate_pull_secret(&user, new.expose()).await;
    let fresh = Instance::started(&registry).await;
    let token = fresh.send(&ask(new.expose())).await.expect(200).token();
    registry.keep_secret(&token);
    fresh.send(&ask(&old)).await.expect(401);
    // A function that has read the old one looks again when another comes, ten seconds later at the latest, and from then
    // on the old one is over.
    until(&registry, &ask(new.expose()), 200).await;
    let refused = registry.send(&ask(&old)).await.expect(401);
    log::denied(&refused);

    // One that nobody has filled lets nobody in.
    registry.rotate_pull_secret(&user, "").await;
    Instance::started(&registry).await.send(&ask("")).await.expect(401);
}

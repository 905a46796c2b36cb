//! The token endpoint, asked in ways that nobody asks it in.

use serde_json::{Value, json};

use crate::forge::claims_of;
use crate::http::Request;
use crate::log;
use crate::registry::{Registry, token_in, token_request};

const SCOPE: &str = "repository:team/app:pull,push";

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_for_whoever_showed_the_password_and_for_this_registry() {
    let registry = Registry::start().await;
    let secret = registry.user("member", &[("team/*", "pull")]).await;
    let ask = |query: &str| Request::get(format!("/token?scope={SCOPE}&{query}")).basic("member", &secret);
    let service = registry.service();
    let right = format!("service={service}");
    for query in [
        "",
        &right,
        "account=admin",
        "client_id=admin&account=root&offline_token=true",
        "sub=user:admin&aud=other&exp=99999999999",
        "access=%5B%7B%22type%22%3A%22repository%22%7D%5D",
    ] {
        let token = token_in(&registry.send(&ask(query)).await.expect(200));
        let claims = claims_of(&token);
        assert_eq!((&claims["sub"], &claims["aud"]), (&json!("user:member"), &json!(service)), "{query}");
        let granted = json!([{"type": "repository", "name": "team/app", "actions": ["pull"]}]);
        assert_eq!(claims["access"], granted, "{query}");
    }
    for query in ["service=registry.example.com", "service=", "service=registry.example.com&service=127.0.0.1"] {
        let answer = registry.send(&ask(query)).await.expect(400);
        assert!(log::about(&answer).iter().any(|line| line["status"] == 400), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_names_the_form_counts_and_has_to_be_right() {
    let registry = Registry::start().await;
    let secret = registry.user("member", &[("team/*", "pull")]).await;
    let form = |user: &str, password: &str| {
        let fields = [("grant_type", "password"), ("scope", SCOPE), ("username", user), ("password", password)];
        Request::post("/token").form(&fields)
    };
    let admin = registry.admin_secret();
    let token = token_in(&registry.send(&form("member", &secret).basic("admin", admin)).await.expect(200));
    assert_eq!(claims_of(&token)["sub"], "user:member");
    for (user, password) in [("admin", secret.as_str()), ("member", admin), ("member", ""), ("", ""), ("admin", "x")] {
        let answer = registry.send(&form(user, password).basic("admin", admin)).await.expect(401);
        assert_eq!(log::denied(&answer)["action"], "token");
    }
    // The first of each counts.
    let twice = format!("grant_type=password&username=member&username=admin&password={secret}&password={admin}");
    let twice = Request::post("/token").body("application/x-www-form-urlencoded", twice);
    assert_eq!(claims_of(&token_in(&registry.send(&twice).await.expect(200)))["sub"], "user:member");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_grants_than_a_password_and_larger_forms_are_refused() {
    let registry = Registry::start().await;
    let secret = registry.user("member", &[("team/*", "pull")]).await;
    let token = registry.token("member", &secret, &[SCOPE]).await;
    let forms: &[&[(&str, &str)]] = &[
        &[("grant_type", "refresh_token"), ("refresh_token", &token), ("scope", SCOPE)],
        &[("grant_type", "client_credentials"), ("username", "member"), ("password", &secret)],
        &[("grant_type", "PASSWORD"), ("username", "member"), ("password", &secret)],
        &[("username", "member"), ("password", &secret)],
        &[("grant_type", "password"), ("username", "member")],
        &[("grant_type", "password"), ("password", &secret)],
        &[],
    ];
    for form in forms {
        let answer = registry.send(&Request::post("/token").form(form)).await.expect(400);
        assert!(answer.json()["token"].is_null());
    }
    let filled = |length: usize| {
        let form = format!("grant_type=password&username=member&password={secret}&x=");
        let filling = "x".repeat(length - form.len());
        registry.keep_secret(&secret);
        Request::post("/token").body("application/x-www-form-urlencoded", form + &filling)
    };
    registry.send(&filled(64 * 1024)).await.expect(200);
    registry.send(&filled(64 * 1024 + 1)).await.expect(400);
    registry.send(&filled(1024 * 1024)).await.expect(400);
    let no_text =
        Request::post("/token").body("application/x-www-form-urlencoded", b"grant_type=password\xff".as_slice());
    registry.send(&no_text).await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_fits_into_a_header_whatever_is_asked() {
    let registry = Registry::start().await;
    let secret = registry.user("member", &[("team/*", "pull,push,delete"), ("x*", "pull")]).await;
    let scopes: Vec<String> = (0..3000).map(|n| format!("repository:team/{n}:pull,push")).collect();
    let long = format!("registry:catalog:* repository:team/{}:* {}", "n".repeat(250), scopes.join(" "));
    let mut forms = vec![("grant_type", "password"), ("username", "member"), ("password", &secret)];
    forms.extend(scopes.iter().map(|scope| ("scope", scope.as_str())).take(1000));
    let joined = [&forms[..3], &[("scope", &long[..45_000])]].concat();
    for form in [&forms, &joined] {
        let answer = registry.send(&Request::post("/token").form(form)).await.expect(200);
        let token = token_in(&answer);
        assert!(format!("authorization: Bearer {token}\r\n").len() < 8 * 1024, "{} bytes", token.len());
        assert!(claims_of(&token)["access"].as_array().unwrap().len() > 10);
        let left_out = &log::decisions(&answer)[0]["left_out"];
        assert!(left_out.as_u64().is_some_and(|count| count > 100), "{left_out}");
        registry.send(&Request::get("/v2/team/0/tags/list").bearer(&token)).await.expect(404);
    }
    // In a URL, as much as the gateway takes.
    let some: Vec<&str> = scopes.iter().map(String::as_str).take(200).collect();
    let token = registry.token("member", &secret, &some).await;
    assert!(token.len() < 8 * 1024);
    let more: Vec<&str> = scopes.iter().map(String::as_str).take(500).collect();
    registry.ask_token("member", &secret, &more).await.expect(431);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_name_and_a_wrong_password_are_told_apart_by_nobody_outside() {
    let registry = Registry::start().await;
    for name in ["member", "disabled", "expired"] {
        registry.user(name, &[("team/*", "pull")]).await;
    }
    registry.change_user("disabled", |user| user.enabled = false).await;
    registry.change_user("expired", |user| user.expires_at = Some(runtime::now())).await;
    let mut seen = Vec::new();
    for name in
        ["member", "nobody", "disabled", "expired", "ecs", "aws", "AWS", "Member", "", "member ", "../admin", "ä"]
    {
        let answer = registry.ask_token(name, "a wrong password of some length", &[SCOPE]).await.expect(401);
        assert!(answer.header("www-authenticate").unwrap().starts_with("Basic realm="), "{answer}");
        log::denied(&answer);
        seen.push(answer.without_names(&[]));
    }
    assert!(seen.iter().all(|other| *other == seen[0]), "{seen:?}");
    // Nor does a token say more when it is asked for without a password.
    let anonymous = registry.send(&token_request(&[SCOPE])).await.expect(401);
    assert_eq!(anonymous.json()["errors"][0]["detail"], Value::Null);
}

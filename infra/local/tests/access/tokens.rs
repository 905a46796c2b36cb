//! Tokens that the registry didn't sign, or not for this.

use serde_json::{Value, json};

use crate::forge::{Forge, claims_of, encode, message};
use crate::http::Request;
use crate::log;
use crate::registry::{Registry, ci};

/// A route behind the gateway, and one that the streaming front answers.
fn requests() -> [Request; 2] {
    [Request::get("/v2/team/app/tags/list"), Request::post("/v2/team/app/blobs/uploads/")]
}

/// Refuses it everywhere, as a token and as a password, and writes that down.
async fn assert_worthless(registry: &Registry, what: &str, token: &str) {
    let before = registry.stores.snapshot().await;
    for request in requests() {
        let answer = registry.send(&request.clone().bearer(token)).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "UNAUTHORIZED"), "{what}: {answer}");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.contains("scope=\"repository:team/app:pull"), "{what}: {challenge}");
        assert!(challenge.ends_with(",error=\"invalid_token\""), "{what}: {challenge}");
        assert_eq!(log::denied(&answer)["principal"], "unknown", "{what}");

        let answer = registry.send(&request.basic("AWS", token)).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "UNAUTHORIZED"), "{what}: {answer}");
        log::denied(&answer);
    }
    let answer = registry.ask_token("AWS", token, &["repository:team/app:pull"]).await;
    assert_eq!(answer.status, 401, "{what}: {answer}");
    assert_eq!(log::denied(&answer)["action"], "token", "{what}");
    assert_eq!(registry.stores.snapshot().await, before, "{what}");
}

/// So that a forged token isn't refused for a fault of the forger's.
async fn assert_the_forge_works(registry: &Registry, forge: &Forge) {
    let token = forge.sign(&forge.header(), &forge.claims());
    for (request, status) in requests().into_iter().zip([404, 202]) {
        registry.send(&request.bearer(&token)).await.expect(status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_algorithm_than_ours_is_refused() {
    let registry = Registry::start().await;
    let forge = registry.forge().await;
    assert_the_forge_works(&registry, &forge).await;
    let good = forge.sign(&forge.header(), &forge.claims());
    let signature = good.rsplit('.').next().unwrap();
    for alg in ["none", "None", "NONE", "nOnE", "", "ES256", "RS256", "HS512", "eddsa", "Ed448"] {
        let message = message(&forge.header_with("alg", json!(alg)), &forge.claims());
        for token in [format!("{message}."), message.clone(), format!("{message}.{signature}")] {
            assert_worthless(&registry, &format!("alg {alg:?}"), &token).await;
        }
        let signed = forge.sign(&forge.header_with("alg", json!(alg)), &forge.claims());
        assert_worthless(&registry, &format!("alg {alg:?}, signed with Ed25519"), &signed).await;
    }
    for alg in [Value::Null, json!(0), json!(["EdDSA"]), json!({"none": true})] {
        let signed = forge.sign(&forge.header_with("alg", alg.clone()), &forge.claims());
        assert_worthless(&registry, &format!("alg {alg}"), &signed).await;
    }
    // What everybody may know, taken for a secret.
    for secret in [forge.public.clone(), encode(&forge.public).into_bytes(), Vec::from(forge.kid.as_bytes())] {
        assert_worthless(&registry, "HS256", &forge.sign_with_hmac(&secret)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_than_ours_is_refused() {
    let registry = Registry::start().await;
    let forge = registry.forge().await;
    assert_the_forge_works(&registry, &forge).await;
    let foreign = forge.foreign();
    assert_worthless(&registry, "a foreign key under our name", &foreign.sign(&foreign.header(), &foreign.claims()))
        .await;
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": encode(&foreign.public)});
    for header in [foreign.header_with("jwk", jwk), foreign.header_with("jku", json!("http://127.0.0.1:9/keys"))] {
        assert_worthless(&registry, "a key that the token brings along", &foreign.sign(&header, &forge.claims())).await;
    }
    for kid in [json!("0123456789abcdef"), json!(""), json!("../CURRENT"), json!(1), Value::Null] {
        let signed = forge.sign(&forge.header_with("kid", kid.clone()), &forge.claims());
        assert_worthless(&registry, &format!("kid {kid}"), &signed).await;
    }
    let other = Registry::start().await;
    let theirs = other.forge().await;
    let claims = theirs.claims_with("aud", json!(registry.service()));
    assert_worthless(&registry, "the key of another registry", &theirs.sign(&theirs.header(), &claims)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_another_time_place_or_use_is_refused() {
    let registry = Registry::start().await;
    let forge = registry.forge().await;
    assert_the_forge_works(&registry, &forge).await;
    let (now, service) = (runtime::now(), registry.service());
    for (name, value) in [
        ("exp", json!(now)),
        ("exp", json!(now - 1)),
        ("exp", json!(0)),
        ("exp", json!(-1)),
        ("exp", json!((now + 300).to_string())),
        ("exp", json!(1e30)),
        // The clocks of two functions may be half a minute apart.
        ("nbf", json!(now + 600)),
        ("nbf", json!(u64::MAX)),
        ("aud", json!("registry.example.com")),
        ("aud", json!("")),
        ("aud", json!([service])),
        ("aud", json!(format!("{service} "))),
        ("use", json!("password")),
        ("use", json!("refresh")),
        ("use", json!("ACCESS")),
        ("sub", json!("root")),
        ("sub", json!("user:")),
        ("access", json!([{"type": "repository", "name": "team/*", "actions": ["pull"]}])),
        ("access", json!([{"type": "repository", "name": "team/app", "actions": ["*"]}])),
        ("access", json!("*")),
    ] {
        let signed = forge.sign(&forge.header(), &forge.claims_with(name, value.clone()));
        assert_worthless(&registry, &format!("{name} {value}"), &signed).await;
    }
    for name in ["exp", "nbf", "iat", "aud", "sub", "use", "jti"] {
        let signed = forge.sign(&forge.header(), &forge.claims_without(name));
        assert_worthless(&registry, &format!("no {name}"), &signed).await;
    }
    // Without a word of what is granted nothing is.
    let signed = forge.sign(&forge.header(), &forge.claims_without("access"));
    let answer = registry.send(&requests()[0].clone().bearer(&signed)).await.expect(401);
    assert!(answer.header("www-authenticate").unwrap().ends_with("error=\"insufficient_scope\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_changed_is_refused() {
    let registry = Registry::start().await;
    let forge = registry.forge().await;
    let secret = registry.user("puller", &[("team/*", "pull")]).await;
    let token = registry.token("puller", &secret, &["repository:team/app:pull"]).await;
    registry.send(&requests()[0].clone().bearer(&token)).await.expect(404);
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("{} parts", parts.len()) };

    let mut more = claims_of(&token);
    more["access"][0]["actions"] = json!(["pull", "push", "delete"]);
    let mut later = claims_of(&token);
    later["exp"] = json!(runtime::now() + 1_000_000);
    let mut other = claims_of(&token);
    other["sub"] = json!("user:admin");
    for claims in [more, later, other] {
        let changed = format!("{header}.{}.{signature}", encode(claims.to_string().as_bytes()));
        assert_worthless(&registry, "altered claims", &changed).await;
    }
    let altered = encode(forge.header_with("x", json!(1)).to_string().as_bytes());
    assert_worthless(&registry, "an altered header", &format!("{altered}.{claims}.{signature}")).await;
    let second = registry.admin_token(&["repository:team/app:pull,push"]).await;
    let theirs = second.rsplit('.').next().unwrap();
    assert_worthless(&registry, "another token's signature", &format!("{header}.{claims}.{theirs}")).await;

    for token in [
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        "..".to_owned(),
        ".".to_owned(),
        header.to_owned(),
        format!("{token}."),
        format!("{token}.{signature}"),
        format!("{token}="),
        format!("{token}A"),
        format!("{header}.{claims}.{signature}{signature}"),
        format!("{header}.{claims}.{}", "A".repeat(86)),
        format!("\"{token}\""),
    ] {
        assert_worthless(&registry, "pieces are missing, or too many", &token).await;
    }
    for end in [1, token.len() / 4, token.len() / 2, token.len() - 44, token.len() - 1] {
        assert_worthless(&registry, "truncated", &token[..end]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_no_password_and_a_password_no_token() {
    let registry = Registry::start().await;
    registry.grants(&[("arn:aws:iam::123456789012:role/Ci", &[("team/*", "pull,push")])], &[]).await;
    let password = registry.password(registry.identity(0)).await;
    let [get, post] = requests();
    registry.send(&get.clone().basic("AWS", &password)).await.expect(404);
    let as_token = registry.send(&get.clone().bearer(&password)).await.expect(401);
    assert!(log::denied(&as_token)["reason"].as_str().unwrap().contains("another use"));

    let token = registry.token("AWS", &password, &["repository:team/app:pull,push"]).await;
    registry.send(&get.clone().bearer(&token)).await.expect(404);
    for request in [get.basic("AWS", &token), post.basic("AWS", &token)] {
        let as_password = registry.send(&request).await.expect(401);
        assert!(log::denied(&as_password)["reason"].as_str().unwrap().contains("another use"));
    }
    registry.ask_token("AWS", &token, &["repository:team/app:pull"]).await.expect(401);

    // Nobody but a principal of IAM gets such a password, whoever it was signed by.
    let forge = registry.forge().await;
    let mut claims = forge.claims_with("use", json!("password"));
    claims["sub"] = json!(format!("iam:{}", ci(9).arn));
    let theirs = forge.sign(&forge.header(), &claims);
    registry.send(&requests()[0].clone().basic("AWS", &theirs)).await.expect(404);
    for sub in ["user:admin", "anyone", "anonymous", "pull-secret"] {
        claims["sub"] = json!(sub);
        let forged = forge.sign(&forge.header(), &claims);
        log::denied(&registry.send(&requests()[0].clone().basic("AWS", &forged)).await.expect(401));
        log::denied(&registry.ask_token("AWS", &forged, &["repository:team/app:pull"]).await.expect(401));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_one_repository_is_none_for_another() {
    let registry = Registry::start().await;
    for repository in ["team/app", "team/app2", "team/ap", "team/app/sub"] {
        registry.push_image(repository).await;
    }
    let token = registry.admin_token(&["repository:team/app:pull"]).await;
    registry.send(&Request::get("/v2/team/app/tags/list").bearer(&token)).await.expect(200);
    for repository in ["team/app2", "team/ap", "team/app/sub", "team/none"] {
        let answer =
            registry.send(&Request::get(format!("/v2/{repository}/tags/list")).bearer(&token)).await.expect(401);
        let expected = format!(
            "Bearer realm=\"http://{0}/token\",service=\"{0}\",scope=\"repository:{repository}:pull\",error=\"insufficient_scope\"",
            registry.service()
        );
        assert_eq!(answer.header("www-authenticate"), Some(expected.as_str()));
        assert_eq!(log::denied(&answer)["principal"], "user:admin");
    }
}

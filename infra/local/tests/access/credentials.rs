//! The header field `Authorization` in all its forms.

use http::HeaderName;
use http::header::HOST;

use crate::http::{Request, basic};
use crate::log;
use crate::registry::{Registry, token_request};

/// One that passes the gateway and one that the streaming front answers, with what they answer to somebody who may.
fn requests() -> [(Request, u16); 2] {
    [(Request::get("/v2/team/app/tags/list"), 404), (Request::post("/v2/team/app/blobs/uploads/"), 202)]
}

const SCOPE: &[&str] = &["repository:team/app:pull,push"];

#[tokio::test(flavor = "multi_thread")]
async fn two_sets_of_credentials_are_refused_whichever_is_right() {
    let registry = Registry::start().await;
    let good = format!("Bearer {}", registry.admin_token(SCOPE).await);
    let right = basic("admin", registry.admin_secret());
    let wrong = basic("admin", "a password that isn't right at all");
    for (first, second) in [(&good, &good), (&good, &wrong), (&wrong, &good), (&good, &"Bearer a.b.c".to_owned())] {
        for request in requests().map(|(request, _)| request) {
            let two = request.clone().authorization(first).authorization(second);
            let joined = request.clone().authorization(format!("{first}, {second}"));
            let close = request.authorization(format!("{first},{second}"));
            for request in [two, joined, close] {
                let answer = registry.send(&request).await.expect(401);
                assert!(log::denied(&answer)["reason"].as_str().unwrap().contains("more than one"), "{answer}");
            }
        }
    }
    for (first, second) in [(&right, &right), (&right, &wrong), (&wrong, &right), (&good, &right)] {
        let request = token_request(SCOPE).authorization(first).authorization(second);
        let answer = registry.send(&request).await.expect(400);
        assert!(log::about(&answer).iter().any(|line| line["status"] == 400), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn schemes_are_read_in_any_case_and_nothing_is_guessed() {
    let registry = Registry::start().await;
    let token = registry.admin_token(SCOPE).await;
    for (request, status) in requests() {
        for good in ["Bearer ", "bearer ", "BEARER ", "bEaReR ", "Bearer    "] {
            let answer = registry.send(&request.clone().authorization(format!("{good}{token}"))).await;
            assert_eq!(answer.status, status, "{good:?}: {answer}");
        }
        // HTTP takes the space around a field's value away.
        registry.send(&request.clone().authorization(format!("  Bearer {token} \t"))).await.expect(status);
    }
    let before = registry.stores.snapshot().await;
    for (request, _) in requests() {
        for bad in [
            String::new(),
            "Bearer".to_owned(),
            "Bearer ".to_owned(),
            format!("Bearer\t{token}"),
            format!("Bearer{token}"),
            format!("Bearer {token} x"),
            format!("Bearer \"{token}\""),
            format!("Bearer token={token}"),
            format!("Bearer: {token}"),
            format!("Token {token}"),
            format!("Negotiate {token}"),
            format!("AWS4-HMAC-SHA256 Credential={token}"),
            token.clone(),
            "Basic".to_owned(),
            "Basic ".to_owned(),
            "Basic ====".to_owned(),
            "Basic YWRtaW4=".to_owned(),
            "Basic /////w==".to_owned(),
            format!("Basic {token}"),
            basic("AWS", ""),
            basic("aws", &token),
            basic("", ""),
            basic("admin", registry.admin_secret()),
            basic("ADMIN", registry.admin_secret()),
        ] {
            let answer = registry.send(&request.clone().authorization(&bad)).await;
            assert_eq!(answer.status, 401, "{bad:?}: {answer}");
            assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer "), "{bad:?}: {answer}");
            log::denied(&answer);
        }
        let no_text = registry.send(&request.authorization(b"Bearer \xff\xfe")).await.expect(401);
        log::denied(&no_text);
    }
    assert_eq!(registry.stores.snapshot().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_in_another_place_count_for_nothing() {
    let registry = Registry::start().await;
    let token = registry.admin_token(SCOPE).await;
    for name in
        ["proxy-authorization", "x-authorization", "cookie", "x-amzn-remapped-authorization", "x-forwarded-user"]
    {
        for (request, _) in requests() {
            let request = request.header(HeaderName::from_static(name), format!("Bearer {token}"));
            log::denied(&registry.send(&request).await.expect(401));
        }
    }
    for (request, _) in requests() {
        let target = format!("{}?access_token={token}&token={token}", request.target);
        log::denied(&registry.send(&Request { target, ..request }).await.expect(401));
    }
    registry.keep_secret(&token);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_are_too_long_are_refused() {
    let registry = Registry::start().await;
    let [(get, _), (post, _)] = requests();
    for length in [8 * 1024 + 1, 9_900] {
        let long = "a".repeat(length - "Bearer ".len());
        for request in [&get, &post] {
            let answer = registry.send(&request.clone().bearer(&long)).await.expect(401);
            assert!(log::denied(&answer)["reason"].as_str().unwrap().contains("longer than 8192 bytes"));
        }
        registry.send(&token_request(SCOPE).bearer(&long)).await.expect(400);
        registry.send(&token_request(SCOPE).authorization(format!("Basic {long}"))).await.expect(400);
    }
    // What the gateway doesn't take doesn't come further.
    let longer = "a".repeat(10_240);
    registry.send(&get.bearer(&longer)).await.expect(431);
    log::denied(&registry.send(&post.bearer(&longer)).await.expect(401));
    // The longest that is read at all isn't a token either.
    let longest = format!("e30.{}.", "a".repeat(8 * 1024 - "Bearer e30..".len()));
    log::denied(&registry.send(&requests()[0].0.clone().bearer(&longest)).await.expect(401));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_for_the_host_that_it_was_asked_at() {
    let registry = Registry::start().await;
    let secret = registry.admin_secret();
    let at = |request: Request, host: &str| request.header(HOST, host);
    let elsewhere = registry.send(&at(token_request(SCOPE), "registry.example.com").basic("admin", secret)).await;
    let elsewhere = crate::registry::token_in(&elsewhere.expect(200));
    let here = registry.admin_token(SCOPE).await;
    for (request, status) in requests() {
        registry.send(&at(request.clone(), "registry.example.com").bearer(&elsewhere)).await.expect(status);
        // A name has no case.
        registry.send(&at(request.clone(), "Registry.EXAMPLE.com").bearer(&elsewhere)).await.expect(status);
        for (host, token) in [
            (registry.service(), &elsewhere),
            ("registry.example.com".to_owned(), &here),
            ("registry.example.com.".to_owned(), &elsewhere),
            ("registry.example.com:443".to_owned(), &elsewhere),
        ] {
            let answer = registry.send(&at(request.clone(), &host).bearer(token)).await.expect(401);
            assert!(log::denied(&answer)["reason"].as_str().unwrap().contains("another registry"), "{answer}");
        }
        // A host that is none doesn't break out of the challenge.
        let answer = registry.send(&at(request, "x\",realm=\"http://evil.example").bearer(&here)).await.expect(401);
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer realm=\"http://xrealmhttp:evil.example/token\",service="), "{challenge}");
        assert_eq!((challenge.matches("realm=").count(), challenge.matches('"').count()), (1, 8), "{challenge}");
    }
}

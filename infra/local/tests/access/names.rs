//! Names that are written so that one part of the registry may take them for another's.

use access::RepositoryPattern;
use protocol::{Digest, RepositoryName};

use crate::forge::claims_of;
use crate::http::Request;
use crate::registry::{MANIFEST, Registry, Setup};

/// Ways to write what isn't `team/app`, to somebody who may do everything below `team`.
const ODD: &[&str] = &[
    "team/../rest/here",
    "team/..%2frest/here",
    "team%2f..%2frest%2fhere",
    "team/%2e%2e/rest/here",
    "team/%252e%252e/rest/here",
    "team/./app",
    "team//app",
    "/team/app",
    "./team/app",
    "team/app/",
    "team/app/.",
    "team/app%00",
    "team/app%00/rest/here",
    "team/app%0a",
    "team/app%20",
    "team/app%23",
    "team/app%3f",
    "team/app;x",
    "team/app%5c..%5crest",
    "team\\app",
    "TEAM/app",
    "Team/App",
    "team/APP",
    "te\u{430}m/app",
    "te%D0%B0m/app",
    "team/\u{ff41}pp",
    "team/app\u{200b}",
    "te%c0%aam/app",
    "team/%61%ff",
    "team/a%zzpp",
    "*",
    "team/*",
    "team/%2a",
];

/// Ways to write a repository that nobody gave them.
const THEIRS: &[&str] = &["rest/here", "rest%2Fhere", "rest%252Fhere", "%72est/here", "%2572est/here", "rest/%68ere"];

/// Ways to write `team/app`: an escape more or less leads to the same name, and to the same decision.
const OURS: &[&str] = &["team/app", "team%2Fapp", "team%2fapp", "team%252Fapp", "%74eam/app", "%2574eam/app"];

fn requests(name: &str, digest: &Digest) -> Vec<Request> {
    let paths = [
        ("GET", format!("/v2/{name}/tags/list")),
        ("GET", format!("/v2/{name}/manifests/latest")),
        ("HEAD", format!("/v2/{name}/manifests/latest")),
        ("PUT", format!("/v2/{name}/manifests/latest")),
        ("DELETE", format!("/v2/{name}/manifests/latest")),
        ("GET", format!("/v2/{name}/blobs/{digest}")),
        ("GET", format!("/v2/{name}/referrers/{digest}")),
        ("POST", format!("/v2/{name}/blobs/uploads/")),
    ];
    let request = |(method, path)| Request::new(method, path).body(MANIFEST, crate::registry::Image::new().manifest);
    paths.into_iter().map(request).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_written_oddly_opens_nothing() {
    for front in [true, false] {
        let registry = Registry::with(Setup { front, ..Setup::default() }).await;
        let image = registry.push_image("rest/here").await;
        registry.push_image("team/app").await;
        let digest = Digest::sha256(&image.config);
        registry.grants(&[("arn:aws:iam::123456789012:role/Ci", &[("team*", "pull,push,delete")])], &[]).await;
        let password = registry.password(registry.identity(0)).await;
        let scopes = ["repository:team/app:pull,push,delete", "repository:rest/here:pull,push,delete"];
        let token = registry.token("AWS", &password, &scopes).await;

        let before = registry.stores.snapshot().await;
        for name in ODD.iter().chain(THEIRS) {
            for request in requests(name, &digest) {
                for request in [request.clone().bearer(&token), request.basic("AWS", &password)] {
                    let (answer, calls) = registry.calls(&request).await;
                    assert!((400..500).contains(&answer.status), "{answer}");
                    // Once a minute, a password makes the grants be read.
                    assert!(calls.is_empty() || calls == ["GetItem"], "{calls:?}: {answer}");
                }
            }
        }
        for name in THEIRS {
            for request in requests(name, &digest) {
                assert_eq!(registry.send(&request.clone().bearer(&token)).await.status, 401);
                assert_eq!(registry.send(&request.basic("AWS", &password)).await.status, 403);
            }
        }
        assert_eq!(registry.stores.snapshot().await, before);
        for name in OURS {
            let answer = registry.send(&Request::get(format!("/v2/{name}/tags/list")).bearer(&token)).await.expect(200);
            assert_eq!(answer.json()["name"], "team/app");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_is_written_oddly_grants_nothing() {
    let registry = Registry::start().await;
    let secret = registry.user("member", &[("team/*", "pull,push")]).await;
    let odd = ODD.iter().chain(THEIRS).chain(&OURS[1..]).map(|name| format!("repository:{name}:pull,push"));
    let more = [
        "repository:team/app",
        "repository:team/app:",
        "repository:team/app:delete",
        "repository:team/app:PULL",
        "repository:team/app:pull push",
        "Repository:team/app:pull",
        "repository(x):team/app:pull",
        "registry:team/app:pull",
        "registry:catalog:pull",
        "registry:catalog:",
        "registry:*:*",
        ":team/app:pull",
        "::",
        ":",
        "*",
        "repository:team/app,rest/here:pull",
        "repository:team/app:pull:repository:rest/here",
        "repository:rest/here:pull,team/app:pull",
    ];
    for scope in odd.chain(more.map(str::to_owned)) {
        let get = registry.ask_token("member", &secret, &[&scope]).await;
        let form = [("grant_type", "password"), ("username", "member"), ("password", &secret), ("scope", &scope)];
        let post = registry.send(&Request::post("/token").form(&form)).await;
        for answer in [get, post] {
            let claims = claims_of(&crate::registry::token_in(&answer.expect(200)));
            // `pull push` are two scopes, of which the first is good.
            let expected = scope == "repository:team/app:pull push";
            assert_eq!(!claims["access"].is_null(), expected, "{scope:?}: {claims}");
        }
        // For nobody there is nothing at all.
        registry.send(&crate::registry::token_request(&[&scope])).await.expect(401);
    }
}

#[test]
fn a_pattern_cannot_be_made_that_is_slow() {
    // What an engine with backtracking would take longer for than the universe is old.
    let name: RepositoryName = "a".repeat(RepositoryName::MAX_LENGTH).parse().unwrap();
    let slow: RepositoryPattern = format!("{}b", "a*".repeat(127)).parse().unwrap();
    let stars: RepositoryPattern = format!("{}b", "*".repeat(255)).parse().unwrap();
    // The worst there is: half of it is compared at every place.
    let worst: RepositoryPattern = format!("*{}b", "a".repeat(127)).parse().unwrap();
    for _ in 0..1000 {
        assert!(!slow.matches(&name) && !stars.matches(&name) && !worst.matches(&name));
    }
    assert!("a*".repeat(128).parse::<RepositoryPattern>().unwrap().matches(&name));
    assert!(!slow.covers(&stars));
    // And none can be longer.
    assert!("a*".repeat(129).parse::<RepositoryPattern>().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_with_many_such_patterns_still_answer() {
    let registry = Registry::start().await;
    let pattern = |n: usize| format!("{}{n}", "a*".repeat(120));
    let patterns: Vec<String> = (0..500).map(pattern).collect();
    let grants: Vec<(&str, &str)> = patterns.iter().map(|pattern| (pattern.as_str(), "pull")).collect();
    let secret = registry.user("slow", &grants).await;
    let name = "a".repeat(RepositoryName::MAX_LENGTH);
    let scopes: Vec<String> = (0..10).map(|n| format!("repository:{}{n}x:pull", &name[2..])).collect();
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let token = registry.token("slow", &secret, &scopes).await;
    assert!(claims_of(&token)["access"].is_null());
}

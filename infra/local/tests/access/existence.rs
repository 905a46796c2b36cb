//! Whoever may not read a repository doesn't learn what is in it.

use protocol::Digest;
use serde_json::json;

use crate::http::{Answer, Request};
use crate::log;
use crate::registry::{MANIFEST, Registry};

const HIDDEN: &[u8] = b"what nobody may know of";

/// A registry with a blob that is in `rest/here` only, and the token of somebody who may do everything below `team`.
async fn registry() -> (Registry, String, Digest, Digest) {
    let registry = Registry::start().await;
    registry.push_image("rest/here").await;
    registry.push_image("team/app").await;
    let present = registry.push_blob("rest/here", HIDDEN).await;
    let secret = registry.user("member", &[("team/*", "pull,push,delete")]).await;
    let scopes =
        ["repository:team/app:pull,push,delete", "repository:rest/here:pull,push", "repository:rest/gone:pull"];
    let token = registry.token("member", &secret, &scopes).await;
    (registry, token, present, Digest::sha256(b"what isn't anywhere"))
}

/// What differs between two requests anyway.
fn shape(answer: &Answer, digest: &Digest) -> (u16, Vec<(String, String)>, String) {
    let session = answer.header("docker-upload-uuid").unwrap_or("no session").to_owned();
    let (status, headers, body) = answer.without_names(&[&digest.to_string(), &session, "rest/here", "rest/gone"]);
    (status, headers, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_may_not_be_read_looks_like_one_that_is_not_there() {
    let (registry, token, present, absent) = registry().await;
    for method in ["HEAD", "GET", "DELETE"] {
        let mut seen = Vec::new();
        for (repository, digest) in [("here", &present), ("here", &absent), ("gone", &present)] {
            let request = Request::new(method, format!("/v2/rest/{repository}/blobs/{digest}")).bearer(&token);
            let (answer, calls) = registry.calls(&request).await;
            log::denied(&answer);
            seen.push((shape(&answer, digest), calls));
        }
        assert_eq!(seen[0].0.0, 401);
        assert!(seen.iter().all(|other| *other == seen[0]), "{method}: {seen:?}");
    }
    // Nor in a repository that may be read, and doesn't have it.
    for digest in [&present, &absent] {
        registry.send(&Request::get(format!("/v2/team/app/blobs/{digest}")).bearer(&token)).await.expect(404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mount_from_where_one_may_not_read_is_an_upload_whether_or_not_the_blob_is_there() {
    let (registry, token, present, absent) = registry().await;
    let forms: &[&str] = &[
        "mount={digest}&from=rest/here",
        "mount={digest}&from=rest/gone",
        "from=rest/here&mount={digest}",
        "mount={digest}",
        // The first counts, and nothing of the second.
        "mount={digest}&from=rest/here&from=team/app",
        "mount={digest}&from=team/app&from=rest/here",
        "mount={digest}&from=rest%2Fhere",
        "mount={digest}&%66rom=rest/here",
        "mount={digest}&from=rest/here&direct=",
        "mount={digest}&mount={digest}&from=rest/here",
        "mount={digest}&from=team/app%00rest/here",
        "mount={digest}&from=team/../rest/here",
        "mount={digest}&from=",
        "mount={digest}&from=rest%252Fhere",
        "mount={digest}&from=REST/here",
        "mount={digest}&from=team/app,rest/here",
        "direct={digest}&size=23",
        "direct={digest}&size=23&from=rest/here",
    ];
    for form in forms {
        let mut seen = Vec::new();
        for digest in [&present, &absent] {
            let query = form.replace("{digest}", &digest.to_string());
            let request = Request::post(format!("/v2/team/app/blobs/uploads/?{query}")).bearer(&token);
            let (answer, calls) = registry.calls(&request).await;
            assert!([202, 400].contains(&answer.status), "{form}: {answer}");
            if form.starts_with("direct") {
                // A signed URL is another one every time.
                seen.push(((answer.status, Vec::new(), String::new()), calls));
            } else {
                seen.push((shape(&answer, digest), calls));
            }
        }
        assert_eq!(seen[0], seen[1], "{form}");
    }
    registry.send(&Request::get(format!("/v2/team/app/blobs/{present}")).bearer(&token)).await.expect(404);

    // The same with a source that may be read.
    let secret = registry.user("reader", &[("team/*", "pull,push"), ("rest/*", "pull")]).await;
    let scopes = ["repository:team/app:pull,push", "repository:rest/here:pull"];
    let reader = registry.token("reader", &secret, &scopes).await;
    let mount = format!("/v2/team/app/blobs/uploads/?mount={present}&from=rest/here");
    let mounted = registry.send(&Request::post(mount).bearer(&reader)).await.expect(201);
    let decisions = log::decisions(&mounted);
    assert_eq!((decisions.len(), &decisions[0]["source"]), (1, &json!("rest/here")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mount_that_nobody_may_make_says_which_scopes_it_wants() {
    let (registry, _, present, _) = registry().await;
    let mount = format!("/v2/team/app/blobs/uploads/?mount={present}&from=rest/here");
    for front in [mount.clone(), mount.replace("team/app", "team%2Fapp")] {
        let answer = registry.send(&Request::post(front)).await.expect(401);
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(
            challenge.ends_with("scope=\"repository:team/app:pull,push repository:rest/here:pull\""),
            "{challenge}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_does_not_tell_what_other_repositories_have() {
    let (registry, token, present, absent) = registry().await;
    let mut seen = Vec::new();
    for digest in [&present, &absent] {
        let config = json!({"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": 23});
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}).to_string();
        let request = Request::new("PUT", "/v2/team/app/manifests/probe").bearer(&token).body(MANIFEST, manifest);
        let (answer, calls) = registry.calls(&request).await;
        assert_eq!(answer.code(), "MANIFEST_BLOB_UNKNOWN", "{answer}");
        seen.push((shape(&answer, digest), calls));
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_shows_what_may_be_pulled_and_no_word_of_more() {
    let registry = Registry::start().await;
    for repository in ["open/a", "rest/here", "team/app", "team/app2", "teams"] {
        registry.push_image(repository).await;
    }
    registry
        .grants(&[("arn:aws:iam::123456789012:role/Ci", &[("team/app", "pull"), ("rest/*", "push")])], &["open/*"])
        .await;
    let secret = registry.user("member", &[("team/*", "pull"), ("rest/*", "push,delete")]).await;
    let password = registry.password(registry.identity(0)).await;
    let catalog = "registry:catalog:*";
    let (ecs, ecs_password) = registry.pull_secret().await;
    for (token, shown) in [
        (
            Request::get("").bearer(&registry.token("member", &secret, &[catalog]).await),
            vec!["open/a", "team/app", "team/app2"],
        ),
        (Request::get("").bearer(&registry.anonymous_token(&[catalog]).await), vec!["open/a"]),
        (Request::get("").basic("AWS", &password), vec!["open/a", "team/app"]),
        (
            Request::get("").bearer(&registry.token(&ecs, &ecs_password, &[catalog]).await),
            vec!["open/a", "team/app", "team/app2", "teams"],
        ),
    ] {
        for query in ["", "?n=1", "?last=rest", "?last=rest/gone&n=100"] {
            let request = Request { target: format!("/v2/_catalog{query}"), ..token.clone() };
            let answer = registry.send(&request).await.expect(200);
            let text = format!("{:?}{}", answer.headers, String::from_utf8_lossy(&answer.body));
            for hidden in ["open/a", "rest/here", "team/app", "team/app2", "teams"] {
                let is_shown = shown.iter().any(|name| name.starts_with(hidden));
                assert!(is_shown || !text.contains(hidden), "{query}: {answer}");
            }
            if query.is_empty() {
                assert_eq!(answer.json()["repositories"], json!(shown));
            }
        }
    }
}

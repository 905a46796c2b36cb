//! Upload sessions belong to whoever opened them, and to the repository they were opened in.

use protocol::Digest;

use crate::http::Request;
use crate::registry::{Registry, Setup, ci};

const SCOPES: &[&str] = &["repository:team/app:pull,push", "repository:team/other:pull,push"];

/// Everything that can be done with a session.
fn attempts(session: &str, bytes: &'static [u8]) -> [Request; 5] {
    let put = format!("{session}?digest={}", Digest::sha256(bytes));
    [
        Request::get(session),
        Request::new("PATCH", session).body("application/octet-stream", bytes),
        Request::new("PUT", put.as_str()).body("application/octet-stream", bytes),
        Request::new("PUT", put).body("application/octet-stream", b"".as_slice()),
        Request::new("DELETE", session),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_unknown_to_everybody_but_its_owner() {
    for front in [true, false] {
        let registry = Registry::with(Setup { front, identities: vec![ci(1), ci(2)], ..Setup::default() }).await;
        let everything: &[(&str, &str)] = &[("team/*", "pull,push,delete")];
        registry.grants(&[("arn:aws:iam::123456789012:role/Ci", everything)], &[]).await;
        let owners_secret = registry.user("owner", everything).await;
        let token = registry.token("owner", &owners_secret, SCOPES).await;
        let session = registry.start_upload("team/app", &token).await;
        let patch = Request::new("PATCH", session.as_str()).body("application/octet-stream", b"one ".as_slice());
        registry.send(&patch.bearer(&token)).await.expect(202);

        let thiefs_secret = registry.user("thief", everything).await;
        let password = registry.password(registry.identity(0)).await;
        let others = [
            Request::get("/").bearer(&registry.token("thief", &thiefs_secret, SCOPES).await),
            Request::get("/").bearer(&registry.admin_token(SCOPES).await),
            Request::get("/").bearer(&registry.token("AWS", &password, SCOPES).await),
            Request::get("/").basic("AWS", &password),
        ];
        let before = registry.stores.snapshot().await;
        for other in &others {
            for attempt in attempts(&session, b"two") {
                let mut headers = attempt.headers.clone();
                headers.extend(other.headers.clone());
                let answer = registry.send(&Request { headers, ..attempt }).await.expect(404);
                assert_eq!(answer.code(), "BLOB_UPLOAD_UNKNOWN", "{answer}");
            }
        }
        // In another repository it is unknown to the owner, too.
        for attempt in attempts(&session.replace("team/app", "team/other"), b"two") {
            let answer = registry.send(&attempt.bearer(&token)).await.expect(404);
            assert_eq!(answer.code(), "BLOB_UPLOAD_UNKNOWN", "{answer}");
        }
        assert_eq!(registry.stores.snapshot().await, before);

        let renewed = registry.token("owner", &owners_secret, SCOPES).await;
        let put = format!("{session}?digest={}", Digest::sha256(b"one more"));
        let put = Request::new("PUT", put).body("application/octet-stream", b"more".as_slice());
        registry.send(&put.bearer(&renewed)).await.expect(201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sessions_of_a_role_go_on_with_each_others_uploads() {
    let other_role = local::iam::Identity {
        arn: "arn:aws:sts::123456789012:assumed-role/Other/run-1".to_owned(),
        ..local::iam::Identity::generate("other").unwrap()
    };
    let identities = vec![ci(1), ci(2), other_role];
    let registry = Registry::with(Setup { identities, ..Setup::default() }).await;
    registry.grants(&[("arn:aws:iam::123456789012:role/*", &[("team/*", "pull,push")])], &[]).await;
    let mut passwords = Vec::new();
    for number in 0..3 {
        passwords.push(registry.password(registry.identity(number)).await);
    }
    let open = Request::post("/v2/team/app/blobs/uploads/").basic("AWS", &passwords[0]);
    let session = registry.send(&open).await.expect(202).header("location").unwrap().to_owned();
    registry.send(&Request::get(session.as_str()).basic("AWS", &passwords[1])).await.expect(204);
    registry.send(&Request::get(session).basic("AWS", &passwords[2])).await.expect(404);
}

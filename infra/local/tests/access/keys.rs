//! Keys: one is made on first use, the next one after thirty days, and what can't be read lets nobody in.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::join_all;
use local::faults::{Fault, Refusal};
use serde_json::json;
use storage::DocumentName;

use crate::forge::kid_of;
use crate::http::Request;
use crate::instance::Instance;
use crate::log;
use crate::registry::{Registry, token_request};

const SCOPE: &[&str] = &["repository:team/app:pull"];
const PRIVATE: (&str, &str) = ("KEYPRIVATE", "CURRENT");
/// How long a key signs, in seconds.
const SIGNS_FOR: u64 = 30 * 24 * 60 * 60;
/// How often somebody may look for keys that weren't known, in seconds.
const PAUSE: u64 = 10;

fn tags() -> Request {
    Request::get("/v2/team/app/tags/list")
}

async fn age(registry: &Registry, attribute: &str, seconds: u64) {
    let at = AttributeValue::N((runtime::now() - seconds).to_string());
    registry.stores.set(PRIVATE, attribute, at).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_start_at_once_one_makes_the_key() {
    let registry = Registry::start().await;
    assert_eq!(registry.stores.records("KEYPUBLIC").await, 0);
    let instances: Vec<Instance> = (0..16).map(|_| Instance::new(&registry)).collect();
    let secret = registry.admin_secret();
    let tokens = join_all(instances.iter().map(|instance| async {
        instance.start().await;
        instance.send(&token_request(SCOPE).basic("admin", secret)).await.expect(200).token()
    }));
    let tokens = tokens.await;
    assert!(tokens.iter().all(|token| kid_of(token) == kid_of(&tokens[0])));
    assert_eq!((registry.stores.records("KEYPUBLIC").await, registry.stores.records(PRIVATE.0).await), (1, 1));
    for instance in &instances {
        for token in &tokens {
            instance.send(&tags().bearer(token)).await.expect(404);
        }
    }
    for token in &tokens {
        registry.keep_secret(token);
        registry.send(&tags().bearer(token)).await.expect(404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_replaced_after_thirty_days_and_what_it_signed_stays_good() {
    let registry = Registry::start().await;
    registry.grants(&[("arn:aws:iam::123456789012:role/Ci", &[("team/*", "pull")])], &[]).await;
    let password = registry.password(registry.identity(0)).await;
    let old = registry.admin_token(SCOPE).await;
    let witness = Instance::started(&registry).await;
    let ask = || token_request(SCOPE).basic("admin", registry.admin_secret());

    // A second less isn't old enough, however slow this test is: it is a minute.
    age(&registry, "created_at", SIGNS_FOR - 60).await;
    let token = Instance::started(&registry).await.send(&ask()).await.expect(200).token();
    assert_eq!((kid_of(&token), registry.stores.records("KEYPUBLIC").await), (kid_of(&old), 1));

    // Several find out at once. The new key is there, and signs when everybody may have seen it.
    age(&registry, "created_at", SIGNS_FOR).await;
    let instances: Vec<Instance> = (0..8).map(|_| Instance::new(&registry)).collect();
    let tokens = join_all(instances.iter().map(|instance| async { instance.send(&ask()).await.expect(200).token() }));
    for token in tokens.await {
        assert_eq!(kid_of(&token), kid_of(&old));
    }
    assert_eq!((registry.stores.records("KEYPUBLIC").await, registry.stores.records(PRIVATE.0).await), (2, 1));
    age(&registry, "created_at", 61).await;
    let new = Instance::started(&registry).await.send(&ask()).await.expect(200).token();
    assert_ne!(kid_of(&new), kid_of(&old));

    // Somebody who has known the old key only reads once, and knows both.
    witness.calls();
    witness.send(&tags().bearer(&new)).await.expect(404);
    assert_eq!(witness.calls().iter().filter(|call| *call == "Query").count(), 2, "keys, and tags");
    for token in [&new, &old] {
        registry.keep_secret(token);
        witness.send(&tags().bearer(token)).await.expect(404);
        registry.send(&tags().bearer(token)).await.expect(404);
        Instance::started(&registry).await.send(&tags().bearer(token)).await.expect(404);
    }
    for instance in [&witness, &Instance::started(&registry).await] {
        instance.send(&tags().basic("AWS", &password)).await.expect(404);
        instance.send(&token_request(SCOPE).basic("AWS", &password)).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_keys_that_somebody_invents_cost_a_read_in_ten_seconds() {
    let registry = Registry::start().await;
    let forge = registry.forge().await;
    let good = registry.admin_token(SCOPE).await;
    let instance = Instance::started(&registry).await;
    assert_eq!(instance.calls(), ["Query"]);
    let began = Instant::now();
    let invented = (0..300).map(|number| {
        let header = forge.header_with("kid", json!(format!("{number:016x}")));
        forge.sign(&header, &forge.claims())
    });
    let requests: Vec<Request> = invented.map(|token| Request::get("/v2/").bearer(&token)).collect();
    join_all(requests.iter().map(|request| async { instance.send(request).await.expect(401) })).await;
    let reads = instance.calls().len() as u64;
    let allowed = 1 + began.elapsed().as_secs() / PAUSE;
    assert!((1..=allowed).contains(&reads), "{reads} reads, {allowed} allowed");
    instance.send(&tags().bearer(&good)).await.expect(404);
    assert_eq!(instance.calls(), ["Query", "GetItem"], "the tags, and whether there is such a repository");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_cannot_be_read_keep_clients_waiting_and_are_read_again() {
    let registry = Registry::start().await;
    let token = registry.admin_token(SCOPE).await;
    registry.faults.follow(|call| (call.operation == "Query").then_some(Fault::Refused(Refusal::InternalError)));
    // The functions behind the gateway know no key yet: whoever has a token has to wait.
    let request = Request::get("/v2/").bearer(&token);
    let began = Instant::now();
    let answer = registry.send(&request).await.expect(503);
    assert_eq!(answer.code(), "UNAVAILABLE");
    let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=PAUSE).contains(&after), "{after}");
    assert_eq!(log::denied(&answer)["reason"], "credentials can't be checked now");
    // In the pause nobody asks again.
    let (answer, calls) = registry.calls(&request).await;
    assert!(calls.len() as u64 <= began.elapsed().as_secs() / PAUSE, "{calls:?}: {answer}");
    // From now on everything passes, and whoever waits as told is let in.
    let mut waits = 0;
    loop {
        let answer = registry.send(&request).await;
        if answer.status == 200 {
            break;
        }
        let after = answer.expect(503).header("retry-after").unwrap().parse().unwrap();
        waits += 1;
        assert!(waits <= 2, "keys aren't read again");
        tokio::time::sleep(Duration::from_secs(after)).await;
    }
    // What is known stays known, whatever fails.
    registry.faults.follow(|_| Some(Fault::Refused(Refusal::InternalError)));
    registry.send(&request).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_corrupt_lets_nobody_in() {
    let registry = Registry::start().await;
    registry.grants(&[("arn:aws:iam::123456789012:role/Ci", &[("team/*", "pull")])], &["team/*"]).await;
    let password = registry.password(registry.identity(0)).await;
    let secret = registry.user("member", &[("team/*", "pull")]).await;
    let token = registry.token("member", &secret, SCOPE).await;
    let member = || token_request(SCOPE).basic("member", &secret);
    let fresh = || Instance::started(&registry);

    registry.write(DocumentName::User("member"), Some("{\"enabled\": true}".to_owned())).await;
    registry.send(&member()).await.expect(500);
    registry.write(DocumentName::User("member"), Some(String::new())).await;
    registry.send(&member()).await.expect(500);
    registry.stores.set(("USER", "member"), "revision", AttributeValue::S("x".to_owned())).await;
    registry.send(&member()).await.expect(500);

    for grants in
        ["", "null", "{\"iam\": [{}]}", "{\"anonymous\": [\"TEAM/*\"]}", "{\"anonymous\": \"*\"}", "{\"all\": []}"]
    {
        registry.write(DocumentName::Grants, Some(grants.to_owned())).await;
        registry.send(&token_request(SCOPE)).await.expect(500);
        registry.send(&token_request(SCOPE).basic("AWS", &password)).await.expect(500);
        fresh().await.send(&tags().basic("AWS", &password)).await.expect(500);
    }

    let kid = kid_of(&token);
    let public = ("KEYPUBLIC", kid.as_str());
    for key in [&[][..], &[0; 5], &[0; 32], &[255; 32], &[0; 64]] {
        registry.stores.set(public, "public_key", AttributeValue::B(Blob::new(key))).await;
        fresh().await.send(&tags().bearer(&token)).await.expect(401);
    }
    registry.stores.set(public, "public_key", AttributeValue::S("text".to_owned())).await;
    let answer = fresh().await.send(&tags().bearer(&token)).await.expect(503);
    assert!(answer.retry_after.is_some_and(|seconds| seconds >= 1));
    registry.stores.remove(public).await;
    fresh().await.send(&tags().bearer(&token)).await.expect(401);

    let admin = || token_request(SCOPE).basic("admin", registry.admin_secret());
    for key in
        [AttributeValue::B(Blob::new([0; 48])), AttributeValue::B(Blob::new([])), AttributeValue::S(String::new())]
    {
        registry.stores.set(PRIVATE, "private_key", key).await;
        let answer = fresh().await.send(&admin()).await.expect(500);
        assert!(answer.body["token"].is_null());
    }
}

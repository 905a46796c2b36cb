//! Ten thousand wrong passwords.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::join_all;

use crate::http::{Connection, basic};
use crate::log;
use crate::registry::{Registry, token_request};

const ATTEMPTS: usize = 10_000;
const CONNECTIONS: usize = 16;
/// How long the key that tokens are signed with counts as read, in seconds.
const KEY_READ_FOR: u64 = 300;
/// What is written down for each.
const REASON: &str = "wrong secret, or the user is disabled or has expired";
/// In every one of them.
const MARK: &str = "lr_thisIsNotThePassword";

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_wrong_passwords_help_nobody_and_lock_nobody_out() {
    let registry = Arc::new(Registry::start().await);
    registry.keep_secret(MARK);
    let secret = registry.user("flooded", &[("team/*", "pull")]).await;
    let scope = ["repository:team/app:pull"];
    registry.token("flooded", &secret, &scope).await;
    registry.faults.rest();
    let began = Instant::now();

    let flood = (0..CONNECTIONS).map(|number| {
        let registry = registry.clone();
        tokio::spawn(async move {
            let mut connection = Connection::open(registry.address()).await;
            for attempt in (number..ATTEMPTS).step_by(CONNECTIONS) {
                let request = token_request(&["repository:flood:pull"]);
                let request = request.authorization(basic("flooded", &format!("{MARK}{attempt}")));
                let answer = connection.send(&request).await.expect(401);
                assert_eq!(log::denied(&answer)["reason"], REASON);
            }
        })
    });
    let flood = join_all(flood);
    // Meanwhile whoever has the right one is let in.
    let rightful = async {
        for _ in 0..20 {
            registry.token("flooded", &secret, &scope).await;
        }
    };
    let (attempts, ()) = tokio::join!(flood, rightful);
    attempts.into_iter().for_each(|attempt| attempt.unwrap());

    registry.token("flooded", &secret, &scope).await;
    let calls = registry.faults.calls();
    assert!(calls.iter().all(|call| call.operation == "GetItem"), "{:?}", calls.last());
    // A read for each, and the key that is signed with now and then.
    let of_the_key = 1 + (began.elapsed().as_secs() / KEY_READ_FOR) as usize;
    let expected = ATTEMPTS + 21;
    assert!((expected..=expected + of_the_key).contains(&calls.len()), "{} calls", calls.len());
}

//! What an observer learns of calls that AWS refuses for too much traffic.

use std::sync::{Arc, Mutex};

use local::faults::{Fault, Faults, Refusal, Service};
use local::{Data, FunctionsMode, Options, Stack};
use storage::Observe;

use crate::http::Request;

/// Operations that were answered, and those among them that were throttled.
#[derive(Default)]
struct Watcher {
    answered: Mutex<Vec<String>>,
    throttled: Mutex<Vec<String>>,
}

impl Observe for Watcher {
    fn answered(&self, _: &str, operation: &str) {
        self.answered.lock().unwrap().push(operation.to_owned());
    }

    fn throttled(&self, _: &str, operation: &str) {
        self.throttled.lock().unwrap().push(operation.to_owned());
    }
}

/// Pushes a blob while the first attempt of each call of a service is refused, and returns which were throttled.
async fn throttled(service: Service, refusal: Refusal) -> Vec<String> {
    let (faults, watcher) = (Faults::default(), Arc::new(Watcher::default()));
    let options = Options {
        port: 0,
        data: Data::Memory,
        front: false,
        functions: FunctionsMode::InProcess,
        login: None,
        policy: storage::Policy { create_on_push: true, sparse_manifests: false },
        collection: None,
        events: runtime::EventsConfig::default(),
        observer: Some(watcher.clone()),
        faults: Some(faults.clone()),
    };
    let stack = Stack::start(options).await.unwrap();
    faults.follow(move |call| (call.service == service && call.attempt == 1).then_some(Fault::Refused(refusal)));
    let path = format!("/v2/a/blobs/uploads/?digest={}", protocol::Digest::sha256(b"blob"));
    Request::new("POST", path).body(b"blob").send(stack.address()).await.expect(201);
    let attempts = watcher.answered.lock().unwrap().len();
    assert_eq!(attempts, faults.calls().len() + faults.struck(), "each attempt is answered");
    assert!(faults.struck() > 0);
    stack.stop().await;
    watcher.throttled.lock().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_throttled_attempt_is_told() {
    assert_eq!(throttled(Service::S3, Refusal::SlowDown).await, ["PutObject"]);
    let of_the_table = throttled(Service::DynamoDb, Refusal::ThroughputExceeded).await;
    assert!(of_the_table.contains(&"BatchGetItem".to_owned()), "{of_the_table:?}");
    assert!(of_the_table.contains(&"TransactWriteItems".to_owned()), "{of_the_table:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_another_kind_is_not() {
    for service in [Service::S3, Service::DynamoDb] {
        assert_eq!(throttled(service, Refusal::InternalError).await, Vec::<String>::new());
    }
}

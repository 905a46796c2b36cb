//! What EventBridge is told of a push, by way of a rule to a queue.

use std::time::{Duration, Instant};

use lambda_registry_tests::command::run;
use lambda_registry_tests::images::Layout;
use lambda_registry_tests::images::samples::plain;
use lambda_registry_tests::ministack::MiniStack;
use lambda_registry_tests::types::OCI;
use serde_json::{Value, json};

use crate::clients::create;
use crate::cloud::REGION;
use crate::person::Person;
use crate::stack::Stack;

/// Only keeps events that never come from hanging the test.
const LIMIT: Duration = Duration::from_secs(120);

const QUEUE: &str = "images";

#[track_caller]
pub(crate) fn a_rule_brings_pushes_to_a_queue(admin: &Person, developer: &Person, stack: &Stack) {
    let queue = queue(admin);
    create(developer, stack, "team/told");
    let layout = Layout::of_image(&plain("amd64"));
    run(developer.command("crane").arg("push").arg(layout.path()).arg(stack.image("team/told:1")));

    let event = next(admin, &queue);

    assert_eq!((&event["source"], &event["detail-type"]), (&json!("lambda-registry"), &json!("Registry Image Action")));
    let detail = &event["detail"];
    assert_eq!(detail["action-type"], "PUSH");
    assert_eq!((&detail["repository-name"], &detail["image-tag"]), (&json!("team/told"), &json!("1")));
    assert_eq!((&detail["image-digest"], &detail["manifest-media-type"]), (&json!(layout.digest), &json!(OCI)));
    let principal = detail["principal"].as_str().expect("a principal");
    assert!(principal.contains("role/developers") || principal.contains("assumed-role/developers"), "{principal}");
}

/// A queue that a rule on the default bus sends to, as docs/events.md describes rules. Returns its URL.
#[track_caller]
fn queue(admin: &Person) -> String {
    let queue =
        run(&mut admin.aws(&["sqs", "create-queue", "--queue-name", QUEUE, "--query", "QueueUrl", "--output", "text"]));
    let pattern = json!({"source": ["lambda-registry"], "detail-type": ["Registry Image Action"]}).to_string();
    run(&mut admin.aws(&["events", "put-rule", "--name", QUEUE, "--event-pattern", &pattern]));
    let target = format!("Id={QUEUE},Arn=arn:aws:sqs:{REGION}:{}:{QUEUE}", MiniStack::ACCOUNT);
    run(&mut admin.aws(&["events", "put-targets", "--rule", QUEUE, "--targets", &target]));
    queue.trim().to_owned()
}

#[track_caller]
fn next(admin: &Person, queue: &str) -> Value {
    let asked = Instant::now();
    loop {
        let receive = ["sqs", "receive-message", "--queue-url", queue, "--wait-time-seconds", "5"];
        let body = run(admin.aws(&receive).args(["--query", "Messages[0].Body", "--output", "text"]));
        if body.trim() != "None" {
            return serde_json::from_str(&body).expect("an event in JSON");
        }
        assert!(asked.elapsed() < LIMIT, "no event comes");
    }
}

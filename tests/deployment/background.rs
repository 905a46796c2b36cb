//! Lambda's asynchronous invocation: what the push of an image of schema 1 starts.

use std::time::{Duration, Instant};

use lambda_registry_tests::command::run;
use lambda_registry_tests::images::Layout;
use lambda_registry_tests::images::samples::plain;
use lambda_registry_tests::types::SCHEMA2;

use crate::clients::{create, get};
use crate::person::Person;
use crate::stack::Stack;

/// Reading one small layer takes a moment. This only keeps a function that never runs from hanging the test.
const LIMIT: Duration = Duration::from_secs(120);

#[track_caller]
pub(crate) fn schema_1_is_upgraded_in_the_background(person: &Person, stack: &Stack) {
    create(person, stack, "team/old");
    let layout = Layout::of_image(&plain("amd64"));
    let source = format!("oci:{}", layout.path().display());
    let image = format!("docker://{}", stack.image("team/old:1"));
    run(person.command("skopeo").args(["copy", "--quiet", "--format", "v2s1", &source, &image]));

    let asked = Instant::now();
    let answer = loop {
        let answer = get(person, stack, "/v2/team/old/manifests/1", SCHEMA2);
        if answer.status != 503 {
            break answer;
        }
        assert!(!answer.header("retry-after").is_empty());
        assert!(asked.elapsed() < LIMIT, "the layers aren't read: {}", answer.body);
        std::thread::sleep(Duration::from_millis(200));
    };

    assert_eq!((answer.status, answer.header("content-type")), (200, SCHEMA2), "{}", answer.body);
}

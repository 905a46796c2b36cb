//! `lambda-registry login-password`: what it sends, what it prints.

use std::process::Command;

use crate::desk::{Desk, SECRET_KEY, SESSION_TOKEN, run};
use crate::registry::Answer;
use crate::signature::assert_signed;

/// By somebody with credentials in the environment.
fn login_password(desk: &Desk) -> Command {
    login_password_to(desk, &desk.host())
}

fn login_password_to(desk: &Desk, registry: &str) -> Command {
    let mut command = desk.login_password(registry);
    command.env("AWS_ACCESS_KEY_ID", "AKIDTEST").env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    command.env("AWS_REGION", "eu-central-1");
    command
}

#[test]
fn a_password_is_printed_and_nothing_else() {
    let desk = Desk::new();
    let told = run(&mut login_password(&desk));
    assert!(told.success, "{told:?}");
    assert_eq!((told.stdout.as_str(), told.stderr.as_str()), ("password-1\n", ""));
    let seen = desk.registry.seen();
    assert_eq!(seen.len(), 1);
    assert_signed(&seen[0], "AKIDTEST", None, "eu-central-1");
    assert_eq!(seen[0].header("host"), Some(desk.host().as_str()));
}

#[test]
fn temporary_credentials_and_the_region_of_the_command_line_are_signed_with() {
    let desk = Desk::new();
    let told = run(login_password(&desk).args(["--region", "us-west-2"]).env("AWS_SESSION_TOKEN", SESSION_TOKEN));
    assert!(told.success, "{told:?}");
    assert_signed(&desk.registry.seen()[0], "AKIDTEST", Some(SESSION_TOKEN), "us-west-2");
}

#[test]
fn each_refusal_says_what_to_do() {
    let desk = Desk::new();
    let unauthorized = r#"{"errors":[{"code":"UNAUTHORIZED","message":"this identity is granted nothing"}]}"#;
    for (answer, expected) in [
        (
            Answer::Failure(403, "", r#"{"message":"Forbidden"}"#),
            "execute-api:Invoke on arn:aws:execute-api:eu-central-1:",
        ),
        (
            Answer::Failure(403, "Date: Thu, 01 Jan 2015 00:00:00 GMT\r\n", r#"{"message":"Forbidden"}"#),
            "set the clock",
        ),
        (Answer::Failure(401, "", unauthorized), "this identity is granted nothing"),
        (Answer::Failure(404, "", r#"{"message":"Not Found"}"#), "is no lambda-registry"),
        (Answer::Failure(200, "", "<html>welcome</html>"), "is no lambda-registry"),
        (Answer::Failure(302, "Location: /elsewhere\r\n", ""), "is no lambda-registry"),
        (Answer::Failure(503, "", r#"{"message":"Service Unavailable"}"#), "answered 503 Service Unavailable"),
        (Answer::Cut, "can't be reached"),
    ] {
        desk.registry.answer(answer.clone());
        let told = run(&mut login_password(&desk));
        assert!(!told.success && told.stdout.is_empty(), "{answer:?}: {told:?}");
        assert!(told.stderr.contains(expected) && told.stderr.contains(&desk.host()), "{answer:?}: {told:?}");
    }
    assert_eq!(desk.registry.seen().len(), 8, "each was asked once, and no redirect was followed");
}

#[test]
fn an_answer_without_an_end_is_no_password() {
    let desk = Desk::new();
    let endless = "x".repeat(1 << 20).leak();
    desk.registry.answer(Answer::Failure(200, "", endless));
    let told = run(&mut login_password(&desk));
    assert!(!told.success && told.stderr.contains("is no lambda-registry"), "{told:?}");
}

#[test]
fn a_registry_that_isnt_there_is_named() {
    let desk = Desk::new();
    // Nobody listens there.
    let told = run(&mut login_password_to(&desk, "127.0.0.1:9"));
    assert!(!told.success && told.stderr.contains("127.0.0.1:9 can't be reached"), "{told:?}");
}

#[test]
fn a_password_is_never_fetched_in_the_clear_from_another_machine() {
    let desk = Desk::new();
    let told = run(&mut login_password_to(&desk, "http://registry.example.com"));
    assert!(!told.success && told.stderr.contains("leave http:// out"), "{told:?}");
}

#[test]
fn nothing_is_sent_without_a_region() {
    let desk = Desk::new();
    let told = run(login_password(&desk).env_remove("AWS_REGION"));
    assert!(!told.success && told.stderr.contains("no AWS region: give --region"), "{told:?}");
    assert!(desk.registry.seen().is_empty());
}

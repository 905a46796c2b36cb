//! `lambda-registry doctor`, as somebody types it, visits a registry as somebody starts it. What it says of one that is
//! ill is tested in `infra/cli/tests/doctor`.

use lambda_registry_tests::command::{dying_with_us, run};
use lambda_registry_tests::desk::Desk;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::server::programs;

/// Visits a registry that asks for a login, with the AWS credentials of its desk: everything is good.
#[track_caller]
fn all_is_good(flags: &[&str]) {
    let desk = Desk::start(flags);
    let url = desk.registry.url("");
    let said = run(&mut desk.lambda_registry(&["doctor", &url, "--login"]));
    assert!(said.ends_with("\n30 ok, 0 warnings, 0 failures, 0 not checked\n"), "{said}");
}

#[test]
fn a_registry_that_asks_for_a_login_is_well() {
    all_is_good(&[]);
}

#[test]
fn a_registry_without_a_front_is_well() {
    all_is_good(&["--no-front"]);
}

#[test]
fn a_registry_whose_functions_are_processes_is_well() {
    all_is_good(&["--no-front", "--functions", "process"]);
}

#[test]
fn an_open_registry_is_warned_about_and_otherwise_well() {
    let registry = Registry::start(&[]);
    let program = programs().join("lambda-registry").display().to_string();
    let said = run(dying_with_us(&program).args(["doctor", &registry.url("")]));
    assert!(said.contains("\nwarning      challenge         GET /v2/ is answered with 200"), "{said}");
    assert!(said.ends_with("\n24 ok, 1 warning, 0 failures, 5 not checked\n"), "{said}");
}

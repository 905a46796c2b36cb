//! What `lambda-registry doctor` says of the deployment.

use lambda_registry_tests::command::run;
use serde_json::Value;

use crate::clients::create;
use crate::person::Person;
use crate::stack::Stack;

#[track_caller]
pub(crate) fn finds_nothing_wrong(developer: &Person, stack: &Stack) {
    create(developer, stack, "team/doctor");
    let doctor = ["doctor", &stack.url(""), "--login", "--repository", "team/doctor", "--json"];
    let report: Value =
        serde_json::from_str(&run(developer.command("lambda-registry").args(doctor))).expect("a report");

    assert_eq!(report["summary"]["failure"], 0, "{report:#}");
    assert_eq!(report["summary"]["not-checked"], 0, "{report:#}");
}

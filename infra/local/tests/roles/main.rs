//! The roles of the functions, as `template.yaml` has them, against what the functions call: they are allowed all of it,
//! and need everything that they are allowed.
//!
//! The registry runs with functions as processes: this test binary, started again. Each has endpoints of AWS of its own,
//! where its calls are written down on their way to the embedded services.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

mod call;
mod evaluator;
#[path = "../faults/http.rs"]
mod http;
mod image;
mod logins;
mod recorder;
mod registry;
mod role;
mod schema1;
mod work;

use std::collections::BTreeSet;

use access::Access;
use protocol::Function;

use crate::call::Call;
use crate::registry::Registry;
use crate::role::Role;

/// What a function is allowed and isn't seen to use, with the reason.
const NOT_SEEN: &[(Function, &str, &str)] = &[
    (Function::BlobUpload, "s3:ListBucket on Bucket.Arn", ABSENT),
    (Function::ManifestPut, "s3:ListBucket on Bucket.Arn", ABSENT),
    (Function::ManifestGet, "s3:ListBucket on Bucket.Arn", ABSENT),
    (Function::Schema1Upgrade, "s3:ListBucket on Bucket.Arn", ABSENT),
    (Function::Schema1Upgrade, "lambda:InvokeFunction on Schema1UpgradeFunction.Arn", "it does so after 15 minutes"),
];
const ABSENT: &str = "it isn't called, but lets S3 say that an object is absent";

/// A function, as a process of the registry that a test runs.
#[test]
#[ignore = "a program for the other tests"]
fn function() {
    let name = std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap();
    let function = Function::ALL.iter().copied().find(|function| function.name() == name).unwrap();
    // The end of the runtime API ends it.
    drop(local::run_function(function));
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_are_allowed_what_they_call_and_need_what_they_are_allowed() {
    let registry = Registry::start(Access::Login).await;
    let authorization = logins::everybody(&registry).await;
    work::everything(&registry, Some(&authorization)).await;
    let calls = registry.stop();
    assert_allowed(&calls);
    let mut missing = Vec::new();
    for &function in Function::ALL {
        let mine: Vec<&Call> = calls.iter().filter(|(caller, _)| *caller == function).map(|(_, call)| call).collect();
        let unused = Role::of(function).unused(&mine);
        let excused: BTreeSet<String> = NOT_SEEN
            .iter()
            .filter(|(excused, ..)| *excused == function)
            .map(|(_, right, _)| (*right).to_owned())
            .collect();
        missing.extend(unused.difference(&excused).map(|right| format!("{} never used {right}", function.name())));
        missing.extend(excused.difference(&unused).map(|right| format!("{} does use {right}", function.name())));
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_of_an_open_registry_are_allowed_what_they_call() {
    let registry = Registry::start(Access::Open).await;
    logins::nobody(&registry).await;
    work::everything(&registry, None).await;
    assert_allowed(&registry.stop());
}

fn assert_allowed(calls: &[(Function, Call)]) {
    let denied = calls.iter().filter(|(function, call)| !Role::of(*function).allows(call));
    let denied: BTreeSet<String> =
        denied.map(|(function, call)| format!("{} may not {call}", function.name())).collect();
    assert!(denied.is_empty(), "{}", denied.into_iter().collect::<Vec<_>>().join("\n"));
    assert!(!calls.is_empty());
}

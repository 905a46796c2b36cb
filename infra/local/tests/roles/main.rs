//! The roles of the functions, as `template.yaml` has them, against what the functions call: each action on each partition
//! of the table, prefix of the bucket and other resource is called and allowed, or neither. `docs/permissions.md` has the
//! outcome.
//!
//! The registry runs with functions as processes: this test binary, started again. Each has endpoints of AWS of its own,
//! where its calls are written down on their way to the embedded services.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

mod call;
mod collection;
mod deviations;
mod document;
mod evaluator;
mod failures;
#[path = "../faults/http.rs"]
mod http;
mod image;
mod logins;
mod recorder;
mod registry;
mod right;
mod role;
mod schema1;
mod work;

use std::collections::BTreeSet;

use access::Access;
use protocol::Function;

use crate::call::Call;
use crate::registry::Registry;
use crate::right::{Needs, Right};
use crate::role::Role;
use crate::work::Client;

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
async fn functions_are_allowed_what_they_call_and_nothing_else() {
    let (open, asking) = (Registry::start(Access::Open).await, Registry::start(Access::Login).await);
    logins::nobody(&open).await;
    work::everything(&Client::nobody(&open)).await;
    let authorization = logins::everybody(&asking).await;
    let client = Client::somebody(&asking, &authorization);
    work::everything(&client).await;
    for function in [Function::ManifestPut, Function::ManifestGet] {
        asking.until_called(function, "events:PutEvents").await;
    }
    failures::everywhere(&client).await;

    let calls: Vec<(Function, Call)> = open.stop().into_iter().chain(asking.stop()).collect();
    let mut denied = BTreeSet::new();
    for &function in Function::ALL {
        let role = Role::of(function);
        let mine = calls.iter().filter(|(caller, call)| *caller == function && !role.allows(call));
        denied.extend(mine.map(|(_, call)| format!("{} may not {call}", function.name())));
    }
    assert!(denied.is_empty(), "{}", denied.into_iter().collect::<Vec<_>>().join("\n"));

    let needs = |function| Needs::of(calls.iter().filter(|(caller, _)| *caller == function).map(|(_, call)| call));
    let needs: Vec<(Function, Needs)> = Function::ALL.iter().map(|&function| (function, needs(function))).collect();
    let differences: Vec<String> = needs.iter().flat_map(|(function, needs)| differences(*function, needs)).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    document::compare(&needs);
}

/// Where what a role allows isn't what its function needs.
fn differences(function: Function, needs: &Needs) -> Vec<String> {
    let (allowed, needed, deviations) = (Role::of(function).rights(), needs.all(), deviations::of(function));
    let name = function.name();
    let listed = |right: &&Right| deviations.contains(*right);
    let spare = allowed.difference(&needed).filter(|right| !listed(right));
    let spare = spare.map(|right| format!("{name} is allowed, and never calls, {right}"));
    let missing = needed.difference(&allowed).map(|right| format!("{name} calls, and isn't allowed, {right}"));
    let idle = deviations.iter().filter(|right| needed.contains(right) || !allowed.contains(right));
    let idle = idle.map(|right| format!("{name} has no deviation in {right}"));
    spare.chain(missing).chain(idle).collect()
}

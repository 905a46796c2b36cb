//! The stack deleted.

use lambda_registry_tests::command::{attempt, run};
use serde_json::Value;
use tempfile::TempDir;

use crate::person::Person;
use crate::stack::{self, Stack};

#[track_caller]
pub(crate) fn a_deleted_stack_leaves_bucket_and_table(admin: &Person, checkout: &TempDir, stack: &Stack) {
    let count = || {
        let (bucket, table) = (stack.output("BucketName"), stack.output("TableName"));
        let objects = json(admin, &["s3api", "list-objects-v2", "--bucket", bucket]);
        let items = json(admin, &["dynamodb", "scan", "--table-name", table, "--select", "COUNT"]);
        (objects["Contents"].as_array().map_or(0, Vec::len), items["Count"].as_u64().unwrap_or_default())
    };
    let before = count();
    assert!(before.0 > 0 && before.1 > 0, "{before:?}");

    run(admin.command("sam").args(["delete", "--no-prompts"]).current_dir(checkout.path()));

    let describe = ["cloudformation", "describe-stacks", "--stack-name", stack::NAME];
    attempt(&mut admin.aws(&describe)).expect_failure("does not exist");
    let functions = json(admin, &["lambda", "list-functions"]);
    assert_eq!(functions["Functions"].as_array().map(Vec::len), Some(0), "{functions}");
    assert_eq!(count(), before);
}

#[track_caller]
fn json(admin: &Person, arguments: &[&str]) -> Value {
    let answer = run(admin.aws(arguments).args(["--output", "json"]));
    serde_json::from_str(&answer).expect("an answer in JSON")
}

//! The table, restored as docs/deployment.md says it, command by command. What the emulator restores is the table as it is
//! now, whatever moment it is asked for.

use lambda_registry_tests::command::run;
use lambda_registry_tests::document::shell_blocks;

use crate::person::Person;
use crate::stack::Stack;

#[track_caller]
pub(crate) fn the_table_comes_back_under_its_name(admin: &Person, developer: &Person, stack: &Stack) {
    let digest = || run(developer.command("crane").args(["digest", &stack.image("team/crane:1")]));
    let (stored, table) = (digest(), stack.output("TableName"));
    let commands = shell_blocks("docs/deployment.md", "Restore the table").concat();
    let time = "time=$(date --utc --iso-8601=seconds)";

    run(&mut admin.shell(&format!("table={table}\n{time}\n{commands}")));

    assert_eq!(digest(), stored);
    let tables = run(&mut admin.aws(&["dynamodb", "list-tables", "--query", "TableNames", "--output", "text"]));
    assert_eq!(tables.trim(), table, "the copy is gone");
    let described = ["dynamodb", "describe-table", "--table-name", table, "--output", "text", "--query"];
    let protection = [&described[..], &["Table.DeletionProtectionEnabled"]].concat();
    assert_eq!(run(&mut admin.aws(&protection)).trim(), "True");
    let expiry = ["dynamodb", "describe-time-to-live", "--table-name", table, "--output", "text", "--query"];
    let expiry = [&expiry[..], &["TimeToLiveDescription.AttributeName"]].concat();
    assert_eq!(run(&mut admin.aws(&expiry)).trim(), "expires_at");
}

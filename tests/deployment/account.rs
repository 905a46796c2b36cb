//! Who acts on the emulator's account.

use lambda_registry_tests::command::run;
use lambda_registry_tests::ministack::MiniStack;
use serde_json::{Value, json};

use crate::person::Person;
use crate::stack::Stack;

/// The role that README's file of grants names.
const ROLE: &str = "developers";

/// Credentials of AWS.
pub(crate) struct Credentials {
    pub(crate) key: String,
    pub(crate) secret: String,
    /// The token of a session of a role.
    pub(crate) session: Option<String>,
}

/// Makes the role `developers` with what the documentation says that it takes, and opens a session of it.
#[track_caller]
pub(crate) fn developer(admin: &Person, stack: &Stack) -> Credentials {
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{}:root", MiniStack::ACCOUNT)},
            "Action": "sts:AssumeRole",
        }],
    });
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": stack.output("LoginArn")},
            {"Effect": "Allow", "Action": "dynamodb:*", "Resource": format!("arn:aws:dynamodb:*:*:table/{}", stack.output("TableName"))},
        ],
    });
    run(admin
        .aws(&["iam", "create-role", "--role-name", ROLE])
        .args(["--assume-role-policy-document", &trust.to_string()]));
    let put = ["iam", "put-role-policy", "--role-name", ROLE, "--policy-name", "registry"];
    run(admin.aws(&put).args(["--policy-document", &policy.to_string()]));
    let role = format!("arn:aws:iam::{}:role/{ROLE}", MiniStack::ACCOUNT);
    let session = run(&mut admin.aws(&["sts", "assume-role", "--role-arn", &role, "--role-session-name", "ada"]));
    let session: Value = serde_json::from_str(&session).expect("a session in JSON");
    let field = |name: &str| session["Credentials"][name].as_str().expect("credentials").to_owned();
    Credentials { key: field("AccessKeyId"), secret: field("SecretAccessKey"), session: Some(field("SessionToken")) }
}

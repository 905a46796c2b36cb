//! Registries that are well, each in its own way, and people who may do more or less there.

use std::net::TcpListener;
use std::process::Command;

use access::{Permission, Secret, User};
use storage::{DocumentName, DocumentWrite, Policy, Storage};

use crate::visits::{Visit, lenient, registry, run, visit};

/// Every check there is, and its verdict.
fn verdicts(visit: &Visit) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    visit.findings().iter().map(|finding| (text(&finding["check"]), text(&finding["verdict"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aws_identity_finds_everything_good() {
    let stack = registry(true, true, lenient()).await;
    let visit = visit(&stack, stack.address(), &["--login", "--json"], "").await;
    assert_eq!((visit.bad(), visit.code), (Vec::new(), 0), "{}", visit.stdout);
    assert_eq!(verdicts(&visit).len(), 30);
    assert!(visit.finding("body-size").contains("10600000 bytes; nothing was refused"), "{visit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_finds_everything_good_that_isnt_for_aws_identities() {
    let stack = registry(true, false, lenient()).await;
    let secret = stack.desk().unwrap().admin_secret.clone().unwrap();
    let arguments = ["--username", "admin", "--password-stdin", "--json"];
    let visit = visit(&stack, stack.address(), &arguments, &format!("{}\n", secret.expose())).await;
    let not_checked = ["login", "password"].map(|check| (check.to_owned(), "not-checked".to_owned()));
    assert_eq!((visit.bad(), visit.code), (not_checked.to_vec(), 0), "{}", visit.stdout);
    assert!(visit.finding("body-size").contains("4400000 bytes; 5000000 bytes: 413"), "{visit:?}");
    assert!(!visit.stdout.contains(secret.expose()));
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_without_credentials_checks_what_needs_none() {
    let stack = registry(true, false, lenient()).await;
    let visit = visit(&stack, stack.address(), &["--json"], "").await;
    assert!(visit.bad().iter().all(|(_, verdict)| verdict == "not-checked"), "{}", visit.stdout);
    assert_eq!((visit.bad().len(), visit.code), (16, 0), "{}", visit.stdout);
    assert!(visit.finding("token").contains("is there"), "{visit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_registry_is_pushed_to_and_warned_about() {
    let stack = registry(false, true, lenient()).await;
    let visit = visit(&stack, stack.address(), &["--json"], "").await;
    let bad = visit.bad();
    assert_eq!(bad[0], ("challenge".to_owned(), "warning".to_owned()), "{}", visit.stdout);
    assert!(bad[1..].iter().all(|(_, verdict)| verdict == "not-checked"), "{}", visit.stdout);
    assert_eq!(
        bad[1..].iter().map(|(check, _)| check.as_str()).collect::<Vec<_>>(),
        ["realm", "login", "token", "token-clock", "password"]
    );
    assert_eq!(visit.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_is_lines_for_people_and_ends_with_a_summary() {
    let stack = registry(false, true, lenient()).await;
    let visit = visit(&stack, stack.address(), &["--repository", "team/doctor"], "").await;
    let lines: Vec<_> = visit.stdout.lines().collect();
    assert!(lines[0].starts_with("ok           reachable         127.0.0.1:"), "{}", visit.stdout);
    assert!(
        visit.stdout.contains("\nwarning      challenge         GET /v2/ is answered with 200"),
        "{}",
        visit.stdout
    );
    assert!(visit.stdout.contains("\n             do:    deploy with Access=login"), "{}", visit.stdout);
    assert!(visit.stdout.contains("pushed to team/doctor"), "{}", visit.stdout);
    assert_eq!(*lines.last().unwrap(), "24 ok, 1 warning, 0 failures, 5 not checked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_isnt_there_is_told_how_to_create() {
    let stack = registry(true, false, Policy { create_on_push: false, sparse_manifests: false }).await;
    let visit = visit(&stack, stack.address(), &["--login", "--json", "--repository", "team/doctor"], "").await;
    assert_eq!(visit.code, 1);
    let finding = visit.finding("push");
    assert!(finding.contains("NAME_UNKNOWN") && finding.contains("repository create team/doctor"), "{finding}");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_may_not_push_is_told_what_to_grant() {
    let stack = registry(true, false, lenient()).await;
    let secret = Secret::generate().unwrap();
    let permission = r#"{"repositories":["doctor"],"actions":["pull"]}"#;
    let permission: Permission = serde_json::from_str(permission).unwrap();
    let user = User::new(&secret, vec![permission], None, 0);
    let write = DocumentWrite { name: DocumentName::User("reader"), replaces: None, text: Some(user.to_json()) };
    assert!(storage(&stack).write_documents(&[write]).await.unwrap());
    let arguments = ["--username", "reader", "--password-stdin", "--json"];
    let visit = visit(&stack, stack.address(), &arguments, secret.expose()).await;
    assert_eq!(visit.code, 1, "{visit:?}");
    let finding = visit.finding("push");
    assert!(finding.contains("grant pull, push and delete on doctor"), "{finding}");
}

/// The registry's table, behind its back.
fn storage(stack: &local::Stack) -> Storage {
    let desk = stack.desk().unwrap();
    let credentials =
        storage::Credentials { access_key_id: "test".into(), secret_access_key: "test".into(), session_token: None };
    Storage::new(&storage::Config {
        table: desk.table.to_owned(),
        bucket: String::new(),
        region: desk.region.to_owned(),
        credentials,
        dynamodb_endpoint: Some(format!("http://{}", desk.dynamodb)),
        s3_endpoint: None,
        policy: Policy::default(),
        s3_attempt_timeout: None,
        observer: None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_where_nobody_listens_cant_be_examined() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let visit = doctor(&[&format!("http://{nobody}")]).await;
    assert_eq!(visit.code, 2, "{visit:?}");
    assert!(visit.stdout.starts_with("failure      reachable         no connection to 127.0.0.1:"), "{visit:?}");
    assert!(visit.stdout.ends_with("\n0 ok, 0 warnings, 1 failure, 29 not checked\n"), "{visit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_cant_be_understood_ends_with_two() {
    for arguments in [
        &[][..],
        &["http://registry.example.com"],
        &["https://registry.example.com/v2/"],
        &["127.0.0.1:1", "--login", "--username", "ci", "--password-stdin"],
        &["127.0.0.1:1", "--username", "ci"],
        &["127.0.0.1:1", "--password-stdin"],
        &["127.0.0.1:1", "--region", "eu-central-1"],
        &["127.0.0.1:1", "--repository", "Upper"],
        &["127.0.0.1:1", "--username", "ci", "--password-stdin"],
    ] {
        let visit = doctor(arguments).await;
        assert!(visit.code == 2 && visit.stdout.is_empty() && !visit.stderr.is_empty(), "{arguments:?}: {visit:?}");
    }
}

/// Calls the doctor with nothing in the environment and nothing on standard input.
async fn doctor(arguments: &[&str]) -> Visit {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lambda-registry"));
    command.env_clear().arg("doctor").args(arguments);
    run(command, String::new()).await
}

//! `lambda-registry grants`.

use std::io::Write as _;
use std::process::Stdio;

use access::{Grants, Secret};

use crate::deployment::{Deployment, Told, now, output};

const FILE: &str = "
users:
  ci:
    grants:
      - repositories: [team/*]
        actions: [pull, push]
    expires: 2999-01-31
  reader:
    grants:
      - repositories: [\"*\"]
        actions: [pull]
iam:
  - principal: arn:aws:iam::123456789012:role/deploy
    grants:
      - repositories: [\"*\"]
        actions: [pull]
anonymous: [public/*]
";

/// The secrets of new users, by name.
fn secrets(stdout: &str) -> Vec<(&str, Secret)> {
    let line = |line| str::split_once(line, ' ').unwrap();
    stdout.lines().map(line).map(|(name, secret)| (name, Secret::new(secret))).collect()
}

async fn with_input(deployment: &Deployment, arguments: &[&str], input: &'static [u8]) -> Told {
    let mut command = deployment.command(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let wait = move || {
        stdin.write_all(input).unwrap();
        drop(stdin);
        child.wait_with_output().unwrap()
    };
    tokio::task::spawn_blocking(wait).await.unwrap().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_planned_applied_and_then_in_force() {
    let deployment = Deployment::start().await;
    let file = deployment.file("grants.yaml", FILE);
    let planned = deployment.run(&["grants", "plan", &file]).await;
    assert_eq!(planned.code, Some(2), "{planned:?}");
    let counts = "users: 2 to add; iam: 1 to add; anonymous: 1 to add.\n";
    assert!(
        planned.stdout.contains("  + ci  (new, gets a secret)\n") && planned.stdout.ends_with(counts),
        "{planned:?}"
    );
    assert!(
        deployment.users().await.is_empty() && deployment.grants().await == Grants::default(),
        "it was only a plan"
    );

    let applied = deployment.run(&["grants", "apply", &file, "--yes"]).await;
    assert!(applied.stderr.starts_with(&planned.stdout), "the same difference: {}", applied.stderr);
    let stdout = applied.output();
    let secrets = secrets(&stdout);
    assert_eq!(secrets.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["ci", "reader"]);
    for (name, secret) in &secrets {
        let (user, _) = deployment.user(name).await.unwrap();
        assert_eq!(user.admits(secret, now()), Some(user.expires_at.unwrap_or(u64::MAX)));
    }
    assert_eq!(deployment.grants().await.anonymous, ["public/*".parse().unwrap()]);

    let again = deployment.does(&["grants", "plan", &file]).await;
    assert_eq!(again, "No changes: what the file says is in force.\n");
    let nothing = deployment.run(&["grants", "apply", &file]).await;
    assert!(nothing.code == Some(0) && nothing.stdout.is_empty(), "nobody has to be asked about nothing: {nothing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_can_be_edited_and_applied() {
    let deployment = Deployment::start().await;
    let nothing = deployment.does(&["grants", "show"]).await;
    assert_eq!(nothing, "users: {}\niam: []\nanonymous: []\n");
    deployment.does(&["grants", "apply", &deployment.file("grants.yaml", FILE), "--yes"]).await;
    let shown = deployment.does(&["grants", "show"]).await;
    assert!(shown.contains("2999-01-31") && !shown.contains("hash") && !shown.contains(Secret::PREFIX), "{shown}");
    deployment.does(&["grants", "plan", &deployment.file("shown.yaml", &shown)]).await;

    let edited = deployment.file("edited.yaml", &shown.replace("public/*", "samples/*"));
    let planned = deployment.run(&["grants", "plan", &edited]).await;
    assert!(planned.code == Some(2) && planned.stdout.contains("+ samples/*") && planned.stdout.contains("- public/*"));
    let before = deployment.file("nothing.yaml", &nothing);
    assert!(deployment.run(&["grants", "plan", &before]).await.stdout.contains("DELETED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn existing_users_keep_secrets_and_state_and_others_are_deleted() {
    let deployment = Deployment::start().await;
    let create = |name| ["user", "create", name, "--repositories", "x", "--actions", "pull"];
    let ci = Secret::new(deployment.does(&create("ci")).await.trim());
    deployment.does(&create("old")).await;
    deployment.does(&["user", "rotate", "ci"]).await;
    let file = deployment.file("grants.yaml", FILE);
    let (rotated, _) = deployment.user("ci").await.unwrap();

    let applied = deployment.run(&["grants", "apply", &file, "--yes"]).await;
    assert!(applied.stderr.contains("  - old  (isn't in the file: DELETED, its secrets end)"), "{applied:?}");
    assert_eq!(secrets(&applied.output()).len(), 1, "only the new one");
    assert_eq!(deployment.users().await, ["ci", "reader"]);
    let (user, _) = deployment.user("ci").await.unwrap();
    assert_eq!(user.secrets, rotated.secrets);
    assert!(user.admits(&ci, now()).is_some() && user.expires_at == Some(32_474_736_000));

    deployment.does(&["user", "disable", "ci"]).await;
    let narrower = deployment.file("narrower.yaml", &FILE.replace("[pull, push]", "[pull]"));
    let applied = deployment.run(&["grants", "apply", &narrower, "--yes"]).await;
    assert!(applied.stderr.contains("note: ci is disabled and stays so"), "{applied:?}");
    assert!(!deployment.user("ci").await.unwrap().0.enabled);
}

#[tokio::test(flavor = "multi_thread")]
async fn sections_that_are_not_in_the_file_are_left_alone() {
    let deployment = Deployment::start().await;
    deployment.does(&["grants", "apply", &deployment.file("grants.yaml", FILE), "--yes"]).await;
    let before = deployment.grants().await;
    deployment.does(&["grants", "apply", &deployment.file("anonymous.yaml", "anonymous: []"), "--yes"]).await;
    let after = deployment.grants().await;
    assert_eq!((after.iam, after.anonymous), (before.iam.clone(), Vec::new()));
    assert_eq!(deployment.users().await, ["ci", "reader"]);
    deployment.does(&["grants", "apply", &deployment.file("users.yaml", "users: {}"), "--yes"]).await;
    assert_eq!((deployment.grants().await.iam, deployment.users().await), (before.iam, Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_somebody_has_to_have_said_yes() {
    let deployment = Deployment::start().await;
    let file = deployment.file("grants.yaml", FILE);
    let error = deployment.run(&["grants", "apply", &file]).await.error();
    assert!(error.contains("+ ci") && error.contains("--yes applies it without asking"), "{error}");
    let error = with_input(&deployment, &["grants", "apply", "-"], b"anonymous: [x]\n").await.error();
    assert!(error.contains("there is no terminal to ask on"), "{error}");
    assert!(deployment.users().await.is_empty() && deployment.grants().await == Grants::default());

    assert_eq!(with_input(&deployment, &["grants", "plan", "-"], b"anonymous: [x]\n").await.code, Some(2));
    with_input(&deployment, &["grants", "apply", "-", "--yes"], b"anonymous: [x]\n").await.output();
    assert_eq!(deployment.grants().await.anonymous.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_never_taken_for_a_difference() {
    let deployment = Deployment::start().await;
    let file = deployment.file("grants.yaml", FILE);
    let bad = deployment.file("bad.yaml", "users:\n  ci: {grants: []}\n  ci: {grants: []}");
    let binary = deployment.home("binary.yaml");
    std::fs::write(&binary, b"\xff\xfe").unwrap();
    let error = deployment.run(&["grants", "plan", &bad]).await.error();
    assert!(error.contains("bad.yaml") && error.contains("line 3 ") && error.contains("duplicate"), "{error}");
    let error = with_input(&deployment, &["grants", "plan", "-"], b"").await.error();
    assert!(error.contains("standard input") && error.contains("none of the sections"), "{error}");
    for wrong in [
        ["grants", "plan", "/nonexistent/grants.yaml"].as_slice(),
        &["grants", "plan", &binary],
        &["grants", "plan"],
        &["grants", "plan", &file, "--colour"],
        &["grants", "plan", &file, "--table", "no-such-table"],
    ] {
        deployment.run(wrong).await.error();
    }
    let mut nowhere = deployment.command(&["grants", "plan", &file]);
    nowhere.env_remove("REGISTRY_TABLE");
    assert!(output(nowhere).await.error().contains("--table"));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_fits_into_a_token_is_refused_with_the_name() {
    let deployment = Deployment::start().await;
    let many = (0..300).map(|n| format!("team/app-{n}")).collect::<Vec<_>>().join(", ");
    let grant = format!("grants: [{{repositories: [{many}], actions: [pull]}}]");
    for (file, who) in [
        (format!("users: {{fine: {{grants: []}}, ci: {{{grant}}}}}"), "ci may pull so many"),
        (format!("iam: [{{principal: 'arn:aws:iam::123456789012:role/x', {grant}}}]"), "role/x may pull so many"),
        (format!("anonymous: [{many}]"), "everybody may pull so many"),
    ] {
        let file = deployment.file("grants.yaml", &file);
        for arguments in [["grants", "plan", &file].as_slice(), &["grants", "apply", &file, "--yes"]] {
            let told = deployment.run(arguments).await;
            assert!(told.code == Some(1) && told.stderr.contains(who), "{told:?}");
        }
    }
    assert!(deployment.users().await.is_empty() && deployment.grants().await == Grants::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_files_that_race_one_is_in_force_and_none_by_halves() {
    let deployment = Deployment::start().await;
    let run = |n: usize| {
        let file = format!("users: {{u{n}: {{grants: []}}, v{n}: {{grants: []}}}}\nanonymous: [p{n}]");
        let file = deployment.file(&format!("{n}.yaml"), &file);
        tokio::spawn(output(deployment.command(&["grants", "apply", &file, "--yes"])))
    };
    let runs: Vec<_> = (0..6).map(run).collect();
    let mut applied = 0;
    for (n, run) in runs.into_iter().enumerate() {
        let told = run.await.unwrap();
        match told.code {
            Some(0) => {
                applied += 1;
                assert_eq!(secrets(&told.stdout).len(), 2, "those of u{n} and v{n}");
            }
            _ => assert!(told.error().contains("somebody else changed users or grants meanwhile")),
        }
    }
    assert!(applied > 0);
    let anonymous = deployment.grants().await.anonymous;
    let n = anonymous[0].as_str().strip_prefix('p').unwrap();
    assert_eq!((anonymous.len(), deployment.users().await), (1, vec![format!("u{n}"), format!("v{n}")]));
}

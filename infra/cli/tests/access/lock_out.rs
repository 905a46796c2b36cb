//! Nobody takes away by mistake what they have themselves.

use crate::deployment::{Deployment, Told, output};
use crate::sts::Sts;

const ME: &str = "arn:aws:sts::123456789012:assumed-role/Admin/me";

/// Grants for the role `Admin` and no other.
const MINE: &str = "
iam:
- {principal: 'arn:aws:iam::123456789012:role/Admin', grants: [{repositories: ['*'], actions: [pull, push]}]}";

const OTHERS: &str = "
iam:
- {principal: 'arn:aws:iam::123456789012:role/Other', grants: [{repositories: ['*'], actions: [pull, push]}]}";

/// Somebody STS knows, or not, at a deployment that has grants.
struct Desk {
    deployment: Deployment,
    sts: Sts,
}

impl Desk {
    async fn new(sts: Sts, in_force: &str) -> Self {
        let deployment = Deployment::start().await;
        let file = deployment.file("in-force.yaml", in_force);
        deployment.does(&["grants", "apply", &file, "--yes", "--allow-lock-out"]).await;
        Self { deployment, sts }
    }

    async fn run(&self, command: &str, file: &str, options: &[&str]) -> Told {
        let file = self.deployment.file("grants.yaml", file);
        let mut command = self.deployment.command(&["grants", command, &file]);
        command.args(options).env("AWS_ENDPOINT_URL_STS", &self.sts.endpoint);
        output(command).await
    }

    /// The only principal that has a grant.
    async fn principal(&self) -> String {
        let grants = self.deployment.grants().await;
        grants.iam.iter().map(|grant| grant.principal.to_string()).collect::<Vec<_>>().join(" ")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_would_lose_everything_has_to_say_that_it_is_meant() {
    let desk = Desk::new(Sts::knows(ME).await, MINE).await;
    for file in [OTHERS, "iam: []"] {
        let planned = desk.run("plan", file, &[]).await;
        assert!(
            planned.code == Some(2) && planned.stderr.contains(&format!("({ME}): it locks you out")),
            "{planned:?}"
        );
        let error = desk.run("apply", file, &["--yes"]).await.error();
        assert!(error.contains("nothing was applied; --allow-lock-out applies it all the same"), "{error}");
        assert_eq!(desk.principal().await, "arn:aws:iam::123456789012:role/Admin");
    }
    let told = desk.run("apply", OTHERS, &["--yes", "--allow-lock-out"]).await;
    assert!(told.code == Some(0) && told.stderr.contains("note: this takes every permission"), "{told:?}");
    assert_eq!(desk.principal().await, "arn:aws:iam::123456789012:role/Other");
}

#[tokio::test(flavor = "multi_thread")]
async fn less_than_before_is_not_nothing() {
    let desk = Desk::new(Sts::knows(ME).await, MINE).await;
    let told = desk.run("apply", &MINE.replace("'*'", "team/app"), &["--yes"]).await;
    assert!(told.code == Some(0) && !told.stderr.contains("note"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_nothing_to_lose_is_told_so() {
    let desk = Desk::new(Sts::knows(ME).await, OTHERS).await;
    let told = desk.run("apply", "iam: []", &["--yes"]).await;
    assert!(
        told.code == Some(0) && told.stderr.contains("may do nothing in the registry, before and after"),
        "{told:?}"
    );
    let first = Desk::new(Sts::knows(ME).await, "anonymous: [x]").await;
    let told = first.run("apply", MINE, &["--yes"]).await;
    assert!(told.code == Some(0) && !told.stderr.contains("note"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_unknown_may_have_something_to_lose() {
    let desk = Desk::new(Sts::refuses().await, MINE).await;
    let planned = desk.run("plan", OTHERS, &[]).await;
    assert!(
        planned.code == Some(2) && planned.stderr.contains("whether this locks you out can't be told"),
        "{planned:?}"
    );
    let error = desk.run("apply", OTHERS, &["--yes"]).await.error();
    assert!(error.contains("not for you") && error.contains("--allow-lock-out"), "{error}");
    assert_eq!(desk.principal().await, "arn:aws:iam::123456789012:role/Admin");
    let told = desk.run("apply", OTHERS, &["--yes", "--allow-lock-out"]).await;
    assert_eq!(told.code, Some(0), "{told:?}");

    let first = Desk::new(Sts::refuses().await, "anonymous: [x]").await;
    let told = first.run("apply", MINE, &["--yes"]).await;
    assert!(told.code == Some(0) && !told.stderr.contains("note"), "nobody had anything: {told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_when_principals_of_iam_keep_what_they_have() {
    let desk = Desk::new(Sts::knows(ME).await, MINE).await;
    for file in ["anonymous: [y]", "users: {ci: {grants: []}}", &format!("{MINE}\nanonymous: []")] {
        let told = desk.run("apply", file, &["--yes"]).await;
        assert_eq!(told.code, Some(0), "{told:?}");
    }
    assert_eq!(desk.sts.asked(), 0);
    desk.run("plan", OTHERS, &[]).await;
    assert_eq!(desk.sts.asked(), 1);
}

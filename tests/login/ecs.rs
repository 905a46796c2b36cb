//! The secret that ECS task definitions name in `repositoryCredentials`.

use std::time::{Duration, Instant};

use lambda_registry_tests::clients::Containerd;
use lambda_registry_tests::desk::{Account, Desk};
use lambda_registry_tests::images::Layout;
use lambda_registry_tests::images::samples::{GREETING, greeting, plain};

use crate::person::Person;
use crate::tool::{Tool, with_every_client};

/// The secret is read again ten seconds after it was read last, at the soonest. This only keeps a registry that never
/// reads it again from hanging the run.
const ROTATION_LIMIT: Duration = Duration::from_secs(60);

with_every_client!([the_pull_secret_pulls_what_its_pattern_says_and_pushes_nothing]);

fn the_pull_secret_pulls_what_its_pattern_says_and_pushes_nothing(tool: Tool) {
    let desk = Desk::start(&["--pull-pattern", "production/*"]);
    let admin = Person::logged_in(tool, &desk, &desk.admin);
    admin.push("production/app").expect_success();
    admin.push("staging/app").expect_success();
    let account = desk.pull_secret();
    assert_eq!(account.name, "ecs");
    let ecs = Person::logged_in(tool, &desk, &account);

    ecs.pull("production/app").expect_success();

    ecs.pull("staging/app").expect_failure(tool.refusal());
    ecs.push("production/app").expect_failure(tool.refusal());
}

/// As the agent on a container instance or on Fargate does it.
#[test]
fn containerd_pulls_with_the_pull_secret_and_is_refused_without() {
    let desk = Desk::start(&[]);
    let skopeo = Person::logged_in(Tool::Skopeo, &desk, &desk.admin);
    skopeo.push_layout("production/app", &Layout::of_image(&plain("amd64"))).expect_success();
    let (containerd, image) = (Containerd::start(&desk.registry), skopeo.image("production/app"));
    let with = |account: &Account| format!("{}:{}", account.name, account.password);
    let ecs = desk.pull_secret();

    containerd.try_pull(&image, &["--user", &with(&Account::new("ecs", "wrong"))]).expect_failure("401 unauthorized");
    containerd.try_pull(&image, &[]).expect_failure("401 unauthorized");
    containerd.pull(&image, &["--user", &with(&ecs)]);

    assert_eq!(containerd.file(&image, GREETING, &[]), greeting("amd64").as_bytes());
    let renamed = containerd.import(&Layout::of_image(&plain("amd64")), &desk.registry.image("production/other"));
    containerd.try_push(&renamed, &["--user", &with(&ecs)]).expect_failure("insufficient_scope");
    containerd.push(&renamed, &["--user", &with(&desk.admin)]);
}

#[test]
fn a_secret_that_was_rotated_in_secrets_manager_is_rotated_here() {
    let desk = Desk::start(&[]);
    let old = desk.pull_secret();
    desk.ask_token(&old, "").expect(200);
    let new = Account::new("puller", "a password that somebody else made");

    desk.put_pull_secret(&new);

    let asked = Instant::now();
    while desk.ask_token(&new, "").status == 401 {
        assert!(asked.elapsed() < ROTATION_LIMIT, "the new secret isn't read");
        std::thread::sleep(Duration::from_millis(100));
    }
    desk.ask_token(&new, "").expect(200);
    desk.ask_token(&old, "").expect_error(401, "UNAUTHORIZED");
}

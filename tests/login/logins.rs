//! Logging in, as each client does it.

use lambda_registry_tests::desk::{Account, Desk};

use crate::person::Person;
use crate::tool::{Tool, with_every_client};

with_every_client!([
    whoever_has_the_secret_pushes_and_pulls,
    a_wrong_password_lets_nobody_in_and_nothing_is_stored,
    the_password_of_an_iam_principal_is_as_good_as_a_user,
    whoever_may_only_pull_is_told_so_when_they_push,
    other_teams_repositories_are_out_of_reach,
    what_is_public_is_pulled_by_everybody_and_nothing_else,
]);

fn whoever_has_the_secret_pushes_and_pulls(tool: Tool) {
    let desk = Desk::start(&[]);
    let ci = desk.user("ci", "team/*", "pull,push");
    let reader = desk.user("reader", "team/app", "pull");

    let pusher = Person::logged_in(tool, &desk, &ci);
    pusher.push("team/app").expect_success();
    Person::logged_in(tool, &desk, &reader).pull("team/app").expect_success();

    assert!(pusher.keeps(&ci), "whoever logged in stays so");
    let log = desk.registry.log();
    assert!(log.contains("principal=user:ci action=\"push\" repository=\"team/app\""), "{log}");
    assert!(log.contains("principal=user:reader action=\"pull\" repository=\"team/app\""), "{log}");
    for secret in [&ci, &reader, &desk.admin].map(|account| &account.password) {
        let shown = if *secret == desk.admin.password { 1 } else { 0 };
        assert_eq!(log.matches(secret.as_str()).count(), shown, "the log has a secret");
    }
}

fn a_wrong_password_lets_nobody_in_and_nothing_is_stored(tool: Tool) {
    let desk = Desk::start(&[]);
    let ci = desk.user("ci", "team/*", "pull,push");
    let mut wrong = ci.password.clone();
    wrong.replace_range(3..4, if wrong.as_bytes()[3] == b'A' { "B" } else { "A" });
    for account in [
        Account::new("ci", &wrong),
        Account::new("nobody", &ci.password),
        Account::new("AWS", &ci.password),
        Account::new("ecs", &ci.password),
    ] {
        let person = Person::new(tool, &desk);
        let login = person.log_in(&account);
        match tool {
            // It writes down what it is told and asks nobody.
            Tool::Crane => login.expect_success(),
            // It asks, and keeps the password all the same.
            Tool::Regctl => login.expect_failure("unauthorized"),
            Tool::Podman | Tool::Skopeo | Tool::Buildah => login.expect_failure("invalid username/password"),
            Tool::Oras | Tool::Helm => login.expect_failure("the user name or the password is wrong"),
        }
        if !matches!(tool, Tool::Crane | Tool::Regctl) {
            assert!(!person.keeps(&account), "{tool:?} keeps a password that is wrong");
        }

        person.push("team/app").expect_failure("unauthorized");
    }
    let tags = desk.request("GET", "/v2/team/app/tags/list", &desk.bearer(&desk.admin, "repository:team/app:pull"));
    tags.send().expect_error(404, "NAME_UNKNOWN");
}

fn the_password_of_an_iam_principal_is_as_good_as_a_user(tool: Tool) {
    let desk = Desk::start(&[]);
    let person = Person::logged_in(tool, &desk, &desk.iam());

    person.push("team/app").expect_success();
    person.pull("team/app").expect_success();

    let log = desk.registry.log();
    assert!(log.contains("principal=iam:arn:aws:iam::000000000000:user/admin action=\"push\""), "{log}");
}

fn whoever_may_only_pull_is_told_so_when_they_push(tool: Tool) {
    let desk = Desk::start(&[]);
    Person::logged_in(tool, &desk, &desk.admin).push("team/app").expect_success();
    let reader = Person::logged_in(tool, &desk, &desk.user("reader", "team/*", "pull"));

    reader.pull("team/app").expect_success();

    for repository in ["team/app", "team/other"] {
        let words = format!("push on repository {repository} is not granted to user:reader");
        // It passes nothing on of what the registry says.
        let words = if tool == Tool::Regctl { tool.refusal() } else { &words };
        reader.push(repository).expect_failure(words);
    }
}

fn other_teams_repositories_are_out_of_reach(tool: Tool) {
    let desk = Desk::start(&[]);
    let ours = Person::logged_in(tool, &desk, &desk.user("ours", "ours/*", "pull,push"));
    let theirs = Person::logged_in(tool, &desk, &desk.user("theirs", "theirs/*", "pull,push"));
    ours.push("ours/app").expect_success();

    theirs.push("ours/app").expect_failure(tool.refusal());
    // What isn't there looks the same.
    for repository in ["ours/app", "ours/nothing"] {
        theirs.pull(repository).expect_failure(tool.refusal());
    }
}

fn what_is_public_is_pulled_by_everybody_and_nothing_else(tool: Tool) {
    let desk = Desk::start(&[]);
    desk.grant("anonymous: [public/*]");
    let admin = Person::logged_in(tool, &desk, &desk.admin);
    admin.push("public/app").expect_success();
    admin.push("private/app").expect_success();
    let anybody = Person::new(tool, &desk);

    anybody.pull("public/app").expect_success();
    let stranger = Person::logged_in(tool, &desk, &desk.user("stranger", "other/*", "pull"));
    stranger.pull("public/app").expect_success();

    anybody.pull("private/app").expect_failure("unauthorized");
    anybody.push("public/app").expect_failure("unauthorized");
    let log = desk.registry.log();
    assert!(log.contains("principal=anonymous action=\"pull\" repository=\"public/app\""), "{log}");
}

//! How soon a change counts.

use std::time::{Duration, Instant};

use lambda_registry_tests::desk::{Desk, wait_until_it_expires};
use lambda_registry_tests::repository::strings;

use crate::person::Person;
use crate::tool::Tool;

/// Grants that a function has read count for a minute. The rest is for asking.
const GRANTS_LIMIT: Duration = Duration::from_secs(75);

const SCOPE: &str = "repository:team/app:pull";

#[test]
fn a_disabled_user_gets_no_more_tokens_at_once_and_those_that_are_out_work() {
    let desk = Desk::start(&[]);
    let ci = desk.user("ci", "team/*", "pull,push");
    Person::logged_in(Tool::Crane, &desk, &ci).push("team/app").expect_success();
    let token = desk.bearer(&ci, SCOPE);

    for (change, undo) in [("disable", Some("enable")), ("delete", None)] {
        desk.change_user(change, "ci");

        desk.ask_token(&ci, SCOPE).expect_error(401, "UNAUTHORIZED");
        desk.request("GET", "/v2/team/app/tags/list", &token).send().expect(200);
        if let Some(undo) = undo {
            desk.change_user(undo, "ci");
            desk.ask_token(&ci, SCOPE).expect(200);
        }
    }
}

#[test]
fn tokens_of_a_disabled_user_end_like_any_other() {
    let desk = Desk::start(&["--token-lifetime", "1"]);
    let ci = desk.user("ci", "team/*", "pull,push");
    let token = desk.bearer(&ci, SCOPE);
    desk.change_user("disable", "ci");

    wait_until_it_expires(desk.registry.address(), &token);

    desk.ask_token(&ci, SCOPE).expect_error(401, "UNAUTHORIZED");
}

#[test]
fn a_rotated_secret_leaves_the_old_one_for_as_long_as_was_said() {
    let desk = Desk::start(&[]);
    let old = desk.user("ci", "team/*", "pull,push");
    let new = desk.rotate("ci", "1h");
    for account in [&old, &new] {
        desk.ask_token(account, "").expect(200);
    }

    let last = desk.rotate("ci", "0s");

    desk.ask_token(&last, "").expect(200);
    for account in [&old, &new] {
        desk.ask_token(account, "").expect_error(401, "UNAUTHORIZED");
    }
}

#[test]
fn a_narrowed_grant_counts_at_once_for_tokens_and_within_a_minute_for_passwords() {
    let desk = Desk::start(&[]);
    let account = desk.iam();
    Person::logged_in(Tool::Crane, &desk, &account).push("team/app").expect_success();
    let tags = || desk.request("GET", "/v2/team/app/tags/list", &account.basic()).send();
    tags().expect(200);

    let principal = "arn:aws:iam::000000000000:user/admin";
    desk.grant(&format!(
        "iam: [{{principal: \"{principal}\", grants: [{{repositories: [other/*], actions: [pull]}}]}}]"
    ));

    let narrow = desk.bearer(&account, SCOPE);
    desk.request("GET", "/v2/team/app/tags/list", &narrow).send().expect_error(401, "UNAUTHORIZED");
    let asked = Instant::now();
    while tags().status == 200 {
        assert!(asked.elapsed() < GRANTS_LIMIT, "the grant that was taken away still counts");
        std::thread::sleep(Duration::from_millis(250));
    }
    tags().expect_error(403, "DENIED");
}

#[test]
fn what_a_team_is_granted_it_has_by_its_next_token() {
    let desk = Desk::start(&[]);
    let ci = desk.user("ci", "team/*", "pull");
    let crane = Person::logged_in(Tool::Crane, &desk, &ci);
    crane.push("team/app").expect_failure("push on repository team/app is not granted to user:ci");

    // A section is the whole truth, so the admin stands there as well.
    let users = "{admin: {grants: [{repositories: ['*'], actions: [pull, push, delete]}]}, \
                  ci: {grants: [{repositories: [team/*], actions: [pull, push]}]}}";
    desk.grant(&format!("users: {users}"));

    crane.push("team/app").expect_success();
    let catalog = desk.request("GET", "/v2/_catalog", &desk.bearer(&ci, "registry:catalog:*")).send().expect(200);
    assert_eq!(strings(&catalog.json()["repositories"]), ["team/app"]);
}

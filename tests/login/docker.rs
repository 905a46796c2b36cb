//! The docker command line. Without an engine it logs in by itself, and makes lists of images that are there.

use std::io::Write as _;
use std::process::Command;

use lambda_registry_tests::command::{Outcome, attempt};
use lambda_registry_tests::desk::{Account, Desk};

use crate::person::Person;
use crate::tool::Tool;

#[test]
fn docker_keeps_a_password_that_is_right_and_no_other() {
    let desk = Desk::start(&[]);
    let ci = desk.user("ci", "team/*", "pull,push");
    for wrong in [Account::new("ci", "lr_wrong"), Account::new("nobody", &ci.password), Account::new("AWS", "lr_wrong")]
    {
        let person = Person::new(Tool::Crane, &desk);
        log_in(&person, &wrong).expect_failure("the user name or the password is wrong");
        assert!(!person.keeps(&wrong), "docker keeps a password that is wrong");
    }
    for right in [ci, desk.iam(), desk.pull_secret()] {
        let person = Person::new(Tool::Crane, &desk);
        log_in(&person, &right).expect_success();
        assert!(person.keeps(&right));
    }
}

#[test]
fn docker_makes_lists_where_it_may_push() {
    let desk = Desk::start(&[]);
    let person = Person::new(Tool::Crane, &desk);
    log_in(&person, &desk.user("ci", "team/*", "pull,push")).expect_success();
    // crane reads what docker keeps.
    person.push("team/app").expect_success();
    let list = |repository: &str| format!("{}/{repository}:list", person.host);
    let make = |list: &str| {
        let create = ["create", "--insecure", list, &person.image("team/app")];
        attempt(&mut manifest(&person, &create)).expect_success();
        attempt(&mut manifest(&person, &["push", "--insecure", list]))
    };

    make(&list("team/app")).expect_success();
    make(&list("other/app")).expect_failure("denied");

    let reader = Person::new(Tool::Crane, &desk);
    log_in(&reader, &desk.user("reader", "team/*", "pull")).expect_success();
    attempt(&mut manifest(&reader, &["inspect", "--insecure", &list("team/app")])).expect_success();
    let stranger = Person::new(Tool::Crane, &desk);
    log_in(&stranger, &desk.user("stranger", "other/*", "pull")).expect_success();
    attempt(&mut manifest(&stranger, &["inspect", "--insecure", &list("team/app")])).expect_failure("denied");
}

#[track_caller]
fn log_in(person: &Person, account: &Account) -> Outcome {
    let mut docker = docker(person);
    docker.args(["login", "--username", &account.name, "--password-stdin", &person.host]);
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    writer.write_all(account.password.as_bytes()).expect("a pipe with room for a password");
    drop(writer);
    attempt(docker.stdin(reader))
}

fn manifest(person: &Person, arguments: &[&str]) -> Command {
    let mut docker = docker(person);
    // Docker 20.10 counts the whole command as experimental.
    docker.env("DOCKER_CLI_EXPERIMENTAL", "enabled").arg("manifest").args(arguments);
    docker
}

/// An engine of this machine isn't asked.
fn docker(person: &Person) -> Command {
    let mut docker = person.command("docker");
    docker.env("DOCKER_HOST", format!("unix://{}", person.home.path("no-engine").display()));
    docker
}

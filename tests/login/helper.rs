//! The credential helper, as clients call it: nobody logs in.

use std::fs;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use lambda_registry_tests::command::{attempt, run};
use lambda_registry_tests::desk::Desk;
use lambda_registry_tests::server::Endpoint as _;
use serde_json::{Value, json};

use crate::person::{Person, path_with_programs};
use crate::tool::{Tool, with_every_client};

with_every_client!([a_client_with_the_helper_needs_no_login_and_passwords_renew_themselves]);

fn a_client_with_the_helper_needs_no_login_and_passwords_renew_themselves(tool: Tool) {
    let desk = Desk::start(&[]);
    let person = with_helper(tool, &desk, &json!({"credHelpers": {desk.address(): "lambda-registry"}}));

    person.push("team/app").expect_success();
    let first = kept(&person);
    person.pull("team/app").expect_success();
    assert_eq!(kept(&person), first, "one password does for both");

    // Half an hour before it ends.
    let soon = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs() + 30 * 60;
    let old = json!({"password": first["password"], "expires_at": soon});
    fs::write(file(&person).expect("a password"), old.to_string()).expect("the password's file");
    person.push("team/app").expect_success();
    let second = kept(&person);
    assert_ne!(second["password"], first["password"]);
    assert!(second["expires_at"].as_u64() >= first["expires_at"].as_u64(), "{soon}");
}

#[test]
fn whoever_has_no_aws_credentials_is_told_so_and_stays_out() {
    let desk = Desk::start(&[]);
    let config = json!({"credsStore": "lambda-registry"});
    with_helper(Tool::Crane, &desk, &config).push("team/app").expect_success();
    let stranger = with_config(Tool::Crane, &desk, &config, Vec::new());

    let pushed = stranger.push("team/app");

    pushed.expect_failure("no AWS credentials");
    pushed.expect_failure("unauthorized");
}

#[test]
fn the_docker_command_line_makes_lists_with_the_helper() {
    let desk = Desk::start(&[]);
    let person = with_helper(Tool::Crane, &desk, &json!({"credHelpers": {desk.address(): "lambda-registry"}}));
    person.push("team/app").expect_success();
    let (list, image) = (format!("{}/team/app:list", person.host), person.image("team/app"));
    let manifest = |arguments: &[&str]| {
        let mut docker = person.command("docker");
        docker.env("DOCKER_CLI_EXPERIMENTAL", "enabled").arg("manifest").args(arguments);
        docker
    };

    run(&mut manifest(&["create", "--insecure", &list, &image]));
    run(&mut manifest(&["push", "--insecure", &list]));

    run(person.command("crane").args(["digest", &list]));
    run(person.command("docker").args(["logout", &person.host]));
    assert_eq!(file(&person), None, "whoever logs out has no password");
    attempt(&mut manifest(&["inspect", "--insecure", &image])).expect_success();
    assert!(file(&person).is_some());
}

/// Somebody with AWS credentials whose clients have this configuration.
#[track_caller]
fn with_helper(tool: Tool, desk: &Desk, config: &Value) -> Person {
    with_config(tool, desk, config, desk.environment())
}

#[track_caller]
fn with_config(tool: Tool, desk: &Desk, config: &Value, mut variables: Vec<(String, String)>) -> Person {
    variables.push(path_with_programs());
    let person = Person::new(tool, desk).with(variables);
    person.home.write(".docker/config.json", config.to_string());
    person
}

/// The file of the only password that the helper keeps.
#[track_caller]
fn file(person: &Person) -> Option<PathBuf> {
    let files = fs::read_dir(person.home.path(".cache/lambda-registry").join(&person.host)).expect("a directory");
    let mut files = files.map(|entry| entry.expect("an entry").path());
    let file = files.next();
    assert_eq!(files.next(), None, "one identity has one password");
    file
}

#[track_caller]
fn kept(person: &Person) -> Value {
    let text = fs::read(file(person).expect("a password")).expect("the password's file");
    serde_json::from_slice(&text).expect("a password in JSON")
}

//! What was granted, and nothing else: mounts, listings, deletions.

use lambda_registry_tests::command::{attempt, run};
use lambda_registry_tests::desk::{Account, Desk};
use lambda_registry_tests::digest::sha256;

use crate::person::Person;
use crate::tool::Tool;

#[test]
fn a_copy_between_repositories_mounts_what_may_be_pulled() {
    let desk = Desk::start(&[]);
    let crane = Person::logged_in(Tool::Crane, &desk, &desk.user("ours", "ours/*", "pull,push"));
    crane.push("ours/app").expect_success();

    run(crane.command("crane").args(["copy", &crane.image("ours/app"), &crane.image("ours/copy")]));

    let log = desk.registry.log();
    assert!(!log.contains("PATCH /v2/ours/copy/"), "crane uploaded what it could have mounted: {log}");
    assert!(log.contains("action=\"push\" repository=\"ours/copy\" source=\"ours/app\""), "{log}");
}

#[test]
fn a_mount_from_a_repository_that_may_not_be_pulled_is_as_if_the_blob_were_not_there() {
    let desk = Desk::start(&[]);
    let secret = b"what only the admin may see";
    let digest = sha256(secret);
    let admin = desk.bearer(&desk.admin, "repository:theirs/app:pull,push");
    let opened = desk.request("POST", "/v2/theirs/app/blobs/uploads/", &admin).send().expect(202);
    let put = format!("{}?digest={digest}", opened.expect_header("location"));
    desk.request("PUT", &put, &admin).body(*secret).send().expect(201);
    let ours = desk.user("ours", "ours/*", "pull,push");
    // The client asks for the source as well, and isn't given it.
    let token = desk.bearer(&ours, "repository:ours/app:pull,push repository:theirs/app:pull");
    let mount = |blob: &str| {
        let path = format!("/v2/ours/app/blobs/uploads/?mount={blob}&from=theirs/app");
        let answer = desk.request("POST", &path, &token).send().expect(202);
        let names = answer.headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        (names, answer.body)
    };

    assert_eq!(mount(&digest), mount(&sha256(b"what is nowhere")));

    let admins = desk.bearer(&desk.admin, "repository:ours/app:pull,push repository:theirs/app:pull");
    let path = format!("/v2/ours/app/blobs/uploads/?mount={digest}&from=theirs/app");
    desk.request("POST", &path, &admins).send().expect(201);
}

#[test]
fn the_catalog_shows_what_may_be_pulled() {
    let desk = Desk::start(&[]);
    let admin = Person::logged_in(Tool::Crane, &desk, &desk.admin);
    for repository in ["ours/app", "theirs/app", "public/app"] {
        admin.push(repository).expect_success();
    }
    let ours = Person::logged_in(Tool::Crane, &desk, &desk.user("ours", "ours/*", "pull,push"));
    let pusher = Person::logged_in(Tool::Crane, &desk, &desk.user("pusher", "theirs/*", "push"));
    let anybody = Person::new(Tool::Crane, &desk);
    let catalog = |person: &Person| attempt(person.command("crane").args(["catalog", &person.host]));
    let shown = |person: &Person| run(person.command("crane").args(["catalog", &person.host]));
    assert_eq!(shown(&admin), "ours/app\npublic/app\ntheirs/app\n");
    assert_eq!(shown(&ours), "ours/app\n");
    for person in [&pusher, &anybody] {
        catalog(person).expect_failure("unauthorized");
    }

    desk.grant("anonymous: [public/*]");

    assert_eq!(shown(&ours), "ours/app\npublic/app\n");
    for person in [&pusher, &anybody] {
        assert_eq!(shown(person), "public/app\n");
    }
}

#[test]
fn a_deletion_needs_its_own_right() {
    let desk = Desk::start(&[]);
    let writer = Person::logged_in(Tool::Crane, &desk, &desk.user("writer", "team/*", "pull,push"));
    let cleaner = Person::logged_in(Tool::Crane, &desk, &desk.user("cleaner", "team/*", "pull,delete"));
    writer.push("team/app").expect_success();
    let delete = |person: &Person| attempt(person.command("crane").args(["delete", &person.image("team/app")]));

    delete(&writer).expect_failure("delete on repository team/app is not granted to user:writer");
    writer.pull("team/app").expect_success();

    delete(&cleaner).expect_success();
    writer.pull("team/app").expect_failure("manifest_unknown");
}

#[test]
fn credentials_on_the_command_line_do_as_well() {
    let desk = Desk::start(&[]);
    let person = Person::new(Tool::Skopeo, &desk);
    let ci = desk.user("ci", "team/*", "pull,push");
    Person::logged_in(Tool::Skopeo, &desk, &ci).push("team/app").expect_success();
    let inspect = |account: &Account| {
        let (credentials, image) =
            (format!("{}:{}", account.name, account.password), format!("docker://{}", person.image("team/app")));
        attempt(person.command("skopeo").args(["inspect", "--raw", "--creds", &credentials, &image]))
    };

    inspect(&ci).expect_success();
    inspect(&desk.iam()).expect_success();
    inspect(&Account::new("ci", "lr_wrong")).expect_failure("unauthorized");
    assert!(!person.keeps(&ci));
}

//! `lambda-registry user`.

use access::{Permission, Secret, User};

use crate::deployment::{Deployment, now, output};

/// The secret, if that is all there is.
fn secret(stdout: &str) -> Secret {
    let secret = stdout.strip_suffix('\n').unwrap();
    assert!(secret.len() == 46 && secret.starts_with(Secret::PREFIX), "a secret and nothing else");
    Secret::new(secret)
}

fn grants(json: serde_json::Value) -> Vec<Permission> {
    serde_json::from_value(json).unwrap()
}

const CREATE: &[&str] = &["user", "create", "ci", "--repositories", "team/*", "--actions", "pull,push"];

#[tokio::test(flavor = "multi_thread")]
async fn a_user_gets_a_secret_that_is_shown_once_and_kept_as_a_hash() {
    let deployment = Deployment::start().await;
    let told = deployment.run(CREATE).await;
    assert!(told.stderr.contains("docker login --username ci --password-stdin <registry>"), "{told:?}");
    let secret = secret(&told.output());
    let (user, _) = deployment.user("ci").await.unwrap();
    assert_eq!(user.admits(&secret, now()), Some(u64::MAX));
    assert_eq!(user.grants, grants(serde_json::json!([{"repositories": ["team/*"], "actions": ["pull", "push"]}])));
    assert!(!user.to_json().contains(secret.expose()));
    for arguments in [["user", "list"].as_slice(), &["user", "list", "--json"]] {
        let list = deployment.does(arguments).await;
        let hash = serde_json::to_string(&user.secrets[0].hash).unwrap();
        assert!(
            list.contains("ci") && !list.contains(Secret::PREFIX) && !list.contains(hash.trim_matches('"')),
            "{list}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_are_given_with_commas_or_one_by_one() {
    let deployment = Deployment::start().await;
    let arguments = ["--repositories", "team/*,base", "--repositories", "x", "--actions", "delete, pull"];
    deployment.does(&[&["user", "create", "ci"], arguments.as_slice()].concat()).await;
    let (user, _) = deployment.user("ci").await.unwrap();
    let expected = serde_json::json!([{"repositories": ["team/*", "base", "x"], "actions": ["pull", "delete"]}]);
    assert_eq!(user.grants, grants(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_may_end_after_a_while_or_on_a_day() {
    let deployment = Deployment::start().await;
    let before = now();
    for (name, when) in [("while", "90d"), ("day", "2999-01-31"), ("time", "2999-01-31T02:00:00+02:00")] {
        let told = deployment
            .run(&["user", "create", name, "--repositories", "x", "--actions", "pull", "--expires", when])
            .await;
        assert!(told.stderr.contains(" until 2"), "{told:?}");
        told.output();
    }
    let mut expiries = Vec::new();
    for name in ["while", "day", "time"] {
        expiries.push(deployment.user(name).await.unwrap().0.expires_at.unwrap());
    }
    let ninety_days = 90 * 86_400;
    assert!((before + ninety_days..=now() + ninety_days).contains(&expiries[0]));
    assert_eq!(expiries[1..], [32_474_736_000, 32_474_736_000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_user_is_refused_and_leaves_nothing() {
    let deployment = Deployment::start().await;
    let many = (0..300).map(|n| format!("team/app-{n}")).collect::<Vec<_>>().join(",");
    for (name, repositories, actions, expires, message) in [
        ("aws", "x", "pull", None, "the name aws is reserved"),
        ("ecs", "x", "pull", None, "the name ecs is reserved"),
        ("CI", "x", "pull", None, "lower-case"),
        ("ci", "", "pull", None, "it is empty"),
        ("ci", "team/*,", "pull", None, "it is empty"),
        ("ci", "Team", "pull", None, "lower-case"),
        ("ci", "x", "", None, "use pull, push or delete"),
        ("ci", "x", "paint", None, "use pull, push or delete"),
        ("ci", "x", "pull", Some("2020-01-31"), "would have expired on 2020-01-31"),
        ("ci", "x", "pull", Some("0s"), "would have expired on"),
        ("ci", "x", "pull", Some("soon"), "neither a duration"),
        ("ci", &many, "pull", None, "don't fit into a token"),
    ] {
        let mut arguments = vec!["user", "create", name, "--repositories", repositories, "--actions", actions];
        arguments.extend(expires.iter().flat_map(|when| ["--expires", when]));
        let error = deployment.run(&arguments).await.error();
        assert!(error.contains(message), "{arguments:?}\n{error}");
    }
    for missing in [&CREATE[..5], &["user", "create", "ci", "--actions", "pull"]] {
        assert!(deployment.run(missing).await.error().contains("required"));
    }
    assert_eq!(deployment.users().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_exists_stays_as_it_is() {
    let deployment = Deployment::start().await;
    let secret = secret(&deployment.does(CREATE).await);
    let error = deployment.run(CREATE).await.error();
    assert!(error.contains("there is a user ci already") && error.contains("user rotate ci"), "{error}");
    let (user, revision) = deployment.user("ci").await.unwrap();
    assert_eq!((user.admits(&secret, now()), revision), (Some(u64::MAX), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_push_and_not_pull_is_told() {
    let deployment = Deployment::start().await;
    let create = |name, actions| ["user", "create", name, "--repositories", "team/*", "--actions", actions];
    let told = deployment.run(&create("blind", "push")).await;
    assert!(told.stderr.contains("note: blind may push team/* and not pull it"), "{told:?}");
    let told = deployment.run(&create("seeing", "push,pull")).await;
    assert!(!told.stderr.contains("note"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_secret_stays_valid_for_a_while() {
    let deployment = Deployment::start().await;
    let first = secret(&deployment.does(CREATE).await);
    let before = now();
    let told = deployment.run(&["user", "rotate", "ci"]).await;
    assert!(
        told.stderr.contains("the old secret of ci stays valid until 2") && !told.stderr.contains("note"),
        "{told:?}"
    );
    let second = secret(&told.output());
    let (user, _) = deployment.user("ci").await.unwrap();
    let end = user.admits(&first, now()).unwrap();
    assert!((before + 86_400..=now() + 86_400).contains(&end), "24 hours by default: {end}");
    assert_eq!(user.admits(&second, now()), Some(u64::MAX));

    let told = deployment.run(&["user", "rotate", "ci", "--overlap", "1h"]).await;
    assert!(told.stderr.contains("note: the one before it was still valid"), "{told:?}");
    let third = secret(&told.output());
    let (user, _) = deployment.user("ci").await.unwrap();
    assert_eq!(user.admits(&first, now()), None);
    assert!(user.admits(&second, now()).is_some_and(|end| end <= now() + 3_600));

    let told = deployment.run(&["user", "rotate", "ci", "--overlap", "0s"]).await;
    assert!(told.stderr.contains("the old secret of ci isn't valid any more"), "{told:?}");
    let fourth = secret(&told.output());
    let (user, _) = deployment.user("ci").await.unwrap();
    let valid = [&second, &third, &fourth].map(|secret| user.admits(secret, now()).is_some());
    assert_eq!(valid, [false, false, true]);
    for bad in ["soon", "-1h", "1mo"] {
        let overlap = format!("--overlap={bad}");
        assert!(deployment.run(&["user", "rotate", "ci", &overlap]).await.error().contains("is no duration"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_disabled_enabled_and_deleted() {
    let deployment = Deployment::start().await;
    let secret = secret(&deployment.does(CREATE).await);
    for (command, said, admitted) in [
        ("disable", "disabled ci\n", false),
        ("disable", "ci is disabled already\n", false),
        ("enable", "enabled ci\n", true),
        ("enable", "ci is enabled already\n", true),
    ] {
        assert_eq!(deployment.does(&["user", command, "ci"]).await, said);
        let (user, _) = deployment.user("ci").await.unwrap();
        assert_eq!(user.admits(&secret, now()).is_some(), admitted, "{said}");
    }
    let told = deployment.run(&["user", "delete", "ci"]).await;
    assert!(told.stderr.contains("5 minutes at most"), "{told:?}");
    assert_eq!(told.output(), "deleted ci\n");
    assert_eq!(deployment.user("ci").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_can_be_done_to_users_who_do_not_exist() {
    let deployment = Deployment::start().await;
    for command in ["rotate", "disable", "enable", "delete"] {
        let error = deployment.run(&["user", command, "nobody"]).await.error();
        assert!(error.contains("there is no user nobody; lambda-registry user list shows who there is"), "{error}");
    }
    assert_eq!(deployment.users().await, Vec::<String>::new());
    let told = deployment.run(&["user", "list"]).await;
    assert!(told.stdout.is_empty() && told.stderr.contains("there are no users"), "{told:?}");
    assert_eq!(deployment.does(&["user", "list", "--json"]).await, "[]\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_says_who_can_log_in() {
    let deployment = Deployment::start().await;
    deployment.does(CREATE).await;
    deployment.does(&["user", "rotate", "ci"]).await;
    deployment.does(&["user", "create", "off", "--repositories", "x,y", "--actions", "pull"]).await;
    deployment.does(&["user", "disable", "off"]).await;
    let old = User::new(&Secret::new("some"), Vec::new(), Some(86_400), 0);
    deployment.put("old", &old, None).await;

    let list = deployment.does(&["user", "list"]).await;
    let rows: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["NAME", "STATE", "EXPIRES", "SECRETS", "GRANTS"]);
    assert_eq!(rows[1][..3], ["ci", "enabled", "never"]);
    assert_eq!(rows[1][4], "old,", "two secrets: {list}");
    assert_eq!(rows[1][rows[1].len() - 2..], ["pull,push:", "team/*"]);
    assert_eq!(rows[2][..3], ["off", "disabled", "never"]);
    assert_eq!(rows[2][rows[2].len() - 3..], ["pull:", "x", "y"]);
    assert_eq!(rows[3][..3], ["old", "expired", "1970-01-02"]);

    let json: serde_json::Value = serde_json::from_str(&deployment.does(&["user", "list", "--json"]).await).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 3);
    let secrets = json[0]["secrets"].as_array().unwrap();
    assert!(secrets[0]["expires_at"].is_null() && secrets[1]["expires_at"].as_u64().unwrap() > now(), "{json}");
    assert_eq!(json[2]["expires_at"], 86_400);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_rotations_that_race_each_is_done_or_says_that_it_is_not() {
    let deployment = Deployment::start().await;
    deployment.does(CREATE).await;
    let runs: Vec<_> = (0..8).map(|_| tokio::spawn(output(deployment.command(&["user", "rotate", "ci"])))).collect();
    let mut secrets = Vec::new();
    for run in runs {
        let told = run.await.unwrap();
        if told.code == Some(0) {
            secrets.push(secret(&told.stdout));
        } else {
            assert!(told.error().contains("somebody else changed ci in the same moment"));
        }
    }
    let (user, revision) = deployment.user("ci").await.unwrap();
    assert_eq!(revision, 1 + secrets.len() as u64, "each secret that was shown was kept");
    let newest = secrets.iter().filter(|secret| user.secrets[0].hash.is_of(secret)).count();
    assert_eq!(newest, 1, "nobody was given the newest");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_disabled_stays_so_whatever_happens_meanwhile() {
    let deployment = Deployment::start().await;
    deployment.does(CREATE).await;
    let run = |command| tokio::spawn(output(deployment.command(&["user", command, "ci"])));
    let rotations: Vec<_> = (0..4).map(|_| run("rotate")).collect();
    let disabled: Vec<_> = (0..4).map(|_| run("disable")).collect();
    for run in disabled {
        run.await.unwrap().output();
    }
    let mut secrets = Vec::new();
    for run in rotations {
        let told = run.await.unwrap();
        secrets.extend((told.code == Some(0)).then(|| secret(&told.stdout)));
    }
    let (user, revision) = deployment.user("ci").await.unwrap();
    assert!(!user.enabled);
    assert_eq!(revision, 2 + secrets.len() as u64, "one was the first to disable it, the others found it so");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_understood_is_not_overwritten() {
    let deployment = Deployment::start().await;
    let newer = storage::DocumentWrite {
        name: storage::DocumentName::User("ci"),
        replaces: None,
        text: Some(r#"{"enabled": true, "team": "x"}"#.to_owned()),
    };
    assert!(deployment.storage.write_documents(&[newer]).await.unwrap());
    for arguments in
        [["user", "rotate", "ci"].as_slice(), &["user", "disable", "ci"], &["user", "list"], &["grants", "show"]]
    {
        let error = deployment.run(arguments).await.error();
        assert!(error.contains("what is kept of ci can't be understood"), "{error}");
    }
}

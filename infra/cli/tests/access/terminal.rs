//! Somebody sits there and is asked.

use std::io::{Read as _, Write as _};
use std::process::{Child, Stdio};

use access::{Grants, Secret, User};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::deployment::{Deployment, Told};

/// A program that has asked its question and waits.
struct Asked {
    child: Child,
    keyboard: std::fs::File,
    said: Vec<u8>,
}

impl Asked {
    fn start(deployment: &Deployment, arguments: &[&str]) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let terminal = ptsname(&keyboard, Vec::new()).unwrap();
        let terminal = std::fs::File::options().read(true).write(true).open(terminal.to_str().unwrap()).unwrap();
        let mut command = deployment.command(arguments);
        command.stdin(terminal).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (mut said, errors) = (Vec::new(), child.stderr.as_mut().unwrap());
        while !said.ends_with(b"Only yes is accepted: ") {
            let mut byte = [0];
            let read = errors.read(&mut byte).unwrap();
            assert!(read == 1, "nobody was asked: {}", String::from_utf8_lossy(&said));
            said.push(byte[0]);
        }
        Self { child, keyboard: keyboard.into(), said }
    }

    fn answer(mut self, text: &str) -> Told {
        self.keyboard.write_all(text.as_bytes()).unwrap();
        let mut output = self.child.wait_with_output().unwrap();
        output.stderr.splice(0..0, self.said);
        output.into()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_yes_is_a_yes() {
    let deployment = Deployment::start().await;
    let file = deployment.file("grants.yaml", "anonymous: [public/*]");
    for no in ["no\n", "y\n", "\n", "\u{4}"] {
        let told = Asked::start(&deployment, &["grants", "apply", &file]).answer(no);
        assert!(told.stderr.contains("+ public/*"), "the difference comes first: {told:?}");
        assert!(told.error().contains("nothing was applied"));
        assert_eq!(deployment.grants().await, Grants::default());
    }
    Asked::start(&deployment, &["grants", "apply", &file]).answer("yes\n").output();
    assert_eq!(deployment.grants().await.anonymous.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_while_somebody_thinks_is_not_overwritten() {
    let deployment = Deployment::start().await;
    let user = User::new(&Secret::new("some"), Vec::new(), None, 0);
    deployment.put("ci", &user, None).await;
    let file = "users: {ci: {grants: [{repositories: [x], actions: [pull]}]}, new: {grants: []}}\nanonymous: [y]";
    let file = deployment.file("grants.yaml", file);
    let asked = Asked::start(&deployment, &["grants", "apply", &file]);
    deployment.put("ci", &User { enabled: false, ..user.clone() }, Some(1)).await;
    let error = asked.answer("yes\n").error();
    assert!(error.contains("somebody else changed users or grants meanwhile, so nothing was applied"), "{error}");
    assert_eq!(deployment.users().await, ["ci"]);
    assert_eq!(deployment.user("ci").await, Some((User { enabled: false, ..user.clone() }, 2)));
    assert_eq!(deployment.grants().await, Grants::default());

    let asked = Asked::start(&deployment, &["grants", "apply", &file]);
    deployment.put("new", &user, None).await;
    asked.answer("yes\n").error();
    assert_eq!(deployment.user("new").await, Some((user, 1)), "somebody else's user of that name");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_applied_while_somebody_thinks_counts_even_if_it_is_about_other_users() {
    let deployment = Deployment::start().await;
    let mine = deployment.file("mine.yaml", "users: {mine: {grants: []}}");
    let asked = Asked::start(&deployment, &["grants", "apply", &mine]);
    let other = deployment.file("other.yaml", "users: {other: {grants: []}}");
    deployment.does(&["grants", "apply", &other, "--yes"]).await;
    asked.answer("yes\n").error();
    assert_eq!(deployment.users().await, ["other"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_more_than_a_transaction_what_was_written_is_told_with_its_secrets() {
    let deployment = Deployment::start().await;
    let users: String = (0..150).map(|n| format!("  u{n:03}: {{grants: []}}\n")).collect();
    let file = deployment.file("grants.yaml", &format!("users:\n{users}"));
    let asked = Asked::start(&deployment, &["grants", "apply", &file]);
    let user = User::new(&Secret::new("some"), Vec::new(), None, 0);
    deployment.put("u149", &user, None).await;
    let told = asked.answer("yes\n");
    assert!(told.code == Some(1) && told.stderr.contains("100 of 151 changes were applied"), "{told:?}");
    // The first of the hundred are the grants.
    assert_eq!((told.stdout.lines().count(), deployment.users().await.len()), (99, 100));
    assert_eq!(deployment.user("u149").await, Some((user, 1)));
    let again = Asked::start(&deployment, &["grants", "apply", &file]).answer("yes\n");
    assert_eq!((again.output().lines().count(), deployment.users().await.len()), (50, 150));
}

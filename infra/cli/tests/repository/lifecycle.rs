//! `repository lifecycle`.

use std::path::PathBuf;

use protocol::{Digest, MediaType, RepositoryName, Tag};
use storage::{NewManifest, References, StoredManifest};
use tempfile::TempDir;

use crate::deployment::Deployment;

const NAME: &str = "team/app";
/// The newest image stays, and there is a line of its own for what isn't tagged.
const POLICY: &str = r#"{"rules": [
  {"rulePriority": 1, "selection": {"tagStatus": "tagged", "tagPatternList": ["v*"], "countType": "imageCountMoreThan",
   "countNumber": 1}, "action": {"type": "expire"}},
  {"rulePriority": 2, "selection": {"tagStatus": "any", "countType": "sinceImagePushed", "countUnit": "days",
   "countNumber": 1}, "action": {"type": "expire"}}
]}
"#;

struct Desk {
    deployment: Deployment,
    directory: TempDir,
}

fn name() -> RepositoryName {
    NAME.parse().unwrap()
}

impl Desk {
    async fn start() -> Self {
        let deployment = Deployment::start().await;
        deployment.says(&["create", NAME], "created team/app").await;
        Self { deployment, directory: tempfile::tempdir().unwrap() }
    }

    fn file(&self, text: &str) -> String {
        let file: PathBuf = self.directory.path().join("policy.json");
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    }

    /// An index of nothing, which needs nothing that isn't in the table.
    async fn push(&self, text: &str, tags: &[&str]) -> Digest {
        let digest = Digest::sha256(text.as_bytes());
        let tags: Vec<Tag> = tags.iter().map(|tag| tag.parse().unwrap()).collect();
        let manifest = StoredManifest { media_type: MediaType::OciIndex, bytes: text.to_owned().into() };
        let new = NewManifest {
            repository: &name(),
            digest: &digest,
            manifest,
            tags: &tags,
            references: &References::default(),
            optional: &[],
            descendants: &[],
            referrer: None,
        };
        self.deployment.storage.put_manifest(&new).await.map_err(|error| format!("{error:?}")).unwrap();
        digest
    }
}

fn lifecycle<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    [&["lifecycle"], rest].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_set_shown_and_removed() {
    let desk = Desk::start().await;
    let (deployment, file) = (&desk.deployment, desk.file(POLICY));
    let none = "lambda-registry repository lifecycle set team/app FILE";
    deployment.refuses(&lifecycle(&["show", NAME]), none).await;
    deployment.refuses(&lifecycle(&["preview", NAME]), none).await;
    let set = "set the lifecycle policy of team/app; the collector applies it with its next run";
    deployment.says(&lifecycle(&["set", NAME, &file]), set).await;
    deployment.says(&lifecycle(&["show", NAME]), POLICY.trim_end()).await;
    assert_eq!(deployment.storage.lifecycle(&name()).await.unwrap().as_deref(), Some(POLICY));
    deployment.says(&lifecycle(&["remove", NAME]), "team/app has no lifecycle policy").await;
    deployment.refuses(&lifecycle(&["show", NAME]), none).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_is_none_is_refused_with_its_file_and_rule() {
    let desk = Desk::start().await;
    let (deployment, file) = (&desk.deployment, desk.file(&POLICY.replace("days", "weeks")));
    for command in [lifecycle(&["set", NAME, &file]), lifecycle(&["preview", NAME, "--policy", &file])] {
        deployment.refuses(&command, &format!("{file}: rule 2: ")).await;
    }
    deployment.refuses(&lifecycle(&["set", NAME, "/nonexistent/policy.json"]), "/nonexistent/policy.json: ").await;
    assert_eq!(deployment.storage.lifecycle(&name()).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_set_where_there_is_no_repository() {
    let desk = Desk::start().await;
    let file = desk.file(POLICY);
    for command in [
        &["set", "team/other", &file][..],
        &["show", "team/other"],
        &["remove", "team/other"],
        &["preview", "team/other", "--policy", &file],
    ] {
        desk.deployment.refuses(&lifecycle(command), "lambda-registry repository create team/other").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_names_what_would_expire_and_why_and_changes_nothing() {
    let desk = Desk::start().await;
    let (deployment, file) = (&desk.deployment, desk.file(POLICY));
    let mut releases = [desk.push("one", &["v1", "latest"]).await, desk.push("two", &["v2"]).await];
    desk.push("untagged", &[]).await;
    // Of two that were pushed in the same second the greater digest is the younger; seconds may pass between them.
    let entries: Vec<_> = {
        let mut entries = Vec::new();
        deployment.storage.each_manifest(&name(), &mut |entry| entries.push((entry.at, entry.digest))).await.unwrap();
        entries.sort();
        entries
    };
    releases.sort_by_key(|digest| entries.iter().position(|(_, other)| other == digest));
    let tags = if releases[0] == Digest::sha256(b"one") { "latest,v1" } else { "v2" };
    let day = {
        let seconds = entries.iter().find(|(_, digest)| *digest == releases[0]).unwrap().0;
        let seconds = i64::try_from(seconds).unwrap();
        jiff::Timestamp::from_second(seconds).unwrap().strftime("%Y-%m-%d").to_string()
    };
    let expected =
        format!("{}  {tags}  rule 1: not one of the newest 1, pushed {day}\n1 of 3 images would expire", releases[0]);
    deployment.says(&lifecycle(&["preview", NAME, "--policy", &file]), &expected).await;
    deployment.run(&lifecycle(&["set", NAME, &file])).await;
    deployment.says(&lifecycle(&["preview", NAME]), &expected).await;
    for digest in releases {
        assert!(deployment.storage.manifest(&name(), &digest).await.unwrap().is_some());
    }
}

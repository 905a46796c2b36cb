//! `repository settings`.

use protocol::{MutabilityMode, TagMutability};
use storage::Settings;

use crate::deployment::Deployment;

const NAME: &str = "team/app";

async fn deployment() -> Deployment {
    let deployment = Deployment::start().await;
    deployment.says(&["create", NAME], "created team/app").await;
    deployment
}

fn shown(sparse_manifests: &str, tags: &str, collect_untagged: &str) -> String {
    format!("sparse-manifests  {sparse_manifests}\n{tags}\ncollect-untagged  {collect_untagged}")
}

const MUTABLE: &str = "tag-mutability    MUTABLE";

impl Deployment {
    async fn settings(&self) -> Settings {
        self.storage.settings(&NAME.parse().unwrap()).await.unwrap().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_shown_and_changed_one_by_one() {
    let deployment = deployment().await;
    deployment.says(&["settings", NAME], &shown("default", MUTABLE, "no")).await;
    for (choice, sparse_manifests) in [("yes", Some(true)), ("no", Some(false)), ("default", None)] {
        deployment.says(&["settings", NAME, "--sparse-manifests", choice], &shown(choice, MUTABLE, "no")).await;
        assert_eq!(deployment.settings().await, Settings { sparse_manifests, ..Settings::default() });
    }
    for (choice, collect_untagged) in [("yes", true), ("no", false), ("yes", true)] {
        deployment.says(&["settings", NAME, "--collect-untagged", choice], &shown("default", MUTABLE, choice)).await;
        assert_eq!(deployment.settings().await, Settings { collect_untagged, ..Settings::default() });
    }
    let immutable = shown("no", "tag-mutability    IMMUTABLE", "yes");
    let change = ["settings", NAME, "--sparse-manifests", "no", "--tag-mutability", "IMMUTABLE"];
    deployment.says(&change, &immutable).await;
    deployment.says(&["settings", NAME], &immutable).await;
    let none: [&str; 0] = [];
    let expected = Settings {
        sparse_manifests: Some(false),
        tag_mutability: TagMutability::new(MutabilityMode::Immutable, none).unwrap(),
        collect_untagged: true,
    };
    assert_eq!(deployment.settings().await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mode_of_mutability_is_set_with_its_exclusions() {
    let deployment = deployment().await;
    for (mode, filters) in [
        ("IMMUTABLE_WITH_EXCLUSION", &["latest", "dev-*"][..]),
        ("MUTABLE_WITH_EXCLUSION", &["v*"]),
        ("IMMUTABLE", &[]),
        ("MUTABLE", &[]),
    ] {
        let exclude = filters.iter().flat_map(|filter| ["--exclude", filter]);
        let change: Vec<&str> = ["settings", NAME, "--tag-mutability", mode].into_iter().chain(exclude).collect();
        let lines: Vec<String> = filters.iter().map(|filter| format!("\nexclude           {filter}")).collect();
        let tags = format!("tag-mutability    {mode}{}", lines.concat());
        deployment.says(&change, &shown("default", &tags, "no")).await;
        let expected = TagMutability::new(mode.parse().unwrap(), filters).unwrap();
        assert_eq!(deployment.settings().await.tag_mutability, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let deployment = deployment().await;
    let set = |rest: &[&'static str]| [&["settings", NAME], rest].concat();
    deployment.refuses(&set(&["--tag-mutability", "IMMUTABLE_WITH_EXCLUSION"]), "1 to 5 filters").await;
    deployment.refuses(&set(&["--tag-mutability", "IMMUTABLE", "--exclude", "v1"]), "remove the filters").await;
    deployment.refuses(&set(&["--tag-mutability", "immutable"]), "use one of MUTABLE, IMMUTABLE").await;
    deployment.refuses(&set(&["--exclude", "v1"]), "--tag-mutability").await;
    let slash = set(&["--tag-mutability", "MUTABLE_WITH_EXCLUSION", "--exclude", "a/b"]);
    deployment.refuses(&slash, "which no tag has").await;
    deployment.refuses(&set(&["--collect-untagged", "default"]), "default").await;
    assert_eq!(deployment.settings().await, Settings::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_created_on_the_way() {
    let deployment = Deployment::start().await;
    for change in [&["settings", NAME][..], &["settings", NAME, "--collect-untagged", "yes"]] {
        deployment.refuses(change, "lambda-registry repository create team/app").await;
    }
    assert_eq!(deployment.storage.settings(&NAME.parse().unwrap()).await.unwrap(), None);
}

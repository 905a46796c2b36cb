//! Manifests without tags, children of lists, and conversions.

use storage::Settings;

use crate::behind;
use crate::bench::{Bench, WITH_GRACE, WITHOUT_GRACE, repository};
use crate::http::Request;
use crate::image::{Image, SCHEMA2};

async fn collect_untagged(bench: &Bench, name: &str) {
    let settings = Settings { collect_untagged: true, ..Settings::default() };
    assert!(bench.storage.set_settings(&repository(name), &settings).await.unwrap());
}

/// As often as it takes until nothing is left to do.
async fn collect_everything(bench: &Bench) {
    for _ in 0..12 {
        if bench.collect(WITHOUT_GRACE).await.is_clean() {
            return;
        }
    }
    panic!("it never ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn untagged_manifests_go_only_where_the_settings_say_so() {
    let bench = Bench::start().await;
    let [old, new] = ["old", "new"].map(|name| Image::new(name, "base", None));
    for name in ["kept", "collected"] {
        bench.push(name, "latest", &old).await;
        bench.push(name, "latest", &new).await;
    }
    collect_untagged(&bench, "collected").await;
    assert_eq!(bench.collect(WITHOUT_GRACE).await.marked.manifests, 1);
    assert_eq!(bench.collect(WITHOUT_GRACE).await.removed.manifests, 1);
    collect_everything(&bench).await;
    assert!(bench.is_whole("kept", &old).await && bench.is_whole("kept", &new).await);
    assert!(!bench.has("collected", &old).await && bench.is_whole("collected", &new).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untagged_manifest_of_a_push_under_way_is_not_even_marked() {
    let bench = Bench::start().await;
    let image = Image::new("app", "base", None);
    bench.push_untagged("a", &image).await;
    collect_untagged(&bench, "a").await;
    assert_eq!(bench.collect(WITH_GRACE).await.marked.manifests, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_tags_a_marked_manifest_keeps_it() {
    let bench = Bench::start().await;
    let image = Image::new("app", "base", None);
    bench.push_untagged("a", &image).await;
    collect_untagged(&bench, "a").await;
    assert_eq!(bench.collect(WITHOUT_GRACE).await.marked.manifests, 1);
    bench.put("a", "latest", &image).await;
    collect_everything(&bench).await;
    assert!(bench.is_whole("a", &image).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn children_go_after_their_list_and_not_before() {
    let bench = Bench::start().await;
    let children = ["one", "two"].map(|name| Image::new(name, name, None));
    let index = Image::index(&[&children[0], &children[1]]);
    for child in &children {
        bench.push_untagged("a", child).await;
    }
    bench.put("a", "latest", &index).await;
    collect_untagged(&bench, "a").await;
    collect_everything(&bench).await;
    assert!(bench.has("a", &index).await);
    for child in &children {
        assert!(bench.is_whole("a", child).await);
    }
    bench.delete("a", "latest").await;
    collect_everything(&bench).await;
    assert!(!bench.has("a", &index).await && behind::objects(&bench).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_a_list_names_by_now_stays_though_it_was_marked() {
    let bench = Bench::start().await;
    let child = Image::new("child", "base", None);
    bench.push_untagged("a", &child).await;
    collect_untagged(&bench, "a").await;
    assert_eq!(bench.collect(WITHOUT_GRACE).await.marked.manifests, 1);
    bench.put("a", "latest", &Image::index(&[&child])).await;
    collect_everything(&bench).await;
    assert!(bench.is_whole("a", &child).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn conversions_go_when_a_deletion_left_them_behind() {
    let bench = Bench::start().await;
    let image = Image::new("app", "base", None);
    bench.push("a", "latest", &image).await;
    let pull = Request::new("GET", "/v2/a/manifests/latest").header("Accept", SCHEMA2);
    bench.send(pull).await.expect(200);
    collect_everything(&bench).await;
    let is_derived = |(pk, _): &(String, String)| pk.starts_with("DERIVED#");
    assert_eq!(
        behind::items(&bench).await.keys().filter(|key| is_derived(key)).count(),
        2,
        "while its source is there"
    );

    // As nothing does that this registry knows of.
    for sk in [format!("MANIFEST#{}", image.digest), format!("TAGGED#{}#latest", image.digest), "TAG#latest".to_owned()]
    {
        behind::remove(&bench, "REPOSITORY#a", &sk).await;
    }
    behind::remove(&bench, "BYTES#a", &image.digest.to_string()).await;
    // A settled repository is looked into again when something was marked, or was pushed.
    bench.push_blob("a", b"something").await;
    assert_eq!(bench.collect(WITHOUT_GRACE).await.removed.conversions, 1);
    collect_everything(&bench).await;
    let left = behind::items(&bench).await;
    assert!(left.keys().all(|key| !is_derived(key) && !key.1.starts_with("MANIFEST#")), "{:?}", left.keys());
    assert!(behind::objects(&bench).await.is_empty());
}

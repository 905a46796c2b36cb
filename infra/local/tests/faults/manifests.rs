//! Pushing and deleting manifests and tags.

use crate::http::Request;
use crate::registry::{Image, Registry};
use crate::state::Fact;
use crate::sweep::{Operation, Recovery, sweep};

/// Makes a manifest too large for an item of the table.
pub(crate) const LARGE: usize = 40 << 10;

/// PUT of a new manifest under a tag, to a repository that has another one under the tag `old`.
pub(crate) async fn pushed(registry: &Registry, repository: &str, reference: &str, padding: usize) -> Operation {
    let old = Image::new(&format!("{repository} old"), 0, None);
    old.push(registry, repository, "old").await;
    let new = Image::new(repository, padding, Some(&old));
    new.push_blobs(registry, repository).await;
    let facts = vec![
        Fact::Manifest(reference.to_owned(), new.manifest.clone()),
        Fact::Manifest(new.digest.to_string(), new.manifest.clone()),
        Fact::Manifest(old.digest.to_string(), old.manifest.clone()),
        Fact::Referrers(old.digest.clone(), vec![new.digest.clone()]),
    ];
    Operation::new(new.put(repository, reference), 201, facts).about(vec![old, new])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_manifest_of_a_repository() {
    sweep("PUT of a first manifest", async |registry, repository| {
        let image = Image::new(repository, 0, None);
        image.push_blobs(registry, &format!("{repository}/from")).await;
        image.push_blobs(registry, repository).await;
        let facts = vec![Fact::Manifest("new".into(), image.manifest.clone()), Fact::Tags(vec!["new"])];
        Operation::new(image.put(repository, "new"), 201, facts).about(vec![image])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_with_a_new_tag_and_a_subject() {
    sweep("PUT with a new tag", async |registry, repository| {
        let mut operation = pushed(registry, repository, "new", 0).await;
        operation.facts.push(Fact::Tags(vec!["new", "old"]));
        operation
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_takes_a_tag_over() {
    sweep("PUT that moves a tag", async |registry, repository| {
        let mut operation = pushed(registry, repository, "old", 0).await;
        operation.facts.push(Fact::Tags(vec!["old"]));
        operation
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_with_several_tags() {
    sweep("PUT with tags as parameters", async |registry, repository| {
        let mut operation = pushed(registry, repository, "a", 0).await;
        operation.request.path.push_str("?tag=b&tag=old");
        operation.facts.push(Fact::Tags(vec!["a", "b", "old"]));
        operation
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_manifest() {
    sweep("PUT of a large manifest", async |registry, repository| pushed(registry, repository, "new", LARGE).await)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_manifest_that_is_there_already() {
    sweep("PUT of a large manifest once more", async |registry, repository| {
        let operation = pushed(registry, repository, "new", LARGE).await;
        registry.send(&operation.request).await.expect(201);
        operation
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_tag() {
    sweep("DELETE of a tag", async |registry, repository| {
        let image = Image::new(repository, 0, None);
        image.push(registry, repository, "kept").await;
        image.push(registry, repository, "gone").await;
        let facts = vec![
            Fact::NoManifest("gone".into()),
            Fact::Manifest(image.digest.to_string(), image.manifest.clone()),
            Fact::Tags(vec!["kept"]),
        ];
        Operation::new(Request::new("DELETE", format!("/v2/{repository}/manifests/gone")), 202, facts)
            .recovers(Recovery::RepeatUntil(404))
            .about(vec![image])
    })
    .await;
}

/// DELETE of a manifest that has two tags and a subject.
pub(crate) async fn deleted(registry: &Registry, repository: &str, padding: usize) -> Operation {
    let mut operation = pushed(registry, repository, "a", padding).await;
    operation.request.path.push_str("?tag=b");
    registry.send(&operation.request).await.expect(201);
    let [old, new] = <[Image; 2]>::try_from(operation.images).unwrap_or_else(|_| panic!("two images"));
    let facts = vec![
        Fact::NoManifest("a".into()),
        Fact::NoManifest("b".into()),
        Fact::NoManifest(new.digest.to_string()),
        Fact::Referrers(old.digest.clone(), Vec::new()),
        Fact::Tags(vec!["old"]),
    ];
    let request = Request::new("DELETE", format!("/v2/{repository}/manifests/{}", new.digest));
    Operation::new(request, 202, facts).recovers(Recovery::RepeatUntil(404)).about(vec![old, new])
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_manifest_with_its_tags() {
    sweep("DELETE of a manifest", async |registry, repository| deleted(registry, repository, 0).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_large_manifest() {
    sweep("DELETE of a large manifest", async |registry, repository| deleted(registry, repository, LARGE).await).await;
}

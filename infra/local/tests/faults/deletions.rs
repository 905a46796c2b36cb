//! Deletions that are refused, and what takes marks away from things that a deletion or the collector has marked.

use protocol::{Digest, MutabilityMode, RepositoryName, TagMutability};
use serde_json::json;
use storage::{Markable, Settings};

use crate::http::Request;
use crate::registry::{Image, MANIFEST, Registry, content};
use crate::state::Fact;
use crate::sweep::{Operation, Recovery, sweep};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn name(repository: &str) -> RepositoryName {
    repository.parse().unwrap()
}

fn blob_record(digest: &Digest) -> String {
    format!("BLOB#{digest}")
}

fn manifest_record(digest: &Digest) -> String {
    format!("MANIFEST#{digest}")
}

async fn image(registry: &Registry, repository: &str) -> Image {
    let image = Image::new(repository, 0, None);
    image.push(registry, repository, "tag").await;
    image
}

/// An index of one image.
fn list(child: &Image) -> Vec<u8> {
    let child = json!({"mediaType": MANIFEST, "digest": child.digest, "size": child.manifest.len()});
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [child]}).to_string().into_bytes()
}

fn put_list(repository: &str, list: &[u8]) -> Request {
    let path = format!("/v2/{repository}/manifests/{}", Digest::sha256(list));
    Request::new("PUT", path).header("Content-Type", INDEX).body(list)
}

/// As a run of the collector leaves it that found nobody who refers to it.
async fn mark(registry: &Registry, repository: &str, thing: Markable) {
    assert_eq!(registry.storage.mark(&name(repository), &[thing]).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_blob_that_an_image_names() {
    sweep("DELETE of a blob that is referred to", async |registry, repository| {
        let image = image(registry, repository).await;
        let layer = Digest::sha256(&image.blobs[1]);
        let facts = vec![Fact::Blob(image.blobs[1].clone()), Fact::Manifest("tag".into(), image.manifest.clone())];
        let request = Request::new("DELETE", format!("/v2/{repository}/blobs/{layer}"));
        Operation::new(request, 405, facts).about(vec![image])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_list() {
    sweep("DELETE of a list", async |registry, repository| {
        let image = image(registry, repository).await;
        let list = list(&image);
        registry.send(&put_list(repository, &list)).await.expect(201);
        let digest = Digest::sha256(&list).to_string();
        let facts =
            vec![Fact::NoManifest(digest.clone()), Fact::Manifest(image.digest.to_string(), image.manifest.clone())];
        // Nothing keeps the image from being deleted any more.
        let then = Request::new("DELETE", format!("/v2/{repository}/manifests/tag"));
        let request = Request::new("DELETE", format!("/v2/{repository}/manifests/{digest}"));
        Operation::new(request, 202, facts).then(then, 202).recovers(Recovery::RepeatUntil(404)).about(vec![image])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_an_image_that_a_list_names() {
    sweep("DELETE of a child", async |registry, repository| {
        let image = image(registry, repository).await;
        registry.send(&put_list(repository, &list(&image))).await.expect(201);
        let facts = vec![Fact::Manifest("tag".into(), image.manifest.clone())];
        let request = Request::new("DELETE", format!("/v2/{repository}/manifests/{}", image.digest));
        Operation::new(request, 405, facts).about(vec![image])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_a_marked_blob() {
    sweep("HEAD of a marked blob", async |registry, repository| {
        let blob = content(repository, 1000);
        let digest = registry.push_blob(repository, &blob).await;
        mark(registry, repository, Markable::Blob(digest.clone())).await;
        let facts = vec![Fact::Unmarked(blob_record(&digest)), Fact::Blob(blob)];
        Operation::new(Request::new("HEAD", format!("/v2/{repository}/blobs/{digest}")), 307, facts)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_a_marked_manifest() {
    sweep("HEAD of a marked manifest", async |registry, repository| {
        let image = image(registry, repository).await;
        mark(registry, repository, Markable::Manifest(image.digest.clone())).await;
        let facts = vec![Fact::Unmarked(manifest_record(&image.digest))];
        let request = Request::new("HEAD", format!("/v2/{repository}/manifests/{}", image.digest));
        Operation::new(request.header("Accept", MANIFEST), 200, facts).about(vec![image])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_marked_blobs() {
    sweep("PUT of an image of marked blobs", async |registry, repository| {
        let image = Image::new(repository, 0, None);
        image.push_blobs(registry, repository).await;
        let mut facts = vec![Fact::Manifest("new".into(), image.manifest.clone())];
        for blob in &image.blobs {
            let digest = Digest::sha256(blob);
            facts.push(Fact::Unmarked(blob_record(&digest)));
            mark(registry, repository, Markable::Blob(digest)).await;
        }
        Operation::new(image.put(repository, "new"), 201, facts).about(vec![image])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_a_marked_image() {
    sweep("PUT of a list of a marked image", async |registry, repository| {
        let image = image(registry, repository).await;
        mark(registry, repository, Markable::Manifest(image.digest.clone())).await;
        let facts = vec![Fact::Unmarked(manifest_record(&image.digest))];
        Operation::new(put_list(repository, &list(&image)), 201, facts).about(vec![image])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mounting_a_blob_that_is_marked_in_both_repositories() {
    sweep("mount of a marked blob", async |registry, repository| {
        let (from, blob) = (format!("{repository}/from"), content(repository, 1000));
        let digest = registry.push_blob(&from, &blob).await;
        registry.push_blob(repository, &blob).await;
        for place in [&from, repository] {
            mark(registry, place, Markable::Blob(digest.clone())).await;
        }
        let path = format!("/v2/{repository}/blobs/uploads/?mount={digest}&from={from}");
        let facts = vec![Fact::Unmarked(blob_record(&digest)), Fact::Blob(blob)];
        Operation::new(Request::new("POST", path), 201, facts)
    })
    .await;
}

/// An image under a tag that mustn't move, and another one.
async fn immutable(registry: &Registry, repository: &str) -> [Image; 2] {
    let old = image(registry, repository).await;
    let tag_mutability = TagMutability::new(MutabilityMode::Immutable, std::iter::empty::<&str>()).unwrap();
    let settings = Settings { tag_mutability, ..Settings::default() };
    assert!(registry.storage.set_settings(&name(repository), &settings).await.unwrap());
    let new = Image::new(&format!("{repository} new"), 0, None);
    new.push_blobs(registry, repository).await;
    [old, new]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_must_not_move() {
    sweep("PUT that would move an immutable tag", async |registry, repository| {
        let [old, new] = immutable(registry, repository).await;
        let facts = vec![
            Fact::Manifest("tag".into(), old.manifest.clone()),
            Fact::NoManifest(new.digest.to_string()),
            Fact::Tags(vec!["tag"]),
        ];
        Operation::new(new.put(repository, "tag"), 400, facts).about(vec![old, new])
    })
    .await;
    sweep("PUT of an immutable tag's own image", async |registry, repository| {
        let [old, _] = immutable(registry, repository).await;
        let facts = vec![Fact::Manifest("tag".into(), old.manifest.clone()), Fact::Tags(vec!["tag"])];
        Operation::new(old.put(repository, "tag"), 201, facts).about(vec![old])
    })
    .await;
}

//! One operation in the middle of another: what was looked up isn't as it was when it is acted upon.

use local::faults::{Call, Faults};
use protocol::Digest;
use serde_json::json;

use crate::http::{Answer, Request};
use crate::registry::{Image, Registry};
use crate::state::{Fact, check_whole, manifest};

const REPOSITORY: &str = "race";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER: &str = "application/vnd.docker.distribution.manifest.v2+json";

fn is_write(call: &Call) -> bool {
    call.operation == "TransactWriteItems"
}

/// Sends `request`, and the others one after the other when it has read everything and is about to write.
async fn before_the_write(registry: &Registry, request: &Request, others: &[(Request, u16)]) -> Answer {
    before(registry, request, is_write, others).await
}

async fn before(registry: &Registry, request: &Request, call: fn(&Call) -> bool, others: &[(Request, u16)]) -> Answer {
    let mut pause = registry.faults.pause(call);
    let others = async {
        pause.reached().await;
        for (other, status) in others {
            registry.send(other).await.expect(*status);
        }
        pause.go_on();
    };
    tokio::join!(registry.send(request), others).0
}

async fn start() -> Registry {
    Registry::with(Faults::default(), true).await
}

fn delete(rest: impl std::fmt::Display) -> Request {
    Request::new("DELETE", format!("/v2/{REPOSITORY}/{rest}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_whose_layer_is_deleted_meanwhile_is_refused() {
    let registry = start().await;
    let image = Image::new("image", 0, None);
    image.push_blobs(&registry, REPOSITORY).await;
    // The second time something was deleted before.
    for _ in 0..2 {
        registry.push_blob(REPOSITORY, &image.blobs[1]).await;
        let layer = delete(format!("blobs/{}", Digest::sha256(&image.blobs[1])));

        let refused = before_the_write(&registry, &image.put(REPOSITORY, "tag"), &[(layer, 202)]).await;

        assert_eq!(refused.expect(400).json()["errors"][0]["code"], "MANIFEST_BLOB_UNKNOWN");
        assert_eq!(manifest(&registry, REPOSITORY, "tag").await, None);
        assert_eq!(manifest(&registry, REPOSITORY, &image.digest.to_string()).await, None);
    }
    registry.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_whose_layer_is_deleted_and_pushed_again_meanwhile_is_stored() {
    let registry = start().await;
    let image = Image::new("image", 0, None);
    image.push_blobs(&registry, REPOSITORY).await;
    let (layer, digest) = (&image.blobs[1], Digest::sha256(&image.blobs[1]));
    let push = Request::new("POST", format!("/v2/{REPOSITORY}/blobs/uploads/?digest={digest}")).body(layer);
    let others = [(delete(format!("blobs/{digest}")), 202), (push, 201)];

    before_the_write(&registry, &image.put(REPOSITORY, "tag"), &others).await.expect(201);

    assert!(manifest(&registry, REPOSITORY, "tag").await.is_some());
    check_whole(&registry, REPOSITORY, &[image]).await;
    registry.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_whose_image_is_deleted_meanwhile_is_refused() {
    let registry = start().await;
    let image = Image::new("image", 0, None);
    image.push(&registry, REPOSITORY, "image").await;
    let child = json!({"mediaType": crate::registry::MANIFEST, "digest": image.digest, "size": image.manifest.len()});
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [child]}).to_string();
    let put = Request::new("PUT", format!("/v2/{REPOSITORY}/manifests/index")).header("Content-Type", INDEX);
    let others = [(delete(format!("manifests/{}", image.digest)), 202)];

    let refused = before_the_write(&registry, &put.body(index.as_bytes()), &others).await;

    assert_eq!(refused.expect(400).json()["errors"][0]["code"], "MANIFEST_BLOB_UNKNOWN");
    Fact::Tags(vec![]).check(&registry, REPOSITORY).await;
    registry.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_is_deleted_while_it_is_pushed_again_is_there_whole() {
    for padding in [0, crate::manifests::LARGE] {
        let registry = start().await;
        let image = Image::new("image", padding, None);
        image.push(&registry, REPOSITORY, "old").await;
        let others = [(delete(format!("manifests/{}", image.digest)), 202)];

        before_the_write(&registry, &image.put(REPOSITORY, "new"), &others).await.expect(201);

        Fact::Manifest("new".into(), image.manifest.clone()).check(&registry, REPOSITORY).await;
        Fact::Tags(vec!["new"]).check(&registry, REPOSITORY).await;
        check_whole(&registry, REPOSITORY, &[image]).await;
        crate::behind::check_objects(&registry).await;
        registry.stack.stop().await;
    }
}

/// The one that comes late found it, and began to delete it.
#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_is_deleted_by_two_at_once() {
    let registry = start().await;
    let image = Image::new("image", 0, None);
    image.push(&registry, REPOSITORY, "tag").await;
    let path = format!("manifests/{}", image.digest);
    // After the tags were dropped, before the manifest is.
    let last = |call: &Call| is_write(call) && call.number > 4;
    registry.faults.rest();

    before(&registry, &delete(&path), last, &[(delete(&path), 202)]).await.expect(202);

    registry.send(&delete(&path)).await.expect(404);
    Fact::NoManifest(image.digest.to_string()).check(&registry, REPOSITORY).await;
    registry.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_comes_while_its_manifest_is_deleted_goes_with_it() {
    let registry = start().await;
    let image = Image::new("image", 0, None);
    image.push(&registry, REPOSITORY, "old").await;
    // After the tags were dropped, before the manifest is.
    let last = |call: &Call| is_write(call) && call.number > 4;
    let others = [(image.put(REPOSITORY, "new"), 201)];
    registry.faults.rest();

    before(&registry, &delete(format!("manifests/{}", image.digest)), last, &others).await.expect(202);

    Fact::Tags(vec![]).check(&registry, REPOSITORY).await;
    Fact::NoManifest("new".into()).check(&registry, REPOSITORY).await;
    Fact::NoManifest(image.digest.to_string()).check(&registry, REPOSITORY).await;
    registry.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_moves_while_it_is_deleted_is_deleted_or_stays_where_it_went() {
    let registry = start().await;
    let (old, new) = (Image::new("old", 0, None), Image::new("new", 0, None));
    old.push(&registry, REPOSITORY, "tag").await;
    new.push_blobs(&registry, REPOSITORY).await;

    let others = [(new.put(REPOSITORY, "tag"), 201)];
    before_the_write(&registry, &delete("manifests/tag"), &others).await.expect(202);

    Fact::Tags(vec![]).check(&registry, REPOSITORY).await;
    for image in [old, new] {
        Fact::Manifest(image.digest.to_string(), image.manifest).check(&registry, REPOSITORY).await;
    }
    registry.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_of_an_image_that_is_deleted_meanwhile_is_not_kept() {
    let registry = start().await;
    let image = Image::new("image", 0, None);
    image.push(&registry, REPOSITORY, "tag").await;
    let get = Request::new("GET", format!("/v2/{REPOSITORY}/manifests/tag")).header("Accept", DOCKER);
    let others = [(delete(format!("manifests/{}", image.digest)), 202)];

    before_the_write(&registry, &get, &others).await.expect(404);

    Fact::Tags(vec![]).check(&registry, REPOSITORY).await;
    assert_eq!(crate::behind::records(&registry, "DERIVED#").await, 0, "a conversion of nothing is remembered");
    registry.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_is_deleted_while_it_is_pushed_again_is_there_whole() {
    let registry = start().await;
    let blob = b"a blob that comes twice".to_vec();
    let digest = registry.push_blob(REPOSITORY, &blob).await;
    let put = Request::new("PUT", format!("{}?digest={digest}", registry.start_upload(REPOSITORY).await)).body(&blob);

    before_the_write(&registry, &put, &[(delete(format!("blobs/{digest}")), 202)]).await.expect(201);

    Fact::Blob(blob).check(&registry, REPOSITORY).await;
    crate::behind::check_objects(&registry).await;
    registry.stack.stop().await;
}

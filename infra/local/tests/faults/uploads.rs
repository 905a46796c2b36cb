//! Uploads and mounts.

use protocol::Digest;

use crate::http::Request;
use crate::registry::{Registry, content};
use crate::state::Fact;
use crate::sweep::{Operation, Recovery, sweep};

/// The size of a part.
const PART: usize = 8 << 20;

fn finish(session: &str, blob: &[u8]) -> Request {
    Request::new("PUT", format!("{session}?digest={}", Digest::sha256(blob)))
}

async fn patch(registry: &Registry, session: &str, bytes: &[u8]) {
    registry.send(&Request::new("PATCH", session).body(bytes)).await.expect(202);
}

/// PATCH of a whole blob, which an empty PUT finishes.
pub(crate) async fn patched(registry: &Registry, repository: &str, length: usize) -> Operation {
    let blob = content(repository, length);
    let session = registry.start_upload(repository).await;
    let request = Request::new("PATCH", &session).body(&blob);
    Operation::new(request, 202, vec![Fact::Blob(blob.clone())])
        .then(finish(&session, &blob), 201)
        .recovers(Recovery::Resume { session, content: blob })
}

/// PUT of what is left of a blob, of which `before` bytes are there.
pub(crate) async fn finished(registry: &Registry, repository: &str, before: usize, length: usize) -> Operation {
    let blob = content(repository, length);
    let session = registry.start_upload(repository).await;
    if before > 0 {
        patch(registry, &session, &blob[..before]).await;
    }
    let request = finish(&session, &blob).body(&blob[before..]);
    Operation::new(request, 201, vec![Fact::Blob(blob), Fact::Status(session, 404)])
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_a_session() {
    sweep("POST that opens a session", async |_, repository| {
        Operation::new(Request::new("POST", format!("/v2/{repository}/blobs/uploads/")), 202, Vec::new())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_in_one_post() {
    sweep("POST of a small blob", async |_, repository| {
        let blob = content(repository, 1000);
        let path = format!("/v2/{repository}/blobs/uploads/?digest={}", Digest::sha256(&blob));
        Operation::new(Request::new("POST", path).body(&blob), 201, vec![Fact::Blob(blob)])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_below_a_part() {
    sweep("PATCH below a part", async |registry, repository| patched(registry, repository, 1000).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_after_another_one() {
    sweep("PATCH below a part after another one", async |registry, repository| {
        let blob = content(repository, 3000);
        let session = registry.start_upload(repository).await;
        patch(registry, &session, &blob[..1000]).await;
        let request = Request::new("PATCH", &session).header("Content-Range", "1000-2999").body(&blob[1000..]);
        Operation::new(request, 202, vec![Fact::Blob(blob.clone())])
            .then(finish(&session, &blob), 201)
            .recovers(Recovery::Resume { session, content: blob })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_of_a_part_and_more() {
    let length = PART + 1000;
    sweep("PATCH of a part and more", async |registry, repository| patched(registry, repository, length).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_blob_in_one_put() {
    sweep("PUT of a small blob", async |registry, repository| finished(registry, repository, 0, 1000).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_put_after_a_small_patch() {
    let length = 1000;
    sweep("empty PUT", async |registry, repository| finished(registry, repository, length, length).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_of_the_last_bytes_after_a_small_patch() {
    sweep("PUT after a rest", async |registry, repository| finished(registry, repository, 1000, 1500).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_of_the_last_bytes_after_a_part() {
    let length = PART + 1000;
    sweep("PUT after a part", async |registry, repository| finished(registry, repository, PART, length).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_blob_in_one_put() {
    let length = PART + 1000;
    sweep("PUT of a large blob", async |registry, repository| finished(registry, repository, 0, length).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_is_there_already() {
    sweep("PUT of a blob that another repository has", async |registry, repository| {
        registry.push_blob(&format!("{repository}/other"), &content(repository, 1000)).await;
        finished(registry, repository, 0, 1000).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_digest() {
    sweep("PUT with a wrong digest", async |registry, repository| {
        let session = registry.start_upload(repository).await;
        let digest = Digest::sha256(b"something else");
        let request = finish(&session, b"something else").body(b"something");
        Operation::new(request, 400, vec![Fact::NoBlob(digest), Fact::Status(session, 404)])
            .recovers(Recovery::RepeatUntil(404))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mount() {
    sweep("mount", async |registry, repository| {
        let (from, blob) = (format!("{repository}/from"), content(repository, 1000));
        let digest = registry.push_blob(&from, &blob).await;
        let path = format!("/v2/{repository}/blobs/uploads/?mount={digest}&from={from}");
        Operation::new(Request::new("POST", path), 201, vec![Fact::Blob(blob)])
    })
    .await;
}

/// Where a client is to send a blob that goes straight to S3, and the location of the session.
async fn start_direct(registry: &Registry, request: &Request) -> (Request, String) {
    let answer = registry.send(request).await.expect(202);
    let ticket = answer.json();
    let mut put = Request::new("PUT", ticket["url"].as_str().unwrap());
    for (name, value) in ticket["headers"].as_object().unwrap() {
        put = put.header(name, value.as_str().unwrap());
    }
    (put, answer.expect_header("location").to_owned())
}

fn open_direct(repository: &str, blob: &[u8]) -> Request {
    let (digest, size) = (Digest::sha256(blob), blob.len());
    Request::new("POST", format!("/v2/{repository}/blobs/uploads/?direct={digest}&size={size}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_a_direct_upload() {
    sweep("POST for a direct upload", async |_, repository| {
        Operation::new(open_direct(repository, &content(repository, 1000)), 202, Vec::new())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn finishing_a_direct_upload() {
    sweep("PUT after a direct upload", async |registry, repository| {
        let blob = content(repository, 1000);
        let (put, session) = start_direct(registry, &open_direct(repository, &blob)).await;
        put.body(&blob).send_to_its_host().await.expect(200);
        Operation::new(finish(&session, &blob), 201, vec![Fact::Blob(blob)])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_blob() {
    sweep("DELETE of a blob", async |registry, repository| {
        let (gone, kept) = (content(repository, 1000), content(&format!("{repository} kept"), 1000));
        let digest = registry.push_blob(repository, &gone).await;
        registry.push_blob(repository, &kept).await;
        let request = Request::new("DELETE", format!("/v2/{repository}/blobs/{digest}"));
        Operation::new(request, 202, vec![Fact::NoBlob(digest), Fact::Blob(kept)]).recovers(Recovery::RepeatUntil(404))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn giving_an_upload_up() {
    sweep("DELETE of a session", async |registry, repository| {
        let session = registry.start_upload(repository).await;
        patch(registry, &session, &content(repository, PART + 1000)).await;
        Operation::new(Request::new("DELETE", &session), 204, vec![Fact::Status(session, 404)])
            .recovers(Recovery::RepeatUntil(404))
    })
    .await;
}

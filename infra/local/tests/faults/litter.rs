//! Something of every kind that the collector is for.

use protocol::RepositoryName;
use storage::{Markable, Settings};

use crate::behind;
use crate::http::Request;
use crate::registry::{Image, Registry};

const REPOSITORY: &str = "collected";
const OTHER: &str = "collected/other";
/// Where manifests without tags are collected.
const UNTAGGED: &str = "collected/untagged";
/// Where a policy expires what is old. It is about tagged images: what lost its tags to a run that broke off goes all the
/// same.
const EXPIRING: &str = "collected/expiring";

const DOCKER: &str = "application/vnd.docker.distribution.manifest.v2+json";

const POLICY: &str = r#"{"rules": [{
    "rulePriority": 1,
    "selection": {"tagStatus": "tagged", "tagPatternList": ["*"], "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 30},
    "action": {"type": "expire"}
}]}"#;

fn name(repository: &str) -> RepositoryName {
    repository.parse().unwrap()
}

/// Kinds of it. A run that meets all of them makes so many calls that to fail each takes too long.
#[derive(Clone, Copy)]
pub(crate) enum Litter {
    /// What clients and deletions leave.
    Left,
    /// Manifests that nobody deletes.
    Manifests,
}

impl Litter {
    /// Where it is. There is something that stays in each of them.
    pub(crate) fn repositories(self) -> [&'static str; 2] {
        match self {
            Self::Left => [REPOSITORY, OTHER],
            Self::Manifests => [UNTAGGED, EXPIRING],
        }
    }

    /// Says what is to be collected, in repositories that are there.
    pub(crate) async fn prepare(self, registry: &Registry) {
        match self {
            Self::Left => {}
            Self::Manifests => {
                let settings = Settings { collect_untagged: true, ..Settings::default() };
                assert!(registry.storage.set_settings(&name(UNTAGGED), &settings).await.unwrap());
                assert!(registry.storage.set_lifecycle(&name(EXPIRING), Some(POLICY)).await.unwrap());
            }
        }
    }

    /// Leaves something of each. Every round has things of its own.
    pub(crate) async fn leave(self, registry: &Registry, round: usize) {
        match self {
            Self::Left => {
                deleted_image(registry, round).await;
                blobs(registry, round).await;
                let session = registry.start_upload(REPOSITORY).await;
                let patch = Request::new("PATCH", session).body(b"the beginning of a blob");
                registry.send(&patch).await.expect(202);
            }
            Self::Manifests => {
                untagged(registry, round).await;
                expired(registry, round).await;
                ownerless(registry, round).await;
            }
        }
        registry.stack.told().await;
    }
}

/// Pulls an image as a client does that can't read it, which leaves a conversion.
pub(crate) async fn convert(registry: &Registry, repository: &str, reference: &str) {
    let get = Request::new("GET", format!("/v2/{repository}/manifests/{reference}")).header("Accept", DOCKER);
    registry.send(&get).await.expect(200);
}

async fn mark(registry: &Registry, repository: &str, thing: Markable) {
    assert_eq!(registry.storage.mark(&name(repository), &[thing]).await.unwrap(), 1);
}

async fn delete(registry: &Registry, path: String) {
    registry.send(&Request::new("DELETE", path)).await.expect(202);
}

/// Its layers, and a signature of it.
async fn deleted_image(registry: &Registry, round: usize) {
    let image = Image::new(&format!("gone {round}"), 0, None);
    image.push(registry, REPOSITORY, "gone").await;
    let signature = Image::new(&format!("gone {round}"), 0, Some(&image));
    registry.send(&signature.put(REPOSITORY, &signature.digest.to_string())).await.expect(201);
    delete(registry, format!("/v2/{REPOSITORY}/manifests/{}", image.digest)).await;
}

/// One that is marked in one of two repositories, and one that is deleted in its only one.
async fn blobs(registry: &Registry, round: usize) {
    let marked = registry.push_blob(REPOSITORY, format!("marked {round}").as_bytes()).await;
    let mount = format!("/v2/{OTHER}/blobs/uploads/?mount={marked}&from={REPOSITORY}");
    registry.send(&Request::new("POST", mount)).await.expect(201);
    mark(registry, REPOSITORY, Markable::Blob(marked)).await;
    let orphan = registry.push_blob(REPOSITORY, format!("orphan {round}").as_bytes()).await;
    delete(registry, format!("/v2/{REPOSITORY}/blobs/{orphan}")).await;
}

/// An image without a tag, as the run before leaves it.
async fn untagged(registry: &Registry, round: usize) {
    let image = Image::new(&format!("untagged {round}"), 0, None);
    image.push(registry, UNTAGGED, &image.digest.to_string()).await;
    mark(registry, UNTAGGED, Markable::Manifest(image.digest)).await;
}

/// An image with a tag and a conversion, that was pushed long ago.
async fn expired(registry: &Registry, round: usize) {
    let image = Image::new(&format!("expired {round}"), 0, None);
    image.push(registry, EXPIRING, "expired").await;
    convert(registry, EXPIRING, "expired").await;
    behind::push_long_ago(registry, EXPIRING, &image.digest).await;
}

/// A conversion whose source is gone, as nothing does that this registry knows of.
async fn ownerless(registry: &Registry, round: usize) {
    let image = Image::new(&format!("lost {round}"), 0, None);
    image.push(registry, UNTAGGED, "lost").await;
    convert(registry, UNTAGGED, "lost").await;
    // The note of that pull belongs to the source.
    registry.stack.told().await;
    let (records, bytes, digest) =
        (format!("REPOSITORY#{UNTAGGED}"), format!("BYTES#{UNTAGGED}"), image.digest.to_string());
    for (pk, sk) in behind::keys(registry).await {
        if [&records, &bytes].contains(&&pk) && (sk == "TAG#lost" || sk.contains(&digest)) {
            behind::remove(registry, &pk, &sk).await;
        }
    }
}

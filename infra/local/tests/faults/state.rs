//! What a repository shows.

use protocol::Digest;
use serde_json::Value;

use crate::http::Request;
use crate::registry::{Image, MANIFEST, Registry};

/// Something that holds when an operation is done.
pub(crate) enum Fact {
    /// The blob is there, with these bytes.
    Blob(Vec<u8>),
    /// The blob isn't.
    NoBlob(Digest),
    /// A tag or digest is this manifest.
    Manifest(String, Vec<u8>),
    /// There is no manifest of that name.
    NoManifest(String),
    /// These are all tags.
    Tags(Vec<&'static str>),
    /// These are all referrers of a manifest.
    Referrers(Digest, Vec<Digest>),
    /// A blob or manifest isn't about to be deleted, by the sort key of its record.
    Unmarked(String),
    /// A path answers with this status.
    Status(String, u16),
}

impl Fact {
    pub(crate) async fn check(&self, registry: &Registry, repository: &str) {
        match self {
            Self::Blob(bytes) => {
                let found = registry.blob(repository, &Digest::sha256(bytes)).await;
                assert!(found.as_ref() == Some(bytes), "a blob of {} bytes: {:?}", bytes.len(), found.map(|b| b.len()));
            }
            Self::NoBlob(digest) => assert!(registry.blob(repository, digest).await.is_none(), "{digest} is there"),
            Self::Manifest(reference, bytes) => {
                assert_eq!(manifest(registry, repository, reference).await.as_ref(), Some(bytes), "{reference}");
            }
            Self::NoManifest(reference) => {
                assert_eq!(manifest(registry, repository, reference).await, None, "{reference}");
            }
            Self::Tags(tags) => assert_eq!(&self::tags(registry, repository).await, tags),
            Self::Referrers(subject, digests) => {
                assert_eq!(&referrers(registry, repository, subject).await, digests, "{subject}");
            }
            Self::Unmarked(record) => {
                assert!(!crate::behind::is_marked(registry, repository, record).await, "{record} is marked");
            }
            Self::Status(path, status) => drop(registry.get(path).await.expect(*status)),
        }
    }
}

/// Holds at any time: what can be seen is whole.
pub(crate) async fn check_whole(registry: &Registry, repository: &str, images: &[Image]) {
    for tag in tags(registry, repository).await {
        let tagged = manifest(registry, repository, &tag).await;
        let tagged = tagged.unwrap_or_else(|| panic!("{tag} is listed and isn't there"));
        let image = images.iter().find(|image| image.manifest == tagged);
        let image = image.unwrap_or_else(|| panic!("{tag} is {:?}", String::from_utf8_lossy(&tagged)));
        let by_digest = manifest(registry, repository, &image.digest.to_string()).await;
        assert_eq!(by_digest, Some(tagged), "{tag} points to a manifest that isn't there");
    }
    for image in images {
        if let Some(found) = manifest(registry, repository, &image.digest.to_string()).await {
            assert_eq!(found, image.manifest);
            for blob in &image.blobs {
                assert!(registry.blob(repository, &Digest::sha256(blob)).await.as_ref() == Some(blob));
            }
        }
        for referrer in referrers(registry, repository, &image.digest).await {
            let found = manifest(registry, repository, &referrer.to_string()).await;
            assert!(found.is_some(), "{referrer} is listed as a referrer and isn't there");
        }
    }
}

pub(crate) async fn manifest(registry: &Registry, repository: &str, reference: &str) -> Option<Vec<u8>> {
    let get = Request::new("GET", format!("/v2/{repository}/manifests/{reference}")).header("Accept", MANIFEST);
    let found = registry.send(&get).await;
    if found.status == 404 {
        return None;
    }
    let found = found.expect(200);
    assert_eq!(found.expect_header("docker-content-digest"), Digest::sha256(&found.body).to_string());
    Some(found.body)
}

async fn tags(registry: &Registry, repository: &str) -> Vec<String> {
    let listed = registry.get(format!("/v2/{repository}/tags/list")).await;
    if listed.status == 404 {
        return Vec::new();
    }
    let listed = listed.expect(200).json();
    listed["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap().to_owned()).collect()
}

async fn referrers(registry: &Registry, repository: &str, subject: &Digest) -> Vec<Digest> {
    let listed = registry.get(format!("/v2/{repository}/referrers/{subject}")).await.expect(200).json();
    let digest = |entry: &Value| entry["digest"].as_str().unwrap().parse().unwrap();
    listed["manifests"].as_array().unwrap().iter().map(digest).collect()
}

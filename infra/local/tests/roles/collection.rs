//! What the collector finds.

use protocol::Digest;
use storage::Settings;

use crate::http::Request;
use crate::image::{Image, MANY, SCHEMA2};
use crate::work::Client;

/// Expires everything that has the tag `old`.
const EXPIRE_OLD: &str = r#"{"rules": [
    {"rulePriority": 1, "selection": {"tagStatus": "tagged", "tagPatternList": ["keep"], "countType": "imageCountMoreThan", "countNumber": 99}, "action": {"type": "expire"}},
    {"rulePriority": 2, "selection": {"tagStatus": "tagged", "tagPatternList": ["old*"], "countType": "imageCountMoreThan", "countNumber": 1}, "action": {"type": "expire"}}
]}"#;

/// Runs after which nothing is left to do.
pub(crate) const ENOUGH: usize = 4;

/// Leaves something of every kind behind in a repository.
pub(crate) async fn leave_behind(client: &Client<'_>, repository: &str) {
    let name = repository.parse().unwrap();
    let delete = |reference: String| Request::new("DELETE", format!("/v2/{repository}/manifests/{reference}"));
    let (image, large) = (Image::new(1, None), Image::new(MANY, None));
    // Tags that move leave a large manifest, and one with a conversion.
    client.push(repository, "latest", &large).await;
    client.pull_as(repository, "latest", SCHEMA2).await;
    client.push(repository, "latest", &image).await;
    client.pull_as(repository, "latest", SCHEMA2).await;
    client.push(repository, "latest", &Image::empty_index(1)).await;
    // A list, its child, and what refers to it.
    let child = Image::new(3, None);
    let index = Image::index(&child, 1);
    client.push(repository, &child.digest.to_string(), &child).await;
    client.push(repository, "index", &index).await;
    let signature = Image::new(2, Some(&index));
    client.push(repository, &signature.digest.to_string(), &signature).await;
    client.send(delete(index.digest.to_string())).await.expect(202);
    // What a policy expires.
    for (tag, layers) in [("old1", 4), ("old2", 5)] {
        client.push(repository, tag, &Image::new(layers, None)).await;
    }
    let settings = Settings { collect_untagged: true, ..Settings::default() };
    assert!(client.registry.storage.set_settings(&name, &settings).await.unwrap());
    assert!(client.registry.storage.set_lifecycle(&name, Some(EXPIRE_OLD)).await.unwrap());
    // What a deletion leaves that broke off, of an image and of two that came to one conversion.
    let lost = Image::new(6, None);
    client.push(repository, "lost", &lost).await;
    client.pull_as(repository, "lost", SCHEMA2).await;
    client.registry.lose_manifest(repository, &lost.digest).await;
    // Sessions with parts, and a blob that somebody else has too.
    let session = client.start_upload_in(repository).await;
    for _ in 0..2 {
        client.send(Request::new("PATCH", &session).body(&vec![7; 4 << 20])).await.expect(202);
    }
    client.push_blob(repository, b"shared and never named").await;
    client.push_blob("team/other", b"shared and never named").await;
    let blob = client.push_blob(repository, repository.as_bytes()).await;
    client.send(Request::new("DELETE", format!("/v2/{repository}/blobs/{blob}"))).await.expect(202);
}

/// Collects it all.
pub(crate) async fn everything(client: &Client<'_>) {
    leave_behind(client, "team/leftovers").await;
    // Nothing is left over in this one, and then nothing changes.
    client.push("team/settled", "latest", &Image::new(1, None)).await;
    for _ in 0..ENOUGH {
        client.registry.collect().await.unwrap();
    }
    let shared = Digest::sha256(b"shared and never named");
    let found = client.registry.storage.blob(&"team/leftovers".parse().unwrap(), &shared).await.unwrap();
    assert!(found.is_none(), "it was collected");
}

//! Manifests and tags.

use std::sync::Arc;

use protocol::{Digest, MediaType};
use storage::{DeleteError, NewManifest, PutError, References, StoredManifest};

use crate::backend::{Backend, on_every_backend};
use crate::stores::{Stores, content, repository, stored};

on_every_backend! {
    a_manifest_that_refers_to_what_is_not_there_is_refused_with_all_of_it,
    a_tag_moves_and_takes_its_way_back_along,
    many_pushers_of_one_tag_leave_one_consistent_record,
    a_deletion_takes_every_tag_along,
    a_way_back_that_leads_nowhere_does_not_stop_a_deletion,
    a_tag_is_deleted_without_its_manifest,
    bytes_that_share_a_digest_keep_the_type_of_those_that_came_first,
    a_large_manifest_has_one_object_however_often_it_is_pushed_and_none_after_its_deletion,
    listings_go_on_where_the_last_page_ended,
}

async fn a_manifest_that_refers_to_what_is_not_there_is_refused_with_all_of_it(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let there = Digest::sha256(b"there");
    stores.storage.put_blob(&name, &there, "there".into()).await.unwrap();
    let mut absent: Vec<_> = (0..150).map(|i| Digest::sha256(format!("{i}").as_bytes())).collect();
    absent.sort();
    let child = Digest::sha256(b"child");
    let references = References::new(absent.iter().cloned().chain([there]), [child.clone()]);
    let digest = Digest::sha256(b"{}");
    let tag = "latest".parse().unwrap();
    let new = NewManifest {
        repository: &name,
        digest: &digest,
        manifest: stored(b"{}"),
        tags: std::slice::from_ref(&tag),
        references: &references,
        optional: &[],
        descendants: &[],
        referrer: None,
    };
    match stores.storage.put_manifest(&new).await {
        Err(PutError::Missing { blobs, manifests }) => assert_eq!((blobs, manifests), (absent, vec![child])),
        other => panic!("{other:?}"),
    }
    assert!(stores.storage.manifest(&name, &digest).await.unwrap().is_none());
    assert!(stores.storage.tag(&name, &tag).await.unwrap().is_none());
}

async fn a_tag_moves_and_takes_its_way_back_along(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let first = stores.put(&name, b"one", Some("latest")).await;
    let second = stores.put(&name, b"two", Some("latest")).await;
    assert_eq!(stores.storage.tag(&name, &"latest".parse().unwrap()).await.unwrap().unwrap().digest, second);
    let back = stores.items("REPOSITORY#a", "TAGGED#").await;
    assert_eq!(back.len(), 1);
    assert!(stores.storage.manifest(&name, &first).await.unwrap().is_some(), "the old one stays, untagged");
}

async fn many_pushers_of_one_tag_leave_one_consistent_record(backend: Backend) {
    let stores = Arc::new(Stores::start(backend).await);
    let name = repository("a");
    let pushers: Vec<_> = (0..24)
        .map(|i| {
            let (stores, name) = (stores.clone(), name.clone());
            // Six different manifests, each pushed by four.
            tokio::spawn(
                async move { stores.put(&name, format!("manifest {}", i % 6).as_bytes(), Some("latest")).await },
            )
        })
        .collect();
    for pusher in pushers {
        pusher.await.unwrap();
    }
    let winner = stores.storage.tag(&name, &"latest".parse().unwrap()).await.unwrap().unwrap().digest;
    let back = stores.items("REPOSITORY#a", "TAGGED#").await;
    assert_eq!(back.len(), 1);
    assert_eq!(back[0]["sk"].as_s().unwrap(), &format!("TAGGED#{winner}#latest"));
    assert_eq!(stores.items("REPOSITORY#a", "MANIFEST#").await.len(), 6);
}

async fn a_deletion_takes_every_tag_along(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let mut digest = Digest::sha256(b"");
    for i in 0..120 {
        digest = stores.put(&name, b"one", Some(&format!("tag-{i}"))).await;
    }
    let other = stores.put(&name, b"two", Some("other")).await;
    stores.storage.delete_manifest(&name, &digest).await.unwrap();
    assert!(stores.storage.manifest(&name, &digest).await.unwrap().is_none());
    assert_eq!(stores.storage.tags(&name, None, 1000).await.unwrap().items, ["other"]);
    assert_eq!(stores.items("REPOSITORY#a", "TAGGED#").await.len(), 1);
    assert!(stores.storage.manifest(&name, &other).await.unwrap().is_some());
    assert!(matches!(stores.storage.delete_manifest(&name, &digest).await, Err(DeleteError::Unknown)));
}

async fn a_way_back_that_leads_nowhere_does_not_stop_a_deletion(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let digest = stores.put(&name, b"one", Some("latest")).await;
    let other = stores.put(&name, b"two", Some("other")).await;
    for stray in ["gone", "other"] {
        stores.put_item(storage::keys::tagged(&name, &digest, &stray.parse().unwrap())).await;
    }
    stores.storage.delete_manifest(&name, &digest).await.unwrap();
    assert_eq!(stores.items("REPOSITORY#a", "TAGGED#").await.len(), 1);
    let kept = stores.storage.tag(&name, &"other".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(kept.digest, other);
    assert!(stores.storage.tag(&name, &"latest".parse().unwrap()).await.unwrap().is_none());
}

async fn a_tag_is_deleted_without_its_manifest(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let digest = stores.put(&name, b"one", Some("latest")).await;
    let pointed = stores.storage.delete_tag(&name, &"latest".parse().unwrap()).await.unwrap();
    assert_eq!(pointed.digest, digest);
    assert!(stores.storage.manifest(&name, &digest).await.unwrap().is_some());
    assert!(stores.items("REPOSITORY#a", "TAG").await.is_empty());
    let again = stores.storage.delete_tag(&name, &"latest".parse().unwrap()).await;
    assert!(matches!(again, Err(DeleteError::Unknown)));
}

/// Signed and unsigned schema 1 of one payload: the digest is of the payload.
async fn bytes_that_share_a_digest_keep_the_type_of_those_that_came_first(backend: Backend) {
    let stores = Stores::start(backend).await;
    let (name, tag) = (repository("a"), "latest".parse().unwrap());
    let digest = Digest::sha256(b"payload");
    for (media_type, bytes) in [(MediaType::DockerSchema1Signed, "signed"), (MediaType::DockerSchema1, "unsigned")] {
        let new = NewManifest {
            repository: &name,
            digest: &digest,
            manifest: StoredManifest { media_type, bytes: bytes.into() },
            tags: std::slice::from_ref(&tag),
            references: &References::default(),
            optional: &[],
            descendants: &[],
            referrer: None,
        };
        stores.storage.put_manifest(&new).await.unwrap();
    }
    let served = stores.storage.manifest(&name, &digest).await.unwrap().unwrap();
    assert_eq!(
        (served.media_type.clone(), served.bytes.as_ref()),
        (MediaType::DockerSchema1Signed, b"signed".as_ref())
    );
    assert_eq!(stores.storage.tag(&name, &tag).await.unwrap().unwrap().media_type, served.media_type);
}

async fn a_large_manifest_has_one_object_however_often_it_is_pushed_and_none_after_its_deletion(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let bytes = content(100_000);
    let digest = stores.put(&name, &bytes, Some("one")).await;
    stores.put(&name, &bytes, Some("two")).await;
    assert_eq!(stores.objects().await.len(), 1);
    assert!(stores.items("REPOSITORY#a", "UPLOAD#").await.is_empty(), "no session names it any more");
    assert_eq!(stores.storage.manifest(&name, &digest).await.unwrap().unwrap().bytes, bytes);
    stores.storage.delete_manifest(&name, &digest).await.unwrap();
    assert!(stores.objects().await.is_empty());
    assert!(stores.items("REPOSITORY#a", "UPLOAD#").await.is_empty());
}

async fn listings_go_on_where_the_last_page_ended(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    for tag in ["b", "a", "C", "a-1", "_"] {
        stores.put(&name, b"one", Some(tag)).await;
    }
    let mut all = Vec::new();
    loop {
        let page = stores.storage.tags(&name, all.last().map(String::as_str), 2).await.unwrap();
        assert!(page.items.len() <= 2 && !(page.items.is_empty() && page.more));
        all.extend(page.items);
        if !page.more {
            break;
        }
    }
    assert_eq!(all, ["C", "_", "a", "a-1", "b"]);
    assert!(stores.storage.tags(&name, Some("b"), 10).await.unwrap().items.is_empty());
    assert_eq!(stores.storage.tags(&name, Some("a-"), 1).await.unwrap().items, ["a-1"], "`last` needn't exist");
}

//! What is referred to stays.

use protocol::{Digest, MutabilityMode, RepositoryName, TagMutability};
use storage::{BlobEntry, DeleteError, ManifestEntry, Mark, Markable, PutError, References, Settings};

use crate::backend::{Backend, on_every_backend};
use crate::stores::{Stores, repository};

on_every_backend! {
    what_a_manifest_names_is_not_deleted_before_it,
    what_a_sparse_repository_deletes_is_gone_at_once,
    a_blob_that_a_push_names_loses_its_mark,
    whoever_asks_for_something_before_a_push_takes_its_mark_away,
    a_manifest_that_is_pushed_tagged_or_listed_loses_its_mark,
    a_mark_that_is_gone_deletes_nothing,
    a_list_of_many_is_known_to_all_its_children,
    references_of_any_number_are_kept_and_go_with_their_manifest,
    an_immutable_tag_stays_where_it_is,
    of_many_pushers_of_an_immutable_tag_one_wins,
}

fn blobs<const N: usize>(blobs: [&Digest; N]) -> References {
    References::new(blobs.map(Clone::clone), [])
}

fn children<const N: usize>(children: [&Digest; N]) -> References {
    References::new([], children.map(Clone::clone))
}

pub(crate) async fn blob_entries(stores: &Stores, name: &RepositoryName) -> Vec<BlobEntry> {
    let mut entries = Vec::new();
    stores.storage.each_blob(name, &mut |entry| entries.push(entry)).await.unwrap();
    entries
}

pub(crate) async fn manifest_entries(stores: &Stores, name: &RepositoryName) -> Vec<ManifestEntry> {
    let mut entries = Vec::new();
    stores.storage.each_manifest(name, &mut |entry| entries.push(entry)).await.unwrap();
    entries
}

/// Marks a blob, and says how it looks then.
pub(crate) async fn marked_blob(stores: &Stores, name: &RepositoryName, blob: &Digest) -> (BlobEntry, Mark) {
    assert_eq!(stores.storage.mark(name, &[Markable::Blob(blob.clone())]).await.unwrap(), 1);
    let entry = blob_entries(stores, name).await.into_iter().find(|entry| entry.digest == *blob).unwrap();
    let mark = entry.mark.clone().unwrap();
    (entry, mark)
}

pub(crate) async fn marked_manifest(stores: &Stores, name: &RepositoryName, manifest: &Digest) -> Mark {
    assert_eq!(stores.storage.mark(name, &[Markable::Manifest(manifest.clone())]).await.unwrap(), 1);
    let entries = manifest_entries(stores, name).await;
    entries.into_iter().find(|entry| entry.digest == *manifest).and_then(|entry| entry.mark).unwrap()
}

async fn what_a_manifest_names_is_not_deleted_before_it(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let layer = stores.put_blob(&name, b"layer").await;
    let image = stores.push(&name, b"image", Some("image"), &blobs([&layer])).await.unwrap();
    let list = stores.push(&name, b"list", Some("list"), &children([&image])).await.unwrap();
    match stores.storage.delete_blob(&name, &layer).await {
        Err(DeleteError::ReferredTo(manifests)) => assert_eq!(manifests, std::slice::from_ref(&image)),
        other => panic!("{other:?}"),
    }
    match stores.storage.delete_manifest(&name, &image).await {
        Err(DeleteError::ReferredTo(lists)) => assert_eq!(lists, std::slice::from_ref(&list)),
        other => panic!("{other:?}"),
    }
    assert!(stores.storage.tag(&name, &"image".parse().unwrap()).await.unwrap().is_some(), "nothing is half deleted");
    assert!(manifest_entries(&stores, &name).await.iter().all(|entry| entry.mark.is_none()));
    assert!(blob_entries(&stores, &name).await.iter().all(|entry| entry.mark.is_none()));

    stores.storage.delete_manifest(&name, &list).await.unwrap();
    stores.storage.delete_manifest(&name, &image).await.unwrap();
    stores.storage.delete_blob(&name, &layer).await.unwrap();
    assert!(stores.storage.blob(&name, &layer).await.unwrap().is_none());
    assert!(matches!(stores.storage.delete_blob(&name, &layer).await, Err(DeleteError::Unknown)));
    assert!(stores.items("REPOSITORY#a", "PARENT#").await.is_empty());
}

async fn what_a_sparse_repository_deletes_is_gone_at_once(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let layer = stores.put_blob(&name, b"layer").await;
    let image = stores.push(&name, b"image", None, &blobs([&layer])).await.unwrap();
    let list = stores.push(&name, b"list", None, &children([&image])).await.unwrap();
    let sparse = Settings { sparse_manifests: Some(true), ..Settings::default() };
    assert!(stores.storage.set_settings(&name, &sparse).await.unwrap());
    stores.storage.delete_blob(&name, &layer).await.unwrap();
    stores.storage.delete_manifest(&name, &image).await.unwrap();
    assert!(stores.storage.blob(&name, &layer).await.unwrap().is_none());
    assert!(stores.storage.manifest(&name, &image).await.unwrap().is_none());
    assert!(stores.storage.manifest(&name, &list).await.unwrap().is_some());
}

async fn a_blob_that_a_push_names_loses_its_mark(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let layer = stores.put_blob(&name, b"layer").await;
    let (entry, mark) = marked_blob(&stores, &name, &layer).await;
    stores.push(&name, b"image", None, &blobs([&layer])).await.unwrap();
    assert!(!stores.storage.collect_blob(&name, &entry, &mark).await.unwrap());
    assert!(stores.storage.blob(&name, &layer).await.unwrap().is_some());

    // Sent or mounted again it is as new.
    let other = repository("b");
    let config = stores.put_blob(&other, b"config").await;
    for again in ["sent", "mounted"] {
        stores.storage.mount(&other, &name, &config).await.unwrap();
        let (entry, mark) = marked_blob(&stores, &name, &config).await;
        match again {
            "sent" => drop(stores.put_blob(&name, b"config").await),
            _ => drop(stores.storage.mount(&other, &name, &config).await.unwrap()),
        }
        assert!(!stores.storage.collect_blob(&name, &entry, &mark).await.unwrap(), "{again}");
    }
}

async fn whoever_asks_for_something_before_a_push_takes_its_mark_away(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let layer = stores.put_blob(&name, b"layer").await;
    let (entry, mark) = marked_blob(&stores, &name, &layer).await;
    assert!(stores.storage.blob(&name, &layer).await.unwrap().is_some(), "marked things can be read");
    assert!(stores.storage.wanted_blob(&name, &layer).await.unwrap().is_some());
    assert!(!stores.storage.collect_blob(&name, &entry, &mark).await.unwrap());

    for bytes in [b"image".to_vec(), crate::stores::content(100_000)] {
        let image = stores.put(&name, &bytes, None).await;
        let mark = marked_manifest(&stores, &name, &image).await;
        for _ in ["read", "in memory"] {
            assert_eq!(stores.storage.wanted_manifest(&name, &image).await.unwrap().unwrap().bytes, bytes);
        }
        assert!(stores.storage.collect_manifest(&name, &image, &mark).await.unwrap().is_none());
        assert!(stores.storage.manifest(&name, &image).await.unwrap().is_some());
    }
    let unknown = Digest::sha256(b"unknown");
    assert!(stores.storage.wanted_blob(&name, &unknown).await.unwrap().is_none());
    assert!(stores.storage.wanted_manifest(&name, &unknown).await.unwrap().is_none());
}

async fn a_manifest_that_is_pushed_tagged_or_listed_loses_its_mark(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let image = stores.put(&name, b"image", None).await;
    for how in ["pushed", "tagged", "listed"] {
        let mark = marked_manifest(&stores, &name, &image).await;
        match how {
            "pushed" => drop(stores.put(&name, b"image", None).await),
            "tagged" => drop(stores.put(&name, b"image", Some("latest")).await),
            _ => drop(stores.push(&name, b"list", None, &children([&image])).await.unwrap()),
        }
        assert!(stores.storage.collect_manifest(&name, &image, &mark).await.unwrap().is_none(), "{how}");
        assert!(stores.storage.manifest(&name, &image).await.unwrap().is_some(), "{how}");
    }
    // Marked once more, it is still part of the list.
    let mark = marked_manifest(&stores, &name, &image).await;
    assert!(stores.storage.collect_manifest(&name, &image, &mark).await.unwrap().is_none());
    assert!(stores.storage.tag(&name, &"latest".parse().unwrap()).await.unwrap().is_some());
}

async fn a_mark_that_is_gone_deletes_nothing(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let layer = stores.put_blob(&name, b"layer").await;
    let (entry, old) = marked_blob(&stores, &name, &layer).await;
    stores.storage.wanted_blob(&name, &layer).await.unwrap();
    let (_, new) = marked_blob(&stores, &name, &layer).await;
    assert_ne!(old, new);
    assert!(!stores.storage.collect_blob(&name, &entry, &old).await.unwrap(), "another one's mark");
    assert!(stores.storage.collect_blob(&name, &entry, &new).await.unwrap());
    assert!(stores.storage.blob(&name, &layer).await.unwrap().is_none());
    assert_eq!(stores.storage.mark(&name, &[Markable::Blob(layer)]).await.unwrap(), 0, "nothing is there to be marked");
}

async fn a_list_of_many_is_known_to_all_its_children(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let mut images = Vec::new();
    for i in 0..130 {
        images.push(stores.put(&name, format!("image {i}").as_bytes(), None).await);
    }
    let list = stores.push(&name, b"list", None, &References::new([], images.clone())).await.unwrap();
    assert_eq!(stores.items("REPOSITORY#a", "PARENT#").await.len(), 130);
    for image in [&images[0], &images[129]] {
        assert!(matches!(stores.storage.delete_manifest(&name, image).await, Err(DeleteError::ReferredTo(_))));
    }
    stores.storage.delete_manifest(&name, &list).await.unwrap();
    for image in &images {
        stores.storage.delete_manifest(&name, image).await.unwrap();
    }
    assert!(stores.items("REPOSITORY#a", "PARENT#").await.is_empty());
    assert!(stores.items("REPOSITORY#a", "MANIFEST#").await.is_empty());
}

async fn references_of_any_number_are_kept_and_go_with_their_manifest(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    stores.storage.create(&name).await.unwrap();
    let sparse = Settings { sparse_manifests: Some(true), ..Settings::default() };
    stores.storage.set_settings(&name, &sparse).await.unwrap();
    let many = (0..9_000).map(|i| Digest::sha256(format!("{i}").as_bytes()));
    let many = References::new(many, [Digest::sha256(b"child")]);
    let few = References::new([protocol::Algorithm::Sha512.digest(b"layer")], []);
    let mut expected = Vec::new();
    for (bytes, references) in [("many", &many), ("few", &few), ("none", &References::default())] {
        let digest = stores.push(&name, bytes.as_bytes(), None, references).await.unwrap();
        expected.push((digest, Some(references.clone())));
    }
    expected.sort_by(|(one, _), (other, _)| one.cmp(other));
    let found = manifest_entries(&stores, &name).await.into_iter().map(|entry| (entry.digest, entry.references));
    assert_eq!(found.collect::<Vec<_>>(), expected);
    for (digest, _) in expected {
        stores.storage.delete_manifest(&name, &digest).await.unwrap();
    }
    assert!(stores.items("REPOSITORY#a", "MANIFEST#").await.is_empty());
    assert!(stores.items("REPOSITORY#a", "PARENT#").await.is_empty());
}

async fn an_immutable_tag_stays_where_it_is(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let none: [&str; 0] = [];
    let excluded = ["dev-*"];
    let one = stores.put(&name, b"one", Some("v1")).await;
    stores.put(&name, b"one", Some("dev-1")).await;
    let modes = [
        (TagMutability::new(MutabilityMode::Mutable, none), true, true),
        (TagMutability::new(MutabilityMode::Immutable, none), false, false),
        (TagMutability::new(MutabilityMode::MutableWithExclusion, excluded), true, false),
        (TagMutability::new(MutabilityMode::ImmutableWithExclusion, excluded), false, true),
    ];
    for (mode, moves_v1, moves_dev) in modes {
        let settings = Settings { tag_mutability: mode.unwrap(), ..Settings::default() };
        stores.storage.set_settings(&name, &settings).await.unwrap();
        assert_eq!(stores.storage.settings(&name).await.unwrap().as_ref(), Some(&settings));
        for (tag, moves) in [("v1", moves_v1), ("dev-1", moves_dev)] {
            stores.push(&name, b"one", Some(tag), &References::default()).await.unwrap();
            match stores.push(&name, b"two", Some(tag), &References::default()).await {
                Ok(_) => assert!(moves, "{settings:?} {tag}"),
                Err(PutError::TagIsImmutable(stays)) => assert_eq!((stays.digest, moves), (one.clone(), false)),
                Err(other) => panic!("{other:?}"),
            }
            stores.storage.delete_tag(&name, &tag.parse().unwrap()).await.unwrap();
            stores.put(&name, b"one", Some(tag)).await;
        }
    }
}

async fn of_many_pushers_of_an_immutable_tag_one_wins(backend: Backend) {
    let stores = std::sync::Arc::new(Stores::start(backend).await);
    let name = repository("a");
    stores.storage.create(&name).await.unwrap();
    let none: [&str; 0] = [];
    let tag_mutability = TagMutability::new(MutabilityMode::Immutable, none).unwrap();
    stores.storage.set_settings(&name, &Settings { tag_mutability, ..Settings::default() }).await.unwrap();
    let pushers: Vec<_> = (0..20)
        .map(|i| {
            let (stores, name) = (stores.clone(), name.clone());
            tokio::spawn(async move {
                stores.push(&name, format!("image {i}").as_bytes(), Some("v1"), &References::default()).await
            })
        })
        .collect();
    let mut winners = Vec::new();
    for pusher in pushers {
        match pusher.await.unwrap() {
            Ok(digest) => winners.push(digest),
            Err(PutError::TagIsImmutable(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    let tag = stores.storage.tag(&name, &"v1".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(winners, [tag.digest]);
}

//! Conversions: remembered, shared, and gone with their sources.

use protocol::{Digest, RepositoryName};
use storage::{DeleteError, NewDerived, NewManifest};

use crate::backend::{Backend, on_every_backend};
use crate::stores::{Stores, content, repository, stored};

on_every_backend! {
    a_conversion_is_found_again_and_goes_with_its_source,
    a_conversion_of_several_lives_while_one_of_them_does,
    a_conversion_that_was_pushed_outlives_its_source,
    a_conversion_that_a_pushed_list_names_outlives_its_source,
    nothing_is_derived_from_what_is_gone,
}

async fn derive(stores: &Stores, name: &RepositoryName, source: &Digest, bytes: &[u8]) -> bool {
    let digest = Digest::sha256(bytes);
    let new =
        NewDerived { repository: name, source, target: "docker_schema2", digest: &digest, manifest: stored(bytes) };
    stores.storage.put_derived(&new).await.unwrap()
}

async fn exists(stores: &Stores, name: &RepositoryName, bytes: &[u8]) -> bool {
    stores.storage.manifest(name, &Digest::sha256(bytes)).await.unwrap().is_some()
}

async fn a_conversion_is_found_again_and_goes_with_its_source(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    for derived in [b"derived".to_vec(), content(100_000)] {
        let source = stores.put(&name, b"source", Some("latest")).await;
        assert!(derive(&stores, &name, &source, &derived).await);
        assert!(derive(&stores, &name, &source, &derived).await, "again, as two requests that race do");
        let found = stores.storage.derived(&name, &source, "docker_schema2").await.unwrap();
        assert_eq!(found, Some(Digest::sha256(&derived)));
        assert!(exists(&stores, &name, &derived).await);

        stores.storage.delete_manifest(&name, &source).await.unwrap();
        assert!(!exists(&stores, &name, &derived).await);
        assert!(stores.items("DERIVED#", "").await.is_empty());
        assert!(stores.items("BYTES#", "").await.is_empty());
        assert!(stores.objects().await.is_empty());
    }
}

async fn a_conversion_of_several_lives_while_one_of_them_does(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let (one, two) = (stores.put(&name, b"one", None).await, stores.put(&name, b"two", None).await);
    derive(&stores, &name, &one, b"derived").await;
    derive(&stores, &name, &two, b"derived").await;
    match stores.storage.delete_manifest(&name, &Digest::sha256(b"derived")).await {
        Err(DeleteError::DerivedFromSeveral(sources)) => assert_eq!(sources.len(), 2),
        other => panic!("{other:?}"),
    }
    stores.storage.delete_manifest(&name, &one).await.unwrap();
    assert!(exists(&stores, &name, b"derived").await);
    // Now it has one source, and its deletion means that one.
    stores.storage.delete_manifest(&name, &Digest::sha256(b"derived")).await.unwrap();
    assert!(!exists(&stores, &name, b"derived").await && !exists(&stores, &name, b"two").await);
    assert!(stores.items("DERIVED#", "").await.is_empty());
}

async fn a_conversion_that_was_pushed_outlives_its_source(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let source = stores.put(&name, b"source", None).await;
    derive(&stores, &name, &source, b"derived").await;
    stores.put(&name, b"derived", Some("kept")).await;
    stores.storage.delete_manifest(&name, &source).await.unwrap();
    assert!(exists(&stores, &name, b"derived").await);
    stores.storage.delete_manifest(&name, &Digest::sha256(b"derived")).await.unwrap();
    assert!(!exists(&stores, &name, b"derived").await);
}

async fn a_conversion_that_a_pushed_list_names_outlives_its_source(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let source = stores.put(&name, b"source", None).await;
    derive(&stores, &name, &source, b"derived").await;
    let list = Digest::sha256(b"list");
    let new = NewManifest {
        repository: &name,
        digest: &list,
        manifest: stored(b"list"),
        tags: &[],
        blobs: &[],
        manifests: &[Digest::sha256(b"derived")],
        descendants: &[],
        referrer: None,
    };
    stores.storage.put_manifest(&new).await.unwrap();
    stores.storage.delete_manifest(&name, &source).await.unwrap();
    assert!(exists(&stores, &name, b"derived").await);
}

async fn nothing_is_derived_from_what_is_gone(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    assert!(!derive(&stores, &name, &Digest::sha256(b"gone"), &content(100_000)).await);
    assert!(stores.objects().await.is_empty());
    assert!(stores.items("", "").await.is_empty());
}

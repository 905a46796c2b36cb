//! Conversions: remembered, shared, and gone with their sources.

use protocol::{Digest, RepositoryName};
use storage::{DeleteError, Error, NewDerived, NewManifest, References};

use crate::backend::{Backend, on_every_backend};
use crate::stores::{Stores, content, repository, stored};

on_every_backend! {
    a_conversion_is_found_again_and_goes_with_its_source,
    a_conversion_of_several_lives_while_one_of_them_does,
    a_conversion_that_was_pushed_outlives_its_source,
    a_conversion_that_a_pushed_list_names_outlives_its_source,
    nothing_is_derived_from_what_is_gone,
    who_derives_from_a_marked_manifest_keeps_it,
    a_conversion_is_not_stored_without_what_was_made_for_it,
}

pub(crate) async fn derive(stores: &Stores, name: &RepositoryName, source: &Digest, bytes: &[u8]) -> bool {
    let digest = Digest::sha256(bytes);
    let new = NewDerived {
        repository: name,
        source,
        target: "docker_schema2",
        digest: &digest,
        manifest: stored(bytes),
        references: &References::default(),
    };
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

async fn who_derives_from_a_marked_manifest_keeps_it(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let source = stores.put(&name, b"source", Some("latest")).await;
    let mark = crate::deletion::marked_manifest(&stores, &name, &source).await;
    assert!(derive(&stores, &name, &source, b"derived").await);
    assert!(stores.storage.collect_manifest(&name, &source, &mark).await.unwrap().is_none(), "the mark is gone");
    assert!(exists(&stores, &name, b"source").await && exists(&stores, &name, b"derived").await);
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
        references: &References::new([], [Digest::sha256(b"derived")]),
        optional: &[],
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
    stores.storage.create(&name).await.unwrap();
    let before = stores.items("", "").await.len();
    assert!(!derive(&stores, &name, &Digest::sha256(b"gone"), &content(100_000)).await);
    assert!(stores.objects().await.is_empty());
    assert_eq!(stores.items("", "").await.len(), before);
}

async fn a_conversion_is_not_stored_without_what_was_made_for_it(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let source = stores.put(&name, b"source", None).await;
    let (config, digest) = (Digest::sha256(b"config"), Digest::sha256(b"derived"));
    let references = References::new([config.clone()], []);
    let new = NewDerived {
        repository: &name,
        source: &source,
        target: "docker_schema2",
        digest: &digest,
        manifest: stored(b"derived"),
        references: &references,
    };
    stores.storage.put_blob(&name, &config, "config".into()).await.unwrap();
    stores.storage.delete_blob(&name, &config).await.unwrap();
    assert!(matches!(stores.storage.put_derived(&new).await, Err(Error::Contended(_))));
    assert!(!exists(&stores, &name, b"derived").await);

    stores.storage.put_blob(&name, &config, "config".into()).await.unwrap();
    assert!(stores.storage.put_derived(&new).await.unwrap());
    match stores.storage.delete_blob(&name, &config).await {
        Err(DeleteError::ReferredTo(manifests)) => assert_eq!(manifests, [digest]),
        other => panic!("{other:?}"),
    }
}

//! What the collector removes.

use std::time::Duration;

use protocol::{Digest, RepositoryName};
use storage::{Orphan, SessionEntry};

use crate::backend::{Backend, on_every_backend};
use crate::deletion::{blob_entries, marked_blob};
use crate::stores::{MIB, Stores, body, content, repository};

on_every_backend! {
    an_object_goes_with_the_last_repository_that_has_its_blob,
    an_object_that_somebody_got_meanwhile_stays,
    an_object_whose_removal_broke_off_goes_the_next_time,
    a_session_goes_with_everything_that_it_left,
    a_session_that_somebody_came_back_to_stays,
    a_finished_session_leaves_its_blob,
    sessions_of_a_repository_that_never_came_to_be_are_found,
    what_was_given_up_half_is_removed_whole,
    the_object_of_a_manifest_that_never_came_to_be_goes,
    a_repository_is_clean_until_something_is_marked,
    conversions_whose_source_vanished_are_forgotten,
    a_pull_is_noted_to_the_day,
}

async fn orphans(stores: &Stores) -> Vec<Orphan> {
    stores.storage.orphans(None, 100).await.unwrap().items
}

async fn sessions(stores: &Stores, name: &protocol::RepositoryName) -> Vec<SessionEntry> {
    stores.storage.sessions(name, None, 100).await.unwrap().items
}

async fn an_object_goes_with_the_last_repository_that_has_its_blob(backend: Backend) {
    let stores = Stores::start(backend).await;
    let (one, two) = (repository("a"), repository("b"));
    let blob = stores.put_blob(&one, b"layer").await;
    stores.storage.mount(&one, &two, &blob).await.unwrap();
    stores.storage.delete_blob(&one, &blob).await.unwrap();
    let [orphan] = orphans(&stores).await.try_into().unwrap();
    assert!(orphan.age() < Duration::from_secs(600) && orphan.digest == blob);
    assert!(!stores.storage.remove_orphan(&orphan).await.unwrap(), "the other one has it");
    assert!(orphans(&stores).await.is_empty());
    assert_eq!(stores.objects().await.len(), 1);

    stores.storage.delete_blob(&two, &blob).await.unwrap();
    let [orphan] = orphans(&stores).await.try_into().unwrap();
    assert!(stores.storage.remove_orphan(&orphan).await.unwrap());
    assert!(orphans(&stores).await.is_empty() && stores.objects().await.is_empty());
    assert!(stores.items("BLOB#", "").await.is_empty());
    stores.put_blob(&one, b"layer").await;
    assert_eq!(stores.objects().await.len(), 1, "it can be sent again");
}

async fn an_object_that_somebody_got_meanwhile_stays(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let blob = stores.put_blob(&name, b"layer").await;
    stores.storage.delete_blob(&name, &blob).await.unwrap();
    let [orphan] = orphans(&stores).await.try_into().unwrap();
    stores.put_blob(&name, b"layer").await;
    assert_eq!(stores.objects().await.len(), 1, "the old object serves again");
    assert!(!stores.storage.remove_orphan(&orphan).await.unwrap());
    let found = stores.storage.blob_bytes(&name, &blob, 100).await.unwrap().unwrap();
    assert_eq!(found.as_ref(), b"layer");
}

async fn an_object_whose_removal_broke_off_goes_the_next_time(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let blob = stores.put_blob(&name, b"layer").await;
    let (entry, mark) = marked_blob(&stores, &name, &blob).await;
    assert!(stores.storage.collect_blob(&name, &entry, &mark).await.unwrap());
    let [orphan] = orphans(&stores).await.try_into().unwrap();
    stores.storage.remove_orphan(&orphan).await.unwrap();
    assert!(stores.objects().await.is_empty());
    // As one finds it whose predecessor died before its last call: doing it again does no harm.
    stores.put_blob(&name, b"layer").await;
    assert!(stores.storage.remove_orphan(&orphan).await.unwrap());
    let found = stores.storage.blob_bytes(&name, &blob, 100).await.unwrap().unwrap();
    assert_eq!(found.as_ref(), b"layer", "another object has the blob by now");
}

async fn a_session_goes_with_everything_that_it_left(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let id = stores.start_upload(&name).await;
    stores.storage.append(&name, &id, None, body(&content(17 * MIB))).await.unwrap();
    let small = stores.start_upload(&name).await;
    stores.storage.append(&name, &small, None, body(&content(1000))).await.unwrap();
    assert_eq!((stores.open_multiparts().await, stores.objects().await.is_empty()), (1, false));
    for session in sessions(&stores, &name).await {
        assert!(session.is_open() && session.idle() < Duration::from_secs(600));
        assert!(stores.storage.sweep_session(&name, &session).await.unwrap());
    }
    assert_eq!(stores.open_multiparts().await, 0);
    assert!(stores.objects().await.is_empty());
    assert!(stores.items("", "UPLOAD#").await.is_empty());
}

async fn a_session_that_somebody_came_back_to_stays(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let id = stores.start_upload(&name).await;
    let [seen] = sessions(&stores, &name).await.try_into().unwrap();
    stores.storage.append(&name, &id, None, body(&content(1000))).await.unwrap();
    assert!(!stores.storage.sweep_session(&name, &seen).await.unwrap());
    assert_eq!(stores.storage.upload_progress(&name, &id).await.unwrap().received, 1000);
}

async fn a_finished_session_leaves_its_blob(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let bytes = content(17 * MIB);
    let digest = Digest::sha256(&bytes);
    // The second one finds that the blob is there, and has an object to spare.
    for _ in 0..2 {
        let id = stores.start_upload(&name).await;
        stores.storage.finish_upload(&name, &id, &digest, None, body(&bytes)).await.unwrap();
    }
    let found = sessions(&stores, &name).await;
    assert_eq!(found.len(), 2);
    for session in found {
        assert!(!session.is_open());
        stores.storage.sweep_session(&name, &session).await.unwrap();
    }
    assert!(stores.items("", "UPLOAD#").await.is_empty());
    assert_eq!(stores.objects().await.into_values().collect::<Vec<_>>(), [17 * MIB as i64]);
    assert!(stores.storage.blob(&name, &digest).await.unwrap().is_some());
}

async fn the_object_of_a_manifest_that_never_came_to_be_goes(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    stores.storage.create(&name).await.unwrap();
    // As a push leaves it that is killed after its object was stored.
    let id = storage::new_upload_id().unwrap();
    stores.put_session(&name, &id, "manifest").await;
    stores.put_object(&format!("manifests/{id}"), b"left over").await;
    for session in sessions(&stores, &name).await {
        assert!(stores.storage.sweep_session(&name, &session).await.unwrap());
    }
    assert!(stores.objects().await.is_empty() && sessions(&stores, &name).await.is_empty());
}

async fn a_repository_is_clean_until_something_is_marked(backend: Backend) {
    let stores = Stores::start(backend).await;
    let (name, other) = (repository("a"), repository("other"));
    let blob = stores.put_blob(&name, b"layer").await;
    let names = [name.clone(), other];
    let state = || async { stores.storage.collection_states(&names).await.unwrap().remove(&name).unwrap().unwrap() };
    assert_eq!(stores.storage.collection_states(&names).await.unwrap().len(), 1, "the other one doesn't exist");
    for _ in 0..2 {
        let before = state().await;
        assert_eq!(before.clean_since(), None);
        stores.storage.note_clean(&name, &before).await.unwrap();
        assert!(state().await.clean_since().is_some());
        let seen = state().await;
        marked_blob(&stores, &name, &blob).await;
        assert_eq!(state().await.clean_since(), None);
        stores.storage.note_clean(&name, &seen).await.unwrap();
        assert_eq!(state().await.clean_since(), None, "what was seen is no longer so");
        stores.storage.wanted_blob(&name, &blob).await.unwrap();
    }
    assert_eq!(blob_entries(&stores, &name).await.len(), 1);
}

async fn forget_one(stores: &Stores, name: &RepositoryName) {
    let ownerless = stores.storage.ownerless_conversions(name).await.unwrap();
    let [conversion] = ownerless.as_slice() else { panic!("{ownerless:?}") };
    assert!(stores.storage.forget_ownerless(name, conversion).await.unwrap());
}

async fn conversions_whose_source_vanished_are_forgotten(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let (one, two) = (stores.put(&name, b"one", None).await, stores.put(&name, b"two", None).await);
    for source in [&one, &two] {
        assert!(crate::derived::derive(&stores, &name, source, b"shared").await);
    }
    // As nothing in the registry would do it.
    stores.remove_item(storage::keys::manifest(&name, &one)).await;
    forget_one(&stores, &name).await;
    assert!(stores.storage.manifest(&name, &Digest::sha256(b"shared")).await.unwrap().is_some());
    stores.remove_item(storage::keys::manifest(&name, &two)).await;
    forget_one(&stores, &name).await;
    assert!(stores.storage.manifest(&name, &Digest::sha256(b"shared")).await.unwrap().is_none());
}

async fn a_pull_is_noted_to_the_day(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let image = stores.put(&name, b"image", None).await;
    assert!(stores.storage.last_pulls(&name).await.unwrap().is_empty());
    const DAY: u64 = 86_400;
    for (at, day) in [(10 * DAY + 7, 10), (9 * DAY, 10), (11 * DAY + 1, 11)] {
        stores.storage.note_pull(&name, &image, at).await.unwrap();
        // Nobody knows when on that day, so it counts as its end.
        assert_eq!(stores.storage.last_pulls(&name).await.unwrap().get(&image), Some(&(day * DAY + DAY - 1)));
    }
    stores.storage.delete_manifest(&name, &image).await.unwrap();
    stores.storage.note_pull(&name, &image, 12 * DAY).await.unwrap();
    assert!(stores.storage.last_pulls(&name).await.unwrap().is_empty(), "nobody pulls what is gone");
    let [(deleted, at)] = stores.storage.deleted_manifests(&name).await.unwrap().try_into().unwrap();
    assert_eq!(deleted, image);
    stores.storage.forget_deleted(&name, &image, at - 1).await.unwrap();
    assert_eq!(stores.storage.deleted_manifests(&name).await.unwrap().len(), 1, "it was deleted again since");
    stores.storage.forget_deleted(&name, &image, at).await.unwrap();
    assert!(stores.storage.deleted_manifests(&name).await.unwrap().is_empty());
}

async fn sessions_of_a_repository_that_never_came_to_be_are_found(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("never");
    let pending = || async { stores.storage.pending(None, 10).await.unwrap().items };
    stores.start_upload(&name).await;
    let [seen] = pending().await.try_into().unwrap();
    assert_eq!(seen.name, name);
    stores.start_upload(&name).await;
    stores.storage.forget_pending(&seen).await.unwrap();
    let [seen] = pending().await.try_into().unwrap();
    for session in sessions(&stores, &name).await {
        assert!(stores.storage.sweep_session(&name, &session).await.unwrap());
    }
    stores.storage.forget_pending(&seen).await.unwrap();
    assert!(stores.items("", "").await.is_empty());

    stores.storage.create(&name).await.unwrap();
    stores.start_upload(&name).await;
    assert!(pending().await.is_empty(), "the catalog leads to those of a repository that is there");
}

/// The session of a large manifest's object, cancelled by somebody who died before the object was gone.
async fn what_was_given_up_half_is_removed_whole(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    stores.storage.create(&name).await.unwrap();
    let id = storage::new_upload_id().unwrap();
    stores.put_session(&name, &id, "cancelled").await;
    stores.put_object(&format!("manifests/{id}"), b"left over").await;
    let [session] = sessions(&stores, &name).await.try_into().unwrap();
    assert!(stores.storage.sweep_session(&name, &session).await.unwrap());
    assert!(stores.objects().await.is_empty() && sessions(&stores, &name).await.is_empty());
}

//! From pieces to blobs.

use protocol::{Algorithm, ContentRange, Digest};
use storage::UploadError;

use crate::backend::{Backend, on_every_backend};
use crate::stores::{MIB, Stores, body, broken_body, content, repository};

on_every_backend! {
    a_small_blob_is_one_object_and_no_multipart_upload,
    pieces_smaller_than_a_part_become_parts_that_s3_takes,
    a_body_that_breaks_off_leaves_what_its_last_part_reached,
    a_request_that_starts_elsewhere_learns_where_to_go_on,
    a_wrong_digest_leaves_nothing,
    a_repeated_finish_gets_the_answer_that_was_lost,
    a_finish_that_died_after_s3_had_completed_can_be_repeated,
    the_same_content_is_kept_once_and_linked_twice,
    a_mount_needs_the_source_and_copies_nothing,
    a_cancelled_session_leaves_nothing,
}

async fn a_small_blob_is_one_object_and_no_multipart_upload(backend: Backend) {
    let stores = Stores::start(backend).await;
    let (name, bytes) = (repository("a"), content(1000));
    let id = stores.start_upload(&name).await;
    let digest = Digest::sha256(&bytes);
    stores.storage.finish_upload(&name, &id, &digest, None, body(&bytes)).await.unwrap();

    let blob = stores.storage.blob(&name, &digest).await.unwrap().unwrap();
    assert_eq!(blob.size, 1000);
    assert_eq!(stores.objects().await.into_iter().collect::<Vec<_>>(), [(blob.object, 1000)]);
    assert_eq!(stores.storage.blob_bytes(&name, &digest, 1000).await.unwrap().unwrap(), bytes);
    assert_eq!(stores.storage.blob_bytes(&name, &digest, 999).await.unwrap(), None);
}

async fn pieces_smaller_than_a_part_become_parts_that_s3_takes(backend: Backend) {
    let stores = Stores::start(backend).await;
    let (name, bytes) = (repository("a"), content(19 * MIB));
    let id = stores.start_upload(&name).await;
    let mut received = 0;
    for piece in bytes.chunks(4 * MIB) {
        let range = ContentRange { first: received, last: received + piece.len() as u64 - 1 };
        received = stores.storage.append(&name, &id, Some(range), body(piece)).await.unwrap().received;
        assert_eq!(received, range.last + 1);
    }
    // 4, 4, 4, 4 and 3 MiB: two make a part, and the last one waits for the end.
    assert_eq!(stores.parts_in_s3().await, [1, 2]);
    for algorithm in [Algorithm::Sha512] {
        let digest = algorithm.digest(&bytes);
        stores.storage.finish_upload(&name, &id, &digest, None, body(b"")).await.unwrap();
        assert_eq!(stores.storage.blob_bytes(&name, &digest, u64::MAX).await.unwrap().unwrap(), bytes);
    }
    assert_eq!(stores.objects().await.len(), 1, "no tail is left");
}

async fn a_body_that_breaks_off_leaves_what_its_last_part_reached(backend: Backend) {
    let stores = Stores::start(backend).await;
    let (name, bytes) = (repository("a"), content(20 * MIB));
    let id = stores.start_upload(&name).await;
    let broken = stores.storage.append(&name, &id, None, broken_body(&bytes[..19 * MIB])).await;
    assert!(matches!(broken, Err(UploadError::Interrupted(_))));
    let held = stores.storage.upload_progress(&name, &id).await.unwrap();
    assert_eq!(held.received, 16 * MIB as u64);
    assert_eq!(held.range(), format!("0-{}", 16 * MIB - 1));

    let rest = ContentRange { first: held.received, last: bytes.len() as u64 - 1 };
    let digest = Digest::sha256(&bytes);
    stores.storage.finish_upload(&name, &id, &digest, Some(rest), body(&bytes[16 * MIB..])).await.unwrap();
    assert_eq!(stores.storage.blob_bytes(&name, &digest, u64::MAX).await.unwrap().unwrap(), bytes);
}

async fn a_request_that_starts_elsewhere_learns_where_to_go_on(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    let id = stores.start_upload(&name).await;
    stores.storage.append(&name, &id, None, body(b"0123456789")).await.unwrap();
    for first in [0, 9, 11] {
        let range = ContentRange { first, last: first + 4 };
        match stores.storage.append(&name, &id, Some(range), body(b"abcde")).await {
            Err(UploadError::OutOfOrder(progress)) => assert_eq!(progress.range(), "0-9"),
            other => panic!("{other:?}"),
        }
    }
    let digest = Digest::sha256(b"0123456789");
    stores.storage.finish_upload(&name, &id, &digest, None, body(b"")).await.unwrap();
}

async fn a_wrong_digest_leaves_nothing(backend: Backend) {
    let stores = Stores::start(backend).await;
    for length in [100, 9 * MIB] {
        let (name, bytes) = (repository("a"), content(length));
        let id = stores.start_upload(&name).await;
        let wrong = Digest::sha256(b"something else");
        let refused = stores.storage.finish_upload(&name, &id, &wrong, None, body(&bytes)).await;
        assert!(matches!(refused, Err(UploadError::DigestMismatch { actual, .. }) if actual == Digest::sha256(&bytes)));
        assert!(matches!(stores.storage.upload_progress(&name, &id).await, Err(UploadError::Unknown)));
    }
    assert!(stores.objects().await.is_empty());
    assert_eq!(stores.open_multiparts().await, 0);
    assert!(!stores.storage.repository_exists(&repository("a")).await.unwrap());
}

async fn a_repeated_finish_gets_the_answer_that_was_lost(backend: Backend) {
    let stores = Stores::start(backend).await;
    let (name, bytes) = (repository("a"), content(100));
    let id = stores.start_upload(&name).await;
    let digest = Digest::sha256(&bytes);
    let first = stores.storage.finish_upload(&name, &id, &digest, None, body(&bytes)).await.unwrap();
    let again = stores.storage.finish_upload(&name, &id, &digest, None, body(&bytes)).await.unwrap();
    assert_eq!((first.digest, first.size), (again.digest, Some(100)));
    assert_eq!(again.size, None, "the bytes came once");
    let other = stores.storage.finish_upload(&name, &id, &Digest::sha256(b""), None, body(b"")).await;
    assert!(matches!(other, Err(UploadError::Unknown)));
    assert_eq!(stores.objects().await.len(), 1);
}

async fn a_finish_that_died_after_s3_had_completed_can_be_repeated(backend: Backend) {
    let stores = Stores::start(backend).await;
    let (name, bytes) = (repository("a"), content(16 * MIB));
    let id = stores.start_upload(&name).await;
    stores.storage.append(&name, &id, None, body(&bytes)).await.unwrap();
    stores.complete_multipart().await;
    let digest = Digest::sha256(&bytes);
    stores.storage.finish_upload(&name, &id, &digest, None, body(b"")).await.unwrap();
    assert_eq!(stores.storage.blob_bytes(&name, &digest, u64::MAX).await.unwrap().unwrap(), bytes);
}

async fn the_same_content_is_kept_once_and_linked_twice(backend: Backend) {
    let stores = Stores::start(backend).await;
    let bytes = content(9 * MIB);
    let digest = Digest::sha256(&bytes);
    for name in ["a", "b"] {
        let name = repository(name);
        let id = stores.start_upload(&name).await;
        stores.storage.finish_upload(&name, &id, &digest, None, body(&bytes)).await.unwrap();
    }
    let a = stores.storage.blob(&repository("a"), &digest).await.unwrap();
    assert_eq!(a, stores.storage.blob(&repository("b"), &digest).await.unwrap());
    assert_eq!(stores.objects().await.len(), 1);
    assert_eq!(stores.items(&format!("BLOB#{digest}"), "LINK#").await.len(), 2);
}

async fn a_mount_needs_the_source_and_copies_nothing(backend: Backend) {
    let stores = Stores::start(backend).await;
    let (a, b) = (repository("a"), repository("b"));
    let digest = Digest::sha256(b"x");
    assert!(matches!(stores.storage.mount(&a, &b, &digest).await, Err(storage::MountError::Unknown)));
    assert!(!stores.storage.repository_exists(&b).await.unwrap());
    stores.storage.put_blob(&a, &digest, "x".into()).await.unwrap();
    stores.storage.mount(&a, &b, &digest).await.unwrap();
    assert!(stores.storage.blob(&b, &digest).await.unwrap().is_some());
    assert!(stores.storage.repository_exists(&b).await.unwrap());
    assert_eq!(stores.objects().await.len(), 1);
}

async fn a_cancelled_session_leaves_nothing(backend: Backend) {
    let stores = Stores::start(backend).await;
    let name = repository("a");
    for length in [100, 9 * MIB] {
        let id = stores.start_upload(&name).await;
        stores.storage.append(&name, &id, None, body(&content(length))).await.unwrap();
        stores.storage.cancel_upload(&name, &id).await.unwrap();
        let after = stores.storage.append(&name, &id, None, body(b"more")).await;
        assert!(matches!(after, Err(UploadError::Unknown)));
    }
    assert!(stores.objects().await.is_empty());
    assert_eq!(stores.open_multiparts().await, 0);
}

//! Two requests and one session.

use std::sync::Arc;

use bytes::Bytes;
use protocol::{Digest, RepositoryName, UploadId};
use storage::{Progress, StreamError, UploadError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::backend::{Backend, on_every_backend};
use crate::stores::{MIB, Stores, body, content, repository};

on_every_backend! {
    while_one_request_holds_a_session_another_is_turned_away,
    an_expired_lease_is_taken_over_and_its_holder_cannot_spoil_the_blob,
    a_small_blob_cannot_be_overwritten_by_a_holder_that_lost_its_lease,
    a_session_that_is_cancelled_under_its_holder_stays_cancelled,
}

/// A request whose body the test holds in its hand.
struct Slow {
    pieces: mpsc::Sender<Result<Bytes, StreamError>>,
    request: JoinHandle<Result<Progress, UploadError>>,
}

impl Slow {
    /// Starts it and waits until it holds the session: it has taken its first piece by then.
    async fn start(stores: &Arc<Stores>, name: &RepositoryName, id: &UploadId, first: &[u8]) -> Self {
        let (pieces, mut receiver) = mpsc::channel(1);
        let stream = Box::pin(futures_util::stream::poll_fn(move |context| receiver.poll_recv(context)));
        let (stores, name, id) = (stores.clone(), name.clone(), id.clone());
        let request = tokio::spawn(async move { stores.storage.append(&name, &id, None, stream).await });
        pieces.send(Ok(Bytes::copy_from_slice(first))).await.unwrap();
        // The channel holds one piece: when there is room for another, the first was taken.
        drop(pieces.reserve().await.unwrap());
        Self { pieces, request }
    }

    async fn end(self, last: &[u8]) -> Result<Progress, UploadError> {
        // Who lost the session may have stopped reading.
        drop(self.pieces.send(Ok(Bytes::copy_from_slice(last))).await);
        drop(self.pieces);
        self.request.await.unwrap()
    }
}

async fn while_one_request_holds_a_session_another_is_turned_away(backend: Backend) {
    let stores = Arc::new(Stores::start(backend).await);
    let name = repository("a");
    let id = stores.start_upload(&name).await;
    let slow = Slow::start(&stores, &name, &id, b"first ").await;
    for _ in 0..3 {
        let second = stores.storage.append(&name, &id, None, body(b"intruder")).await;
        assert!(matches!(second, Err(UploadError::Busy(Progress { received: 0 }))), "{second:?}");
    }
    assert_eq!(slow.end(b"request").await.unwrap().received, 13);
    let digest = Digest::sha256(b"first request");
    stores.storage.finish_upload(&name, &id, &digest, None, body(b"")).await.unwrap();
}

async fn an_expired_lease_is_taken_over_and_its_holder_cannot_spoil_the_blob(backend: Backend) {
    let stores = Arc::new(Stores::start(backend).await);
    let (name, bytes) = (repository("a"), content(24 * MIB));
    let id = stores.start_upload(&name).await;
    stores.storage.append(&name, &id, None, body(&bytes[..8 * MIB])).await.unwrap();

    let slow = Slow::start(&stores, &name, &id, b"the dead holder's bytes").await;
    stores.expire_lease(&name, &id).await;
    stores.storage.append(&name, &id, None, body(&bytes[8 * MIB..])).await.unwrap();
    // The dead holder wakes up and sends a part under the number that was left to it.
    let lost = slow.end(&content(9 * MIB)).await;
    assert!(matches!(lost, Err(UploadError::Busy(_))), "{lost:?}");
    assert_eq!(stores.parts_in_s3().await, [1, 2, 3, 4], "part 2 is the dead holder's");

    let digest = Digest::sha256(&bytes);
    stores.storage.finish_upload(&name, &id, &digest, None, body(b"")).await.unwrap();
    assert_eq!(stores.storage.blob_bytes(&name, &digest, u64::MAX).await.unwrap().unwrap(), bytes);
}

async fn a_small_blob_cannot_be_overwritten_by_a_holder_that_lost_its_lease(backend: Backend) {
    let stores = Arc::new(Stores::start(backend).await);
    let name = repository("a");
    let id = stores.start_upload(&name).await;
    let slow = Slow::start(&stores, &name, &id, b"old").await;
    stores.expire_lease(&name, &id).await;
    let digest = Digest::sha256(b"new");
    stores.storage.finish_upload(&name, &id, &digest, None, body(b"new")).await.unwrap();
    let lost = slow.end(b" bytes").await;
    assert!(matches!(lost, Err(UploadError::Busy(_) | UploadError::Unknown)), "{lost:?}");
    assert_eq!(stores.storage.blob_bytes(&name, &digest, 100).await.unwrap().unwrap(), "new");
}

async fn a_session_that_is_cancelled_under_its_holder_stays_cancelled(backend: Backend) {
    let stores = Arc::new(Stores::start(backend).await);
    let name = repository("a");
    let id = stores.start_upload(&name).await;
    stores.storage.append(&name, &id, None, body(&content(8 * MIB))).await.unwrap();
    let slow = Slow::start(&stores, &name, &id, b"more").await;
    stores.storage.cancel_upload(&name, &id).await.unwrap();
    let lost = slow.end(&content(9 * MIB)).await;
    assert!(matches!(lost, Err(UploadError::Busy(_) | UploadError::Unknown)), "{lost:?}");
    assert!(matches!(stores.storage.upload_progress(&name, &id).await, Err(UploadError::Unknown)));
    assert_eq!(stores.open_multiparts().await, 0);
}

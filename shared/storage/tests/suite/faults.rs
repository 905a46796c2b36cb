//! What a client does again, after a request that failed in the middle.

use std::sync::Arc;

use bytes::Bytes;
use local::faults::{Fault, Refusal};
use protocol::{ContentRange, Digest, RepositoryName, UploadId};
use storage::{Error, Finished, Progress, UploadError};

use crate::backend::{Backend, on_every_backend};
use crate::stores::{MIB, Stores, body, content, repository};

on_every_backend! {
    a_blob_that_is_sent_once_more_is_not_taken_for_its_continuation,
    a_blob_that_is_sent_a_third_time_still_comes_to_the_same,
    a_blob_that_is_sent_once_more_may_be_completed_already_when_its_records_fail,
    the_last_bytes_once_more_come_to_the_same_when_all_of_them_are_there,
    who_says_where_the_bytes_belong_is_told_when_they_are_there,
    bytes_that_belong_nowhere_end_the_session,
    a_part_of_which_nobody_heard_gets_into_no_blob,
    a_blob_is_sent_once_more_after_a_request_that_died,
    the_calls_of_a_request_end_with_its_time,
}

/// A storage with an open session.
struct Bench {
    stores: Arc<Stores>,
    name: RepositoryName,
    id: UploadId,
}

impl Bench {
    async fn start(backend: Backend) -> Self {
        let (stores, name) = (Arc::new(Stores::start(backend).await), repository("a"));
        let id = stores.start_upload(&name).await;
        Self { stores, name, id }
    }

    async fn append(&self, bytes: &[u8]) -> Result<Progress, UploadError> {
        self.stores.storage.append(&self.name, &self.id, None, body(bytes)).await
    }

    async fn finish(&self, digest: &Digest, bytes: &[u8]) -> Result<Finished, UploadError> {
        self.stores.storage.finish_upload(&self.name, &self.id, digest, None, body(bytes)).await
    }

    /// A call fails as long as the request lasts.
    async fn while_failing<T>(&self, operation: &'static str, fault: Fault, request: impl Future<Output = T>) -> T {
        self.stores.faults.follow(move |call| (call.operation == operation).then_some(fault));
        let outcome = request.await;
        assert!(self.stores.faults.struck() > 0, "{operation} wasn't called");
        self.stores.faults.rest();
        outcome
    }

    async fn expect_blob(&self, bytes: &[u8]) {
        let digest = Digest::sha256(bytes);
        let found = self.stores.storage.blob_bytes(&self.name, &digest, u64::MAX).await.unwrap();
        assert!(found.is_some_and(|found| found == bytes));
        let blob = self.stores.storage.blob(&self.name, &digest).await.unwrap().unwrap();
        assert_eq!(self.stores.objects().await[&blob.object], bytes.len() as i64);
    }
}

const FAILED: Fault = Fault::Refused(Refusal::InternalError);

fn is_unavailable<T: std::fmt::Debug>(outcome: &Result<T, UploadError>) -> bool {
    matches!(outcome, Err(UploadError::Storage(Error::Unavailable(_))))
}

async fn a_blob_that_is_sent_once_more_is_not_taken_for_its_continuation(backend: Backend) {
    // A rest that becomes a part, no rest, and less than a part.
    for (length, sent_before) in [(20 * MIB, 20 * MIB), (16 * MIB, 16 * MIB), (3 * MIB, 11 * MIB)] {
        let bench = Bench::start(backend).await;
        let (bytes, other) = (content(length), content(24 * MIB)[MIB..].to_vec());
        let digest = Digest::sha256(&bytes);
        // Whatever it is that the session holds, it isn't the beginning of the blob.
        let sent = bench.while_failing("UploadPart", FAILED, bench.append(&other[..sent_before])).await;
        assert!(is_unavailable(&sent), "{sent:?}");
        bench.append(&other[..8 * MIB]).await.unwrap();

        bench.finish(&digest, &bytes).await.unwrap();

        bench.expect_blob(&bytes).await;
        assert_eq!(bench.finish(&digest, &bytes).await.unwrap().digest, digest, "a repeated request");
    }
}

async fn a_blob_that_is_sent_a_third_time_still_comes_to_the_same(backend: Backend) {
    let bench = Bench::start(backend).await;
    let bytes = content(17 * MIB);
    let digest = Digest::sha256(&bytes);
    for operation in ["CompleteMultipartUpload", "BatchGetItem", "CompleteMultipartUpload"] {
        let failed = bench.while_failing(operation, FAILED, bench.finish(&digest, &bytes)).await;
        assert!(is_unavailable(&failed), "{operation}: {failed:?}");
    }
    bench.finish(&digest, &bytes).await.unwrap();
    bench.expect_blob(&bytes).await;
}

async fn a_blob_that_is_sent_once_more_may_be_completed_already_when_its_records_fail(backend: Backend) {
    let bench = Bench::start(backend).await;
    let bytes = content(17 * MIB);
    let digest = Digest::sha256(&bytes);
    bench.append(&content(20 * MIB)[4 * MIB..12 * MIB]).await.unwrap();
    for _ in 0..2 {
        let failed = bench.while_failing("BatchGetItem", FAILED, bench.finish(&digest, &bytes)).await;
        assert!(is_unavailable(&failed), "{failed:?}");
    }
    bench.finish(&digest, &bytes).await.unwrap();
    bench.expect_blob(&bytes).await;
}

async fn the_last_bytes_once_more_come_to_the_same_when_all_of_them_are_there(backend: Backend) {
    let bench = Bench::start(backend).await;
    let bytes = content(13 * MIB);
    let digest = Digest::sha256(&bytes);
    bench.append(&bytes[..8 * MIB]).await.unwrap();
    let last = &bytes[8 * MIB..];
    let failed = bench.while_failing("CompleteMultipartUpload", FAILED, bench.finish(&digest, last)).await;
    assert!(is_unavailable(&failed), "{failed:?}");
    bench.finish(&digest, last).await.unwrap();
    bench.expect_blob(&bytes).await;
}

async fn who_says_where_the_bytes_belong_is_told_when_they_are_there(backend: Backend) {
    let bench = Bench::start(backend).await;
    let bytes = content(13 * MIB);
    let digest = Digest::sha256(&bytes);
    bench.append(&bytes[..8 * MIB]).await.unwrap();
    let range = Some(ContentRange { first: 8 * MIB as u64, last: bytes.len() as u64 - 1 });
    let finish = || bench.stores.storage.finish_upload(&bench.name, &bench.id, &digest, range, body(&bytes[8 * MIB..]));
    let failed = bench.while_failing("CompleteMultipartUpload", FAILED, finish()).await;
    assert!(is_unavailable(&failed), "{failed:?}");

    let refused = finish().await;

    let all = bytes.len() as u64;
    assert!(matches!(refused, Err(UploadError::OutOfOrder(Progress { received })) if received == all), "{refused:?}");
    bench.finish(&digest, b"").await.unwrap();
    bench.expect_blob(&bytes).await;
}

async fn bytes_that_belong_nowhere_end_the_session(backend: Backend) {
    let bench = Bench::start(backend).await;
    let bytes = content(17 * MIB);
    bench.append(&bytes[..8 * MIB]).await.unwrap();
    let digest = Digest::sha256(&bytes);
    let refused = bench.finish(&digest, &bytes[9 * MIB..]).await;
    assert!(matches!(refused, Err(UploadError::DigestMismatch { .. })), "{refused:?}");
    assert!(matches!(bench.finish(&digest, &bytes).await, Err(UploadError::Unknown)));
    // An empty blob is the end of no other one.
    let bench = Bench::start(backend).await;
    bench.append(&bytes[..8 * MIB]).await.unwrap();
    let refused = bench.finish(&Digest::sha256(b""), b"").await;
    assert!(matches!(refused, Err(UploadError::DigestMismatch { .. })), "{refused:?}");
}

async fn a_part_of_which_nobody_heard_gets_into_no_blob(backend: Backend) {
    let bench = Bench::start(backend).await;
    let bytes = content(16 * MIB);
    bench.append(&bytes[..8 * MIB]).await.unwrap();
    let lost = bench.while_failing("UploadPart", Fault::AnswerLost, bench.append(&content(20 * MIB)[12 * MIB..])).await;
    assert!(is_unavailable(&lost), "{lost:?}");

    bench.append(&bytes[8 * MIB..]).await.unwrap();

    assert_eq!(bench.stores.parts_in_s3().await, [1, 2, 3], "part 2 is left to whoever sent it");
    bench.finish(&Digest::sha256(&bytes), b"").await.unwrap();
    bench.expect_blob(&bytes).await;
}

async fn a_blob_is_sent_once_more_after_a_request_that_died(backend: Backend) {
    let bench = Bench::start(backend).await;
    let bytes = content(20 * MIB);
    let (pieces, mut receiver) = tokio::sync::mpsc::channel(1);
    let stream = Box::pin(futures_util::stream::poll_fn(move |context| receiver.poll_recv(context)));
    let (stores, name, id, digest) =
        (bench.stores.clone(), bench.name.clone(), bench.id.clone(), Digest::sha256(&bytes));
    let wanted = digest.clone();
    let dying =
        tokio::spawn(async move { stores.storage.finish_upload(&name, &id, &wanted, None, stream).await.map(drop) });
    for piece in bytes[..17 * MIB].chunks(MIB) {
        pieces.send(Ok(Bytes::copy_from_slice(piece))).await.unwrap();
    }
    let received = || async { bench.stores.storage.upload_progress(&bench.name, &bench.id).await.unwrap().received };
    while received().await < 16 * MIB as u64 {
        tokio::task::yield_now().await;
    }
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    assert!(matches!(bench.finish(&digest, &bytes).await, Err(UploadError::Busy(_))), "its lease lasts");
    bench.stores.expire_lease(&bench.name, &bench.id).await;

    bench.finish(&digest, &bytes).await.unwrap();
    bench.expect_blob(&bytes).await;
}

async fn the_calls_of_a_request_end_with_its_time(backend: Backend) {
    let bench = Bench::start(backend).await;
    bench.stores.faults.follow(|_| Some(Fault::Ignored));
    let end = std::time::Instant::now();
    let late = storage::deadline::until(end, bench.stores.storage.upload_progress(&bench.name, &bench.id)).await;
    assert!(is_unavailable(&late), "{late:?}");
    assert!(bench.stores.faults.struck() <= 1, "the SDK has repeated the call");
}

//! Operations whose calls fail, one after the other: what functions call then, their roles have to allow as well.

use std::sync::atomic::{AtomicBool, Ordering};

use local::faults::{Fault, Refusal};
use protocol::Digest;

use crate::collection;
use crate::http::Request;
use crate::image::{Image, MANY, SCHEMA2, SIGNED_SCHEMA1};
use crate::schema1;
use crate::work::Client;

const MIB: usize = 1 << 20;

/// Does everything that has something to clean up, again and again.
pub(crate) async fn everywhere(client: &Client<'_>) {
    uploads(client).await;
    direct_uploads(client).await;
    manifests(client).await;
    conversions(client).await;
    deletions(client).await;
    collections(client).await;
}

/// Does an operation while each of its calls fails in turn, and once while every transaction meets another one before it
/// succeeds. `prepare` makes what the operation needs in the repository that it is given.
async fn sweep(client: &Client<'_>, name: &str, prepare: impl AsyncFn(&str) -> Request) {
    let faults = &client.registry.faults;
    let mut failing = 0;
    loop {
        let request = prepare(&format!("failing/{name}/{failing}")).await;
        faults.follow(move |call| (call.number == failing).then_some(Fault::Refused(Refusal::InternalError)));
        // Whatever comes of it: other tests look at that.
        client.send(request).await;
        let calls = faults.calls().len();
        faults.rest();
        failing += 1;
        if calls < failing {
            break;
        }
    }
    assert!(failing > 1, "{name} calls nothing");

    let request = prepare(&format!("meeting/{name}")).await;
    let met = AtomicBool::new(false);
    faults.follow(move |call| {
        let meets = call.operation == "TransactWriteItems" && !met.fetch_xor(true, Ordering::Relaxed);
        meets.then_some(Fault::Refused(Refusal::TransactionConflict))
    });
    client.send(request).await;
    faults.rest();
}

async fn uploads(client: &Client<'_>) {
    let patch = |session: &str, length| Request::new("PATCH", session).body(&vec![7; length]);
    // The first two make a part of a multipart upload, the third waits for more.
    let begun = async |repository: &str| {
        let session = client.start_upload_in(repository).await;
        for length in [3 * MIB, 2 * MIB, MIB] {
            client.send(patch(&session, length)).await.expect(202);
        }
        session
    };
    sweep(client, "patch", async |repository| patch(&begun(repository).await, 4 * MIB)).await;
    let whole = Digest::sha256(&vec![7; 6 * MIB]);
    sweep(client, "finish", async |repository| {
        Request::new("PUT", format!("{}?digest={whole}", begun(repository).await))
    })
    .await;
    let wrong = Digest::sha256(b"something else");
    sweep(client, "wrong", async |repository| {
        Request::new("PUT", format!("{}?digest={wrong}", begun(repository).await))
    })
    .await;
    sweep(client, "cancel", async |repository| Request::new("DELETE", begun(repository).await)).await;
    sweep(client, "known", async |repository| {
        let path = format!("{}?digest={}", client.start_upload_in(repository).await, Digest::sha256(b"known"));
        client.push_blob(&format!("{repository}/other"), b"known").await;
        Request::new("PUT", path).body(b"known")
    })
    .await;
}

async fn direct_uploads(client: &Client<'_>) {
    let digest = Digest::sha256(b"straight to S3");
    let open = |repository: &str| format!("/v2/{repository}/blobs/uploads/?direct={digest}&size=14");
    sweep(client, "direct", async |repository| Request::new("POST", open(repository))).await;
    sweep(client, "sent", async |repository| {
        let opened = client.send(Request::new("POST", open(repository))).await.expect(202);
        client.send_directly(&opened, b"straight to S3").await;
        Request::new("PUT", format!("{}?digest={digest}", opened.expect_header("location")))
    })
    .await;
}

async fn manifests(client: &Client<'_>) {
    let (subject, large) = (Image::new(1, None), Image::new(MANY, Some(&Image::new(1, None))));
    sweep(client, "push", async |repository| {
        client.push(repository, "latest", &subject).await;
        client.put_request(repository, "latest?tag=other", &large)
    })
    .await;
}

async fn conversions(client: &Client<'_>) {
    let large = Image::new(MANY, None);
    sweep(client, "convert", async |repository| {
        client.push(repository, "latest", &large).await;
        client.pull_request(repository, "latest", SCHEMA2)
    })
    .await;
    sweep(client, "downgrade", async |repository| {
        client.push(repository, "latest", &Image::new(1, None)).await;
        client.pull_request(repository, "latest", SIGNED_SCHEMA1)
    })
    .await;
    // The layer is known by now; the config is put.
    sweep(client, "upgrade", async |repository| {
        client.push(repository, "latest", &Image::schema1(schema1::LAYER)).await;
        client.pull_request(repository, "latest", SCHEMA2)
    })
    .await;
}

async fn deletions(client: &Client<'_>) {
    let large = Image::new(MANY, Some(&Image::new(1, None)));
    let delete = |repository: &str, rest: &str| Request::new("DELETE", format!("/v2/{repository}/{rest}"));
    sweep(client, "delete", async |repository| {
        client.push(repository, "latest", &large).await;
        client.pull_as(repository, "latest", SCHEMA2).await;
        delete(repository, &format!("manifests/{}", large.digest))
    })
    .await;
    sweep(client, "untag", async |repository| {
        client.push(repository, "latest", &large).await;
        delete(repository, "manifests/latest")
    })
    .await;
    sweep(client, "forget", async |repository| {
        let digest = client.push_blob(repository, b"a blob to forget").await;
        delete(repository, &format!("blobs/{digest}"))
    })
    .await;
}

/// Runs of the collector over one repository, the last in the catalog: each has what the ones before left.
async fn collections(client: &Client<'_>) {
    const BEFORE: &str = "z/a";
    let faults = &client.registry.faults;
    let mut failing = 0;
    collection::leave_behind(client, "z/failing").await;
    loop {
        faults.follow(move |call| (call.number == failing).then_some(Fault::Refused(Refusal::InternalError)));
        // Whatever comes of it: other tests look at that.
        drop(client.registry.collect_after(BEFORE).await);
        let calls = faults.calls().len();
        faults.rest();
        failing += 1;
        if calls < failing {
            break;
        }
    }

    collection::leave_behind(client, "z/meeting").await;
    let met = AtomicBool::new(false);
    faults.follow(move |call| {
        let meets = call.operation == "TransactWriteItems" && !met.fetch_xor(true, Ordering::Relaxed);
        meets.then_some(Fault::Refused(Refusal::TransactionConflict))
    });
    for _ in 0..collection::ENOUGH {
        client.registry.collect_after(BEFORE).await.unwrap();
    }
    faults.rest();
}

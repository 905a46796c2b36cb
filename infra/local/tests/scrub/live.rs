//! A scrub beside clients that push, mount, convert and delete the same few things: it finds nothing, whatever it sees
//! half done.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use collector::Terms;
use protocol::Digest;
use runtime::{CollectFrom, Deadline};

use crate::bench::{Bench, FULL, NAME};
use crate::http::Request;
use crate::image::{Image, SCHEMA2};

const CLIENTS: usize = 4;
const ROUNDS: usize = 6;

/// One client's work. Each step may fail because another client was there: what is pushed names what that one deletes.
async fn work(bench: &Bench, client: usize) {
    let base = Image::new("base", "shared", None);
    for round in 0..ROUNDS {
        let image = Image::new(&format!("app {}", (client + round) % 3), "shared", None);
        let tag = format!("tag-{}", round % 2);
        for blob in image.blobs.iter().chain(&base.blobs) {
            bench.push_blob(NAME, blob).await;
        }
        let _ = bench.send(Bench::put(NAME, &tag, &image)).await;
        let _ = bench.send(Bench::put(NAME, "base", &base)).await;
        let signature = Image::new("signature", "shared", Some(&image));
        for blob in &signature.blobs {
            bench.push_blob(NAME, blob).await;
        }
        let _ = bench.send(Bench::put(NAME, &signature.digest.to_string(), &signature)).await;
        let index = Image::index(&[&image, &base]);
        let _ = bench.send(Bench::put(NAME, "index", &index)).await;
        let get = Request::new("GET", format!("/v2/{NAME}/manifests/{tag}"));
        let _ = bench.send(get.header("Accept", SCHEMA2)).await;
        let mount = format!("/v2/elsewhere/blobs/uploads/?mount={}&from={NAME}", Digest::sha256(&image.blobs[1]));
        let _ = bench.send(Request::new("POST", mount)).await;
        for digest in [&index.digest, &image.digest, &signature.digest] {
            let _ = bench.send(Request::new("DELETE", format!("/v2/{NAME}/manifests/{digest}"))).await;
        }
        let blob = format!("/v2/{NAME}/blobs/{}", Digest::sha256(&image.blobs[0]));
        let _ = bench.send(Request::new("DELETE", blob)).await;
        let _ = bench.send(Request::new("DELETE", format!("/v2/{NAME}/manifests/base"))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_found_where_nothing_is_broken() {
    let bench = Bench::start().await;
    let is_over = AtomicBool::new(false);
    let clients = async {
        futures_util::future::join_all((0..CLIENTS).map(|client| work(&bench, client))).await;
        is_over.store(true, Ordering::Relaxed);
    };
    let collector = async {
        while !is_over.load(Ordering::Relaxed) {
            let until = Deadline::after(Duration::from_secs(3600));
            // Shorter than a push: clients get errors, and nothing that is acknowledged breaks.
            let terms = Terms { grace: Duration::ZERO, dry_run: false, until };
            collector::collect(&bench.storage, terms, CollectFrom::default(), &mut |_| ()).await.unwrap();
        }
    };
    let scrubs = async {
        let mut looked_at = 0;
        while !is_over.load(Ordering::Relaxed) {
            let (found, summary) = bench.scrub(FULL).await;
            assert_eq!(found, []);
            looked_at += summary.manifests;
        }
        looked_at
    };
    let ((), (), looked_at) = futures_util::future::join3(clients, collector, scrubs).await;
    assert!(looked_at > 0, "the clients left it nothing to look at");
    bench.is_clean().await;
}

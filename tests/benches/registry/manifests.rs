//! Manifests of small images: pushed under new tags, pulled by tag.

use std::time::{Duration, Instant};

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::types::{OCI, OCI_CONFIG, OCI_GZIP};
use serde_json::json;

use crate::CLIENTS;
use crate::side_by_side::{Pair, rate};
use crate::table::Rates;

const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(2);

pub(crate) const REPOSITORY: &str = "manifests";

pub(crate) fn measure() {
    let pair = Pair::start();
    pair.each(push_blobs);
    let [mut puts, mut gets] = [Rates::default(); 2];
    for (index, &clients) in CLIENTS.iter().enumerate() {
        for round in 0..ROUNDS {
            let path = |number: usize, n: usize| format!("/v2/{REPOSITORY}/manifests/{clients}-{round}-{number}-{n}");
            puts.keep(
                index,
                pair.each(|address| {
                    rate(address, clients, |client, number| {
                        for_a_while(|n| {
                            let path = path(number, n);
                            let manifest = manifest(&path);
                            client.send("PUT", &path, manifest.len() as u64, &manifest[..]).expect(201);
                        })
                    })
                }),
            );
            gets.keep(
                index,
                pair.each(|address| {
                    // Each client has pushed some; the first ones of each are pulled again and again.
                    rate(address, clients, |client, number| {
                        for_a_while(|n| {
                            client.get(&path((number + n) % clients, 0));
                        })
                    })
                }),
            );
        }
    }
    puts.print("manifests, PUT under a new tag");
    gets.print("manifests, GET by tag");
}

/// Does something for the time of a round, and says how often.
fn for_a_while(mut work: impl FnMut(usize)) -> f64 {
    let (started, mut times) = (Instant::now(), 0);
    while started.elapsed() < ROUND {
        work(times);
        times += 1;
    }
    times as f64
}

/// What the manifests refer to.
pub(crate) fn push_blobs(address: &str) {
    let mut client = crate::client::Client::new(address);
    for blob in [b"{}".as_slice(), b"layer"] {
        client.push(REPOSITORY, &sha256(blob), blob.len() as u64, blob);
    }
}

/// A manifest that no other text gives.
pub(crate) fn manifest(text: &str) -> Vec<u8> {
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": OCI,
        "config": {"mediaType": OCI_CONFIG, "digest": sha256(b"{}"), "size": 2},
        "layers": [{"mediaType": OCI_GZIP, "digest": sha256(b"layer"), "size": 5}],
        "annotations": {"text": text},
    });
    manifest.to_string().into_bytes()
}

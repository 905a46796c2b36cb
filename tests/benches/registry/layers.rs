//! A gigabyte, as one layer or as several that are pushed and pulled at the same time.

use lambda_registry_tests::content::Content;

use crate::CLIENTS;
use crate::side_by_side::{Pair, rate};
use crate::table::Rates;

const ROUNDS: u64 = 2;
const BYTES: u64 = 1_000_000_000;

pub(crate) fn measure() {
    let [mut pushes, mut pulls] = [Rates::default(); 2];
    for (index, &clients) in CLIENTS.iter().enumerate() {
        // Started anew, so that the disk never holds more than a few of them.
        let pair = Pair::start();
        for round in 0..ROUNDS {
            let length = BYTES / clients as u64;
            let layer = |client: usize| Content { number: round * 1_000 + client as u64, length };
            let layers: Vec<_> = (0..clients).map(|client| (layer(client), layer(client).digest())).collect();
            let megabytes = length as f64 / 1e6;
            pushes.keep(
                index,
                pair.each(|address| {
                    rate(address, clients, |client, number| {
                        let (layer, digest) = &layers[number];
                        client.push("layers", digest, length, layer.from(0));
                        megabytes
                    })
                }),
            );
            pulls.keep(
                index,
                pair.each(|address| {
                    rate(address, clients, |client, number| {
                        assert_eq!(client.get(&format!("/v2/layers/blobs/{}", layers[number].1)).length, length);
                        megabytes
                    })
                }),
            );
        }
    }
    pushes.print("MB of 1 GB in layers, pushed");
    pulls.print("MB of 1 GB in layers, pulled");
}

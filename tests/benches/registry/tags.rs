//! All tags of a repository with ten thousand.

use crate::CLIENTS;
use crate::client::Client;
use crate::manifests::{REPOSITORY, manifest, push_blobs};
use crate::side_by_side::{Pair, rate};
use crate::table::Rates;

const ROUNDS: usize = 3;
const TAGS: usize = 10_000;

/// Lists of each client in a round.
const LISTS: usize = 3;

/// Clients that push the tags.
const PUSHERS: usize = 16;

pub(crate) fn measure() {
    let pair = Pair::start();
    pair.each(|address| {
        push_blobs(address);
        rate(address, PUSHERS, |client, number| {
            let manifest = manifest("tagged");
            for tag in (number..TAGS).step_by(PUSHERS) {
                let path = format!("/v2/{REPOSITORY}/manifests/tag-{tag:05}");
                client.send("PUT", &path, manifest.len() as u64, &manifest[..]).expect(201);
            }
            1.0
        })
    });
    let mut lists = Rates::default();
    for (index, &clients) in CLIENTS.iter().enumerate() {
        for _ in 0..ROUNDS {
            lists.keep(
                index,
                pair.each(|address| {
                    rate(address, clients, |client, _| {
                        (0..LISTS).for_each(|_| list(client));
                        LISTS as f64
                    })
                }),
            );
        }
    }
    lists.print("lists of 10,000 tags");
}

/// Follows the links to the end: a page has 1,000 here, and everything there.
fn list(client: &mut Client) {
    let mut next = Some(format!("/v2/{REPOSITORY}/tags/list"));
    let mut length = 0;
    while let Some(path) = next {
        let page = client.get(&path);
        length += page.length;
        next = page.header("link").and_then(|link| Some(link.strip_prefix('<')?.split_once('>')?.0.to_owned()));
    }
    // Each has nine characters, two quotes and a comma.
    assert!(length > 12 * TAGS as u64, "{length}");
}

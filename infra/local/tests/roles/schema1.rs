//! An image that another function has to look at before everybody can pull it.

use std::time::{Duration, Instant};

use protocol::Digest;
use storage::LayerContent;

use crate::image::{Image, SCHEMA2};
use crate::registry::Registry;
use crate::work::Client;

pub(crate) const LAYER: &[u8] = b"a layer of schema 1";

/// How long the function in the background may take, which is started as a process.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn push_and_pull(client: &Client<'_>) {
    let registry = client.registry;
    let (image, layer) = (Image::schema1(LAYER), Digest::sha256(LAYER));
    client.push("old/first", "latest", &image).await;
    until_read(registry, &layer).await;
    // Who pulls what nobody knows has it read.
    registry.forget_layer(&layer).await;
    client.pull("old/first", "latest", SCHEMA2).await.expect(503);
    until_read(registry, &layer).await;
    client.pull_as("old/first", "latest", SCHEMA2).await;
    // Here the conversion comes to a config that is there already.
    client.push("old/second", "latest", &image).await;
    client.pull_as("old/second", "latest", SCHEMA2).await;
}

/// Until the function has written down what is in the only layer there is, after which it has nothing left to do.
async fn until_read(registry: &Registry, layer: &Digest) {
    let (begin, repository) = (Instant::now(), "old/first".parse().unwrap());
    loop {
        let known = registry.storage.layers(&repository, std::slice::from_ref(layer)).await.unwrap();
        if matches!(known[layer].content, LayerContent::Read { .. }) {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "{:?}", known[layer].content);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

//! Pushing manifests.

use protocol::Digest;

use crate::bench::{Bench, put};
use crate::row::Row;

/// Numbers of layers. Beside layers and config, the manifest and the tag are read, 100 in a batch.
pub(crate) const LAYERS: [usize; 5] = [1, 10, 96, 98, 127];

pub(crate) fn name(layers: usize, way: &str) -> String {
    format!("manifest-put-{layers}-{way}")
}

pub(crate) async fn measure() -> Vec<Row> {
    let bench = Bench::start().await;
    let small = bench.image(1).await;
    bench.put_manifest("moving", &small).await;
    for layers in LAYERS {
        let manifest = bench.image(layers).await;
        let what =
            |way: &str| format!("Manifest PUT, {layers} {}, {way}", if layers == 1 { "layer" } else { "layers" });
        // The second one finds the manifest there.
        let (new, moved, there) = (name(layers, "new"), name(layers, "moved-tag"), name(layers, "again"));
        let digest = Digest::sha256(&manifest).to_string();
        // A manifest of its own: another one has one layer as well.
        let manifest_of_its_own = [manifest.clone(), b" ".to_vec()].concat();
        let tag = format!("new-{layers}");
        bench.costs(&new, &what("under a new tag"), 201, put(&tag, &manifest_of_its_own)).await;
        bench.put_manifest(&digest, &manifest).await;
        bench.costs(&moved, &what("there already, under a tag that moves"), 201, put("moving", &manifest)).await;
        bench.costs(&there, &what("there already, by digest"), 201, put(&digest, &manifest)).await;
    }
    let large = [small, vec![b' '; 40_000]].concat();
    bench
        .costs("manifest-put-over-32-kb", "Manifest PUT, over 32 KB, under a new tag", 201, put("large", &large))
        .await;
    bench.stop().await
}

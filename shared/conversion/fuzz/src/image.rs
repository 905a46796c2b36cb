//! Conversion of images.

use conversion::{Converted, Manifest, Target};
use protocol::{Descriptor, MediaType};
use serde_json::Value;

use super::assembled::{self, Image};
use super::made;
use super::parsed;
use super::pieces::Pieces;

/// A manifest, a NUL and a config, as they are. Neither has a NUL when it is JSON.
pub fn convert(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (manifest, config) = bytes.split_at(end);
    every_way(manifest, config.get(1..));
}

/// An image put together from pieces.
pub fn images(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let Image { manifest, config } = assembled::image(&mut pieces);
    every_way(manifest.as_bytes(), Some(config.as_bytes()).filter(|_| !pieces.one_in(16)));
}

/// Reads a manifest as every type of image that it may be, and converts it to every other one.
fn every_way(bytes: &[u8], config: Option<&[u8]>) {
    for media_type in MediaType::KNOWN.iter().filter(|media_type| media_type.is_image()) {
        // What stands in storage: a signature that holds isn't found by chance.
        let Ok(source) = Manifest::stored(bytes.to_vec(), media_type) else { continue };
        if source.media_type() == media_type {
            parsed::check(&source, bytes);
            from(&source, config);
        }
    }
}

fn from(source: &Manifest, config: Option<&[u8]>) {
    let schema1 = made::convert(source, Target::DockerSchema1, config);
    let schema2 = made::convert(source, Target::DockerSchema2, config);
    let oci = made::convert(source, Target::OciManifest, config);
    for made in [&schema2, &oci].into_iter().flatten() {
        match source.media_type().is_schema1() {
            true => upgraded(source, made),
            false => same_content(source, &made.manifest),
        }
        there_and_back(&made.manifest);
    }
    if let (MediaType::OciManifest, Ok(schema1), Ok(schema2)) = (source.media_type(), &schema1, &schema2) {
        let by_schema2 = made::convert(&schema2.manifest, Target::DockerSchema1, config).map(|made| made.manifest);
        assert_eq!(by_schema2.expect("OCI went to schema 1 by this way").bytes(), schema1.manifest.bytes());
    }
}

/// Schema 2 and OCI describe the same content.
fn same_content(one: &Manifest, other: &Manifest) {
    let content = |descriptor: &Descriptor| {
        let Descriptor { media_type, digest, size, urls, .. } = descriptor;
        (digest.clone(), *size, urls.clone(), media_type.layer_compression(), media_type.is_foreign_layer())
    };
    let contents = |manifest: &Manifest| manifest.layers().iter().map(content).collect::<Vec<_>>();
    assert_eq!(contents(one), contents(other));
    assert_eq!(one.config().map(content), other.config().map(content));
}

/// What schema 2 or OCI lose on the way to the other one and back, they lose once.
fn there_and_back(source: &Manifest) {
    let (there, back) = match source.media_type() {
        MediaType::DockerSchema2 => (Target::OciManifest, Target::DockerSchema2),
        _ => (Target::DockerSchema2, Target::OciManifest),
    };
    let way = |source: &Manifest| {
        let there = made::convert(source, there, None)?;
        made::convert(&there.manifest, back, None).map(|made| made.manifest)
    };
    if let Ok(once) = way(source) {
        same_content(source, &once);
        let twice = way(&once).expect("what went there and back can do it again");
        assert_eq!(once.bytes(), twice.bytes());
    }
}

/// The config that came along fits the layers, and going back to schema 1 keeps them.
fn upgraded(schema1: &Manifest, made: &Converted) {
    let Converted { manifest, blobs } = made;
    let config: Value = serde_json::from_slice(&blobs[0].bytes).expect("a config");
    let known = manifest.layers().iter().map(|layer| made::content(&layer.digest).expect("it was known"));
    let diff_ids: Value = known.map(|content| content.diff_id.to_string()).collect();
    assert_eq!(config["rootfs"]["diff_ids"], diff_ids);
    let layers = schema1.schema1_layers().expect("it was upgraded");
    assert!(layers.iter().all(|layer| manifest.required().blobs.contains(layer)));
    if let Ok(down) = made::convert(manifest, Target::DockerSchema1, Some(&blobs[0].bytes)) {
        let up = made::convert(&down.manifest, Target::DockerSchema2, None).expect("it is as it was made here");
        assert_eq!(
            manifest.layers().iter().map(|layer| &layer.digest).collect::<Vec<_>>(),
            up.manifest.layers().iter().map(|layer| &layer.digest).collect::<Vec<_>>()
        );
    }
}

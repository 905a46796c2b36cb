//! Conversions by themselves: reading the stored manifest, converting it, computing the digest of the result.

use std::collections::BTreeMap;
use std::hint::black_box;

use conversion::{
    ChildFormat, ImageInputs, LayerContent, Manifest, Replacement, Target, children_to_convert, convert_image,
    convert_index,
};
use lambda_registry_tests::measure::Case;
use protocol::{Compression, Digest, MediaType, RepositoryName, Tag};
use serde_json::json;

use crate::image::Image;

/// Every conversion that is measured.
pub(crate) fn cases() -> Vec<Case> {
    let images = [10, 127].into_iter().flat_map(images);
    let lists = [
        (MediaType::DockerManifestList, Target::OciIndex(ChildFormat::OciManifest)),
        (MediaType::OciIndex, Target::DockerManifestList(ChildFormat::DockerSchema2)),
    ];
    images.chain(lists.into_iter().map(|(from, to)| list(&from, to))).collect()
}

/// Every conversion of an image with this many layers.
fn images(layers: usize) -> impl Iterator<Item = Case> {
    let Image { manifest, config, .. } = Image::new(layers);
    let schema2 = Manifest::parse(manifest, None).expect("a manifest");
    let contents = contents(&schema2);
    let convert = move |source: &Manifest, target| converted(source, target, &config, &contents);
    let oci = convert(&schema2, Target::OciManifest);
    let schema1 = convert(&schema2, Target::DockerSchema1);
    [
        (&schema2, Target::OciManifest),
        (&oci, Target::DockerSchema2),
        (&schema2, Target::DockerSchema1),
        (&oci, Target::DockerSchema1),
        (&schema1, Target::DockerSchema2),
        (&schema1, Target::OciManifest),
    ]
    .map(|(source, target)| {
        let name = format!("{} to {}, {layers} layers", format(source.media_type()), format(&target.media_type()));
        let (source, convert) = (source.clone(), convert.clone());
        let run = move || {
            let read = Manifest::stored(source.bytes().to_vec(), source.media_type()).expect("a manifest");
            black_box(convert(&read, target).digest());
        };
        Case::new(name, run)
    })
    .into_iter()
}

fn converted(source: &Manifest, target: Target, config: &[u8], layers: &BTreeMap<Digest, LayerContent>) -> Manifest {
    let (name, tag): (RepositoryName, Tag) = ("team/app".parse().expect("a name"), "1".parse().expect("a tag"));
    let inputs = ImageInputs { config: Some(config), layers, name: &name, tag: Some(&tag) };
    convert_image(source, &target, &inputs).expect("an image that every format can express").manifest
}

/// What is in the layers of an image.
fn contents(image: &Manifest) -> BTreeMap<Digest, LayerContent> {
    let content = |layer: &protocol::Descriptor| {
        let diff_id = Digest::sha256(layer.digest.encoded().as_bytes());
        (layer.digest.clone(), LayerContent { size: layer.size, compression: Compression::Gzip, diff_id })
    };
    image.layers().iter().map(content).collect()
}

/// A list of ten children that all have to change; they have been converted before.
fn list(media_type: &MediaType, target: Target) -> Case {
    let image = match media_type {
        MediaType::DockerManifestList => MediaType::DockerSchema2,
        _ => MediaType::OciManifest,
    };
    let child = |number: u8| {
        json!({
            "mediaType": image.as_str(), "size": 1234, "digest": Digest::sha256(&[number]).to_string(),
            "platform": { "architecture": "arm64", "os": "linux", "variant": format!("v{number}") },
        })
    };
    let children: Vec<_> = (0..10).map(child).collect();
    let list = json!({ "schemaVersion": 2, "mediaType": media_type.as_str(), "manifests": children }).to_string();
    let media_type = media_type.clone();
    let name = format!("{} to {}, 10 children", format(&media_type), format(&target.media_type()));
    let run = move || {
        let list = Manifest::stored(list.clone().into_bytes(), &media_type).expect("a list");
        let replaced = children_to_convert(&list, &target).into_iter().map(|(child, to)| {
            let replacement = Replacement { media_type: to.media_type(), digest: child.digest.clone(), size: 1000 };
            (child.digest, Some(replacement))
        });
        let made = convert_index(&list, &target, &replaced.collect()).expect("a list that both families can express");
        black_box(made.manifest.digest());
    };
    Case::new(name, run)
}

fn format(media_type: &MediaType) -> &'static str {
    match media_type {
        MediaType::DockerSchema1 | MediaType::DockerSchema1Signed => "schema 1",
        MediaType::DockerSchema2 => "schema 2",
        MediaType::OciManifest => "OCI",
        MediaType::DockerManifestList => "manifest list",
        _ => "OCI index",
    }
}

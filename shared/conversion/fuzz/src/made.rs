//! What holds for everything that a conversion made.

use std::collections::{BTreeMap, BTreeSet};

use conversion::{Converted, ImageInputs, LayerContent, Manifest, Refusal, Target, convert_image};
use protocol::{Compression, Digest};

use super::parsed;

/// Converts an image as for `library/httpd:latest`, twice, and checks what came out.
pub(crate) fn convert(source: &Manifest, target: Target, config: Option<&[u8]>) -> Result<Converted, Refusal> {
    let (name, tag) = ("library/httpd".parse().expect("a name"), "latest".parse().expect("a tag"));
    let layers = source.schema1_layers().unwrap_or_default().into_iter();
    let layers: BTreeMap<_, _> = layers.filter_map(|layer| Some((layer.clone(), content(&layer)?))).collect();
    let inputs = ImageInputs { config, layers: &layers, name: &name, tag: Some(&tag) };
    let made = once_as_twice(|| convert_image(source, &target, &inputs))?;
    let required = source.required();
    check(&made, target, &required.blobs, &required.manifests);
    Ok(made)
}

/// What is in a layer of schema 1, made up from its digest: mostly gzip, and nothing is known about some.
pub(crate) fn content(layer: &Digest) -> Option<LayerContent> {
    let compression = match layer.encoded().bytes().last()? {
        b'5' => return None,
        b'6' => Compression::Zstd,
        b'7' => Compression::None,
        _ => Compression::Gzip,
    };
    Some(LayerContent { size: 7, compression, diff_id: Digest::sha256(layer.encoded().as_bytes()) })
}

/// The outcome, provided that a second time it is the same.
pub(crate) fn once_as_twice(convert: impl Fn() -> Result<Converted, Refusal>) -> Result<Converted, Refusal> {
    let view = |made: &Result<Converted, Refusal>| match made {
        Ok(made) => Ok((made.manifest.bytes().to_vec(), made.blobs.clone())),
        Err(refusal) => Err(refusal.clone()),
    };
    let (made, again) = (convert(), convert());
    assert_eq!(view(&made), view(&again), "a conversion depends on its input alone");
    made
}

/// The result is what was asked for, could be pushed as it is, and refers to nothing but what is there: these blobs and
/// manifests, and what comes along.
pub(crate) fn check(made: &Converted, target: Target, blobs: &[Digest], manifests: &[Digest]) {
    let Converted { manifest, blobs: brought } = made;
    assert_eq!(*manifest.media_type(), target.media_type());
    parsed::check(manifest, manifest.bytes());
    let pushed = Manifest::parse(manifest.bytes().to_vec(), Some(target.media_type().as_str()));
    let pushed = pushed.expect("the result can be pushed, and its signature holds");
    assert!(parsed::is_same(manifest, &pushed), "{manifest:?}");

    for blob in brought {
        assert!(blob.digest.matches(&blob.bytes), "{}", blob.digest);
    }
    let required = manifest.required();
    let there: BTreeSet<_> = blobs.iter().chain(brought.iter().map(|blob| &blob.digest)).collect();
    assert!(required.blobs.iter().all(|blob| there.contains(blob)), "{manifest:?}");
    assert!(required.manifests.iter().all(|child| manifests.contains(child)), "{manifest:?}");
    assert!(brought.iter().all(|blob| required.blobs.contains(&blob.digest)), "{manifest:?}");
}

//! regctl: whole blobs and pieces, artifacts, copies by mounting, deletes.

use lambda_registry_tests::clients::Regctl;
use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::images::samples::{GREETING, greeting, mixed_compression, noise, plain, two_platforms};
use lambda_registry_tests::images::{Compression, Image, Layer, Layout};
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;
use lambda_registry_tests::{in_every_mode, in_mode};

use crate::mounted::expect_mounts_only;

in_every_mode![
    regctl_pulls_its_own_push,
    regctl_copies_an_image_with_what_is_attached_without_uploading_a_blob,
    regctl_deletes_a_tag_then_the_manifest_then_a_blob,
    regctl_pushes_large_layers_in_pieces_as_it_is_told,
];
in_mode!(refused_whole, WithoutFront, regctl_pushes_in_pieces_what_the_gateway_refuses_whole);

fn regctl_pulls_its_own_push(registry: &Registry) {
    let regctl = Regctl::new(registry);
    for (tag, layout) in
        [("image", Layout::of_image(&mixed_compression())), ("index", Layout::of_index(&two_platforms()))]
    {
        let image = registry.image(&format!("regctl/own:{tag}"));

        regctl.push(&layout, &image);

        assert_eq!(registry.manifest("regctl/own", tag).digest, layout.digest);
        assert_eq!(regctl.pull(&image).manifest, layout.manifest);
    }
    let pulled = regctl.pull(&registry.image("regctl/own:index"));
    for architecture in ["amd64", "arm64"] {
        assert_eq!(pulled.platform(architecture).file(GREETING), greeting(architecture).as_bytes());
    }
    assert_eq!(regctl.tags(&registry.image("regctl/own")), ["image", "index"]);
}

fn regctl_copies_an_image_with_what_is_attached_without_uploading_a_blob(registry: &Registry) {
    let regctl = Regctl::new(registry);
    let layout = Layout::of_image(&plain("amd64"));
    let (original, copy) = (registry.image("regctl/original:1"), registry.image("regctl/a/deeper/copy:2"));
    regctl.push(&layout, &original);
    regctl.attach(&original, "application/vnd.example.signature", b"signed");
    regctl.attach(&original, "application/vnd.example.sbom", b"{}");
    let signature = ["--filter-artifact-type", "application/vnd.example.signature"];
    assert_eq!(regctl.attached(&original, &[]).len(), 2);
    let attached = regctl.attached(&original, &signature);
    assert_eq!(attached.len(), 1);

    regctl.copy(&original, &copy, &["--referrers"]);

    expect_mounts_only(registry, "regctl/a/deeper/copy");
    assert_eq!(registry.manifest("regctl/a/deeper/copy", "2").digest, layout.digest);
    assert_eq!(regctl.attached(&copy, &[]).len(), 2);
    assert_eq!(regctl.attached(&copy, &signature), attached);
    let copied = registry.image(&format!("regctl/a/deeper/copy@{}", attached[0]));
    assert_eq!(regctl.artifact(&copied), b"signed");
    assert_eq!(regctl.catalog(registry.address()), ["regctl/a/deeper/copy", "regctl/original"]);
}

fn regctl_deletes_a_tag_then_the_manifest_then_a_blob(registry: &Registry) {
    let regctl = Regctl::new(registry);
    let layout = Layout::of_image(&plain("amd64"));
    let (name, repository) = (registry.image("regctl/deleted"), Repository::new(registry, "regctl/deleted"));
    regctl.push(&layout, &format!("{name}:1"));
    regctl.copy(&format!("{name}:1"), &format!("{name}:2"), &[]);
    let layer = regctl.pull(&format!("{name}:1")).layers()[0].clone();

    regctl.delete_tag(&format!("{name}:1"));
    assert_eq!(regctl.tags(&name), ["2"]);

    regctl.delete_manifest(&format!("{name}@{}", layout.digest));
    assert!(regctl.tags(&name).is_empty());

    assert!(repository.has_blob(&layer));
    regctl.delete_blob(&name, &layer);
    assert!(!repository.has_blob(&layer));
}

/// What one request may carry without the front is about 4.4 MB.
fn regctl_pushes_large_layers_in_pieces_as_it_is_told(registry: &Registry) {
    const PIECE: usize = 4_000_000;
    let (layout, layer) = large_layer();
    let (image, pieces) = (registry.image("regctl/pieces:1"), layer.bytes.len().div_ceil(PIECE));

    Regctl::in_pieces_of(registry, PIECE).push(&layout, &image);

    assert_eq!(pieces_sent(registry), pieces);
    let pulled = Regctl::new(registry).pull(&image);
    assert_eq!(pulled.digest(), layout.digest);
    assert_eq!(sha256(&pulled.blob(&layer.digest)), layer.digest);
}

/// Nobody told it: it tries one PUT, is answered 413, and falls back to pieces of 1 MiB.
fn regctl_pushes_in_pieces_what_the_gateway_refuses_whole(registry: &Registry) {
    let (layout, layer) = large_layer();
    let image = registry.image("regctl/pieces:1");

    Regctl::new(registry).push(&layout, &image);

    assert_eq!(pieces_sent(registry), layer.bytes.len().div_ceil(1 << 20));
    assert_eq!(Regctl::new(registry).pull(&image).blob(&layer.digest), layer.bytes);
}

/// An image with one layer of 21 MB.
fn large_layer() -> (Layout, Layer) {
    let layer = Layer::new(Compression::None, &[("data/large", &noise(21_000_000, 21))]);
    (Layout::of_image(&Image::new("amd64").layer(layer.clone())), layer)
}

fn pieces_sent(registry: &Registry) -> usize {
    registry.log().matches("PATCH /v2/regctl/pieces/blobs/uploads/").count()
}

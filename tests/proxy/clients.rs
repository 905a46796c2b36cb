//! Real clients, which know nothing of a proxy.

use lambda_registry_tests::clients::{Podman, Skopeo};
use lambda_registry_tests::images::samples::{GREETING, greeting, noise, plain, two_platforms};
use lambda_registry_tests::images::{Compression, Image, Layer, Layout};

use crate::setup::Setup;

#[test]
fn podman_pushes_an_image_with_a_layer_of_80_mb() {
    let setup = Setup::start();
    let image = Image::new("amd64")
        .layer(Layer::new(Compression::None, &[("data/large", &noise(80_000_000, 80))]))
        .layer(Layer::new(Compression::Gzip, &[(GREETING, greeting("amd64").as_bytes())]));
    let podman = Podman::new(&setup.proxy);
    let name = setup.proxy.image("large/app:1");
    podman.load(&Layout::of_image(&image), &name);

    let pushed = podman.push(&name, &name, &[]);

    assert_eq!(setup.registry.manifest("large/app", "1").digest, pushed);
    // Each digest is verified.
    let pulled = Skopeo::new(&setup.registry).pull(&setup.registry.image("large/app:1"), &[]);
    let sizes: Vec<_> = pulled.layers().iter().map(|layer| pulled.blob(layer).len()).collect();
    assert!(sizes.len() == 2 && sizes[0] > 80_000_000, "{sizes:?}");
    assert_eq!(pulled.file(GREETING), greeting("amd64").as_bytes());
    assert!(pulled.file("data/large") == noise(80_000_000, 80));
    setup.recorder.expect_what_a_gateway_takes();
    assert_eq!(setup.proxy.log().matches(" bytes sent to the bucket in ").count(), 1, "one layer is large");
    // The second push finds all of it.
    let before = setup.recorder.seen().len();
    assert_eq!(podman.push(&name, &name, &[]), pushed);
    let again = setup.recorder.seen();
    assert!(!again[before..].iter().any(|seen| seen.what.starts_with("POST")), "{again:?}");
}

#[test]
fn skopeo_pushes_and_pulls_images_and_lists_unchanged() {
    let setup = Setup::start();
    let skopeo = Skopeo::new(&setup.proxy);
    for (tag, layout) in [("image", Layout::of_image(&plain("amd64"))), ("list", Layout::of_index(&two_platforms()))] {
        let flags = ["--preserve-digests", "--all"];
        let image = setup.proxy.image(&format!("app:{tag}"));

        assert_eq!(skopeo.push(&layout, &image, &flags), layout.digest);

        assert_eq!(setup.registry.manifest("app", tag).digest, layout.digest);
        assert_eq!(skopeo.pull(&image, &flags).manifest, layout.manifest);
    }
    setup.recorder.expect_what_a_gateway_takes();
}

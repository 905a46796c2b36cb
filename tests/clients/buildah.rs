//! buildah: builds on what it pulls.

use lambda_registry_tests::clients::{Buildah, Skopeo};
use lambda_registry_tests::images::Layout;
use lambda_registry_tests::images::samples::{GREETING, greeting, plain, real_file};
use lambda_registry_tests::in_every_mode;
use lambda_registry_tests::registry::Registry;

in_every_mode![buildah_pulls_its_own_push_into_an_empty_storage, buildah_adds_a_layer_to_an_image_from_the_registry,];

fn buildah_pulls_its_own_push_into_an_empty_storage(registry: &Registry) {
    let shell = real_file("/bin/bash");
    for (format, media_type) in [
        ("oci", "application/vnd.oci.image.manifest.v1+json"),
        ("v2s2", "application/vnd.docker.distribution.manifest.v2+json"),
    ] {
        let image = registry.image(&format!("buildah/own:{format}"));
        let buildah = Buildah::new(registry);
        buildah.build("scratch", ("/bin/bash", &shell), &image);

        let pushed = buildah.push(&image, &["--format", format]);

        let stored = registry.manifest("buildah/own", format);
        assert_eq!(stored.digest, pushed);
        assert_eq!(stored.media_type, media_type);
        let other = Buildah::new(registry);
        other.pull(&image);
        assert_eq!(other.digest(&image), pushed);
        assert_eq!(other.file(&image, "bin/bash"), shell);
    }
}

fn buildah_adds_a_layer_to_an_image_from_the_registry(registry: &Registry) {
    let base = registry.image("buildah/base:1");
    Skopeo::new(registry).push(&Layout::of_image(&plain("amd64")), &base, &[]);
    let image = registry.image("buildah/derived:1");
    let buildah = Buildah::new(registry);
    buildah.build(&base, ("/etc/added", b"one layer more\n"), &image);

    let pushed = buildah.push(&image, &[]);

    assert_eq!(registry.manifest("buildah/derived", "1").digest, pushed);
    let pulled = Skopeo::new(registry).pull(&image, &[]);
    assert_eq!(pulled.digest(), pushed);
    assert_eq!(pulled.layers().len(), 4);
    assert_eq!(pulled.file("etc/added"), b"one layer more\n");
    assert_eq!(pulled.file(GREETING), greeting("amd64").as_bytes());
}

//! podman: pulls what others pushed, and pushes what it packed itself.

use lambda_registry_tests::clients::{Podman, Skopeo};
use lambda_registry_tests::images::samples::{GREETING, greeting, mixed_compression, plain, two_platforms};
use lambda_registry_tests::images::{Image, Layout};
use lambda_registry_tests::in_every_mode;
use lambda_registry_tests::registry::Registry;

in_every_mode![
    podman_pulls_what_skopeo_pushed_with_the_same_digest,
    podman_pulls_its_own_push_into_an_empty_storage,
    podman_pushes_a_list_and_pulls_either_platform,
];

fn podman_pulls_what_skopeo_pushed_with_the_same_digest(registry: &Registry) {
    let pushes: [(&str, Image, &[&str]); 3] = [
        ("oci", mixed_compression(), &["--preserve-digests"]),
        ("schema2", plain("amd64"), &["--format", "v2s2"]),
        ("schema1", plain("amd64"), &["--format", "v2s1"]),
    ];
    for (tag, sample, flags) in pushes {
        let image = registry.image(&format!("podman/pulls:{tag}"));
        let pushed = Skopeo::new(registry).push(&Layout::of_image(&sample), &image, flags);
        let podman = Podman::new(registry);

        podman.pull(&image, &[]);

        assert_eq!(podman.digest(&image), pushed, "{tag}");
        assert_eq!(podman.file(&image, GREETING), greeting("amd64").as_bytes(), "{tag}");
    }
}

fn podman_pulls_its_own_push_into_an_empty_storage(registry: &Registry) {
    let podman = Podman::new(registry);
    let local = registry.image("podman/own:local");
    podman.load(&Layout::of_image(&plain("amd64")), &local);

    for (format, media_type) in [
        ("oci", "application/vnd.oci.image.manifest.v1+json"),
        ("v2s2", "application/vnd.docker.distribution.manifest.v2+json"),
    ] {
        let image = registry.image(&format!("podman/own:{format}"));
        let pushed = podman.push(&local, &image, &["--format", format]);

        let stored = registry.manifest("podman/own", format);
        assert_eq!(stored.digest, pushed);
        assert_eq!(stored.media_type, media_type);
        let other = Podman::new(registry);
        other.pull(&image, &[]);
        assert_eq!(other.digest(&image), pushed);
        assert_eq!(other.id(&image), podman.id(&local));
        assert_eq!(other.file(&image, GREETING), greeting("amd64").as_bytes());
    }
}

fn podman_pushes_a_list_and_pulls_either_platform(registry: &Registry) {
    let skopeo = Skopeo::new(registry);
    let images = ["amd64", "arm64"].map(|architecture| registry.image(&format!("podman/list:{architecture}")));
    for (image, sample) in images.iter().zip(two_platforms()) {
        skopeo.push(&Layout::of_image(&sample), image, &[]);
    }
    let podman = Podman::new(registry);
    for (format, media_type) in [
        ("oci", "application/vnd.oci.image.index.v1+json"),
        ("v2s2", "application/vnd.docker.distribution.manifest.list.v2+json"),
    ] {
        let list = registry.image(&format!("podman/list:{format}"));

        let pushed = podman.push_list(&list, &images, &["--format", format]);

        let stored = registry.manifest("podman/list", format);
        assert_eq!(stored.digest, pushed);
        assert_eq!(stored.media_type, media_type);
        for architecture in ["amd64", "arm64"] {
            let other = Podman::new(registry);
            other.pull(&list, &["--arch", architecture]);
            assert_eq!(other.file(&list, GREETING), greeting(architecture).as_bytes());
        }
    }
}

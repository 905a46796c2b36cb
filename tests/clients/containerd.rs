//! containerd: one PUT for each blob, HEAD by tag and GET by the digest that it answered.

use lambda_registry_tests::clients::{Containerd, Skopeo};
use lambda_registry_tests::images::Layout;
use lambda_registry_tests::images::samples::{GREETING, greeting, mixed_compression, plain, real_file, two_platforms};
use lambda_registry_tests::in_every_mode;
use lambda_registry_tests::registry::Registry;

in_every_mode![
    containerd_pulls_what_skopeo_pushed_with_the_same_digest,
    containerd_pulls_its_own_push_into_an_empty_store,
    containerd_pushes_an_index_and_pulls_either_platform,
    containerd_pushes_and_fetches_an_artifact,
];

fn containerd_pulls_what_skopeo_pushed_with_the_same_digest(registry: &Registry) {
    let containerd = Containerd::start(registry);
    let skopeo = Skopeo::new(registry);
    let pushes: [(&str, Layout, &[&str]); 2] = [
        ("oci", Layout::of_image(&mixed_compression()), &["--preserve-digests"]),
        ("schema2", Layout::of_image(&plain("amd64")), &["--format", "v2s2"]),
    ];
    for (tag, layout, flags) in pushes {
        let image = registry.image(&format!("containerd/pulls:{tag}"));
        let pushed = skopeo.push(&layout, &image, flags);

        containerd.pull(&image, &[]);

        assert_eq!(containerd.digest(&image), pushed, "{tag}");
        assert_eq!(containerd.file(&image, GREETING, &[]), greeting("amd64").as_bytes(), "{tag}");
    }
}

fn containerd_pulls_its_own_push_into_an_empty_store(registry: &Registry) {
    let layout = Layout::of_image(&mixed_compression());
    let image = {
        let containerd = Containerd::start(registry);
        let image = containerd.import(&layout, &registry.image("containerd/own"));
        containerd.push(&image, &[]);
        image
    };
    assert_eq!(registry.manifest("containerd/own", Layout::TAG).digest, layout.digest);

    let other = Containerd::start(registry);
    other.pull(&image, &[]);

    assert_eq!(other.digest(&image), layout.digest);
    assert_eq!(other.file(&image, GREETING, &[]), greeting("amd64").as_bytes());
}

fn containerd_pushes_an_index_and_pulls_either_platform(registry: &Registry) {
    let layout = Layout::of_index(&two_platforms());
    let image = {
        let containerd = Containerd::start(registry);
        let image = containerd.import(&layout, &registry.image("containerd/index"));
        containerd.push(&image, &[]);
        image
    };
    assert_eq!(registry.manifest("containerd/index", Layout::TAG).digest, layout.digest);

    let other = Containerd::start(registry);
    for architecture in ["amd64", "arm64"] {
        let platform = format!("linux/{architecture}");
        other.pull(&image, &["--platform", &platform]);
        assert_eq!(other.digest(&image), layout.digest);
        let content = other.file(&image, GREETING, &["--platform", &platform]);
        assert_eq!(content, greeting(architecture).as_bytes());
    }
}

fn containerd_pushes_and_fetches_an_artifact(registry: &Registry) {
    let licence = real_file("/usr/share/common-licenses/Apache-2.0");
    let layout = Layout::of_artifact("application/vnd.example.licence", "text/plain", &licence);
    let image = {
        let containerd = Containerd::start(registry);
        let image = containerd.import(&layout, &registry.image("containerd/artifact"));
        containerd.push(&image, &[]);
        image
    };
    assert_eq!(registry.manifest("containerd/artifact", Layout::TAG).body, layout.manifest);

    let other = Containerd::start(registry);
    other.fetch(&image);

    assert_eq!(other.digest(&image), layout.digest);
    assert_eq!(other.content(&lambda_registry_tests::digest::sha256(&licence)), licence);
}

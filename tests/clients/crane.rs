//! crane: streamed uploads, copies by mounting, listings, deletes.

use lambda_registry_tests::clients::{Crane, Skopeo};
use lambda_registry_tests::images::Layout;
use lambda_registry_tests::images::samples::{GREETING, greeting, mixed_compression, plain, real_file, two_platforms};
use lambda_registry_tests::in_every_mode;
use lambda_registry_tests::registry::Registry;

use crate::mounted::expect_mounts_only;

in_every_mode![
    crane_pulls_its_own_push,
    crane_pulls_what_skopeo_pushed_with_the_same_digest,
    crane_copies_an_index_without_uploading_a_blob,
    crane_deletes_a_tag_and_then_the_manifest,
];

fn crane_pulls_its_own_push(registry: &Registry) {
    let crane = Crane::new(registry);
    let licence = real_file("/usr/share/common-licenses/Apache-2.0");
    for (tag, layout) in [
        ("image", Layout::of_image(&mixed_compression())),
        ("index", Layout::of_index(&two_platforms())),
        ("artifact", Layout::of_artifact("application/vnd.example.licence", "text/plain", &licence)),
    ] {
        let image = registry.image(&format!("crane/own:{tag}"));

        assert_eq!(crane.push(&layout, &image), layout.digest);

        assert_eq!(registry.manifest("crane/own", tag).digest, layout.digest);
        assert_eq!(crane.digest(&image), layout.digest);
        assert_eq!(crane.pull(&image).manifest, layout.manifest);
    }
    assert_eq!(crane.tags(&registry.image("crane/own")), ["artifact", "image", "index"]);
    assert_eq!(crane.file(&registry.image("crane/own:image"), GREETING), greeting("amd64").as_bytes());
}

fn crane_pulls_what_skopeo_pushed_with_the_same_digest(registry: &Registry) {
    let image = registry.image("crane/pulls:schema2");
    let pushed = Skopeo::new(registry).push(&Layout::of_image(&plain("amd64")), &image, &["--format", "v2s2"]);

    let pulled = Crane::new(registry).pull(&image);

    assert_eq!(pulled.digest(), pushed);
    assert_eq!(pulled.file(GREETING), greeting("amd64").as_bytes());
}

fn crane_copies_an_index_without_uploading_a_blob(registry: &Registry) {
    let crane = Crane::new(registry);
    let layout = Layout::of_index(&two_platforms());
    let (original, copy) = (registry.image("crane/original:1"), registry.image("crane/a/deeper/copy:2"));
    crane.push(&layout, &original);

    crane.copy(&original, &copy);

    expect_mounts_only(registry, "crane/a/deeper/copy");
    let pulled = crane.pull(&copy);
    assert_eq!(pulled.digest(), layout.digest);
    for architecture in ["amd64", "arm64"] {
        assert_eq!(pulled.platform(architecture).file(GREETING), greeting(architecture).as_bytes());
    }
    assert_eq!(crane.catalog(registry.address()), ["crane/a/deeper/copy", "crane/original"]);
}

fn crane_deletes_a_tag_and_then_the_manifest(registry: &Registry) {
    let crane = Crane::new(registry);
    let layout = Layout::of_image(&plain("amd64"));
    let repository = registry.image("crane/deleted");
    crane.push(&layout, &format!("{repository}:1"));
    crane.tag(&format!("{repository}:1"), "2");
    crane.tag(&format!("{repository}:1"), "3");

    crane.delete(&format!("{repository}:2"));
    assert_eq!(crane.tags(&repository), ["1", "3"]);
    assert_eq!(crane.digest(&format!("{repository}:3")), layout.digest);

    crane.delete(&format!("{repository}@{}", layout.digest));
    assert!(crane.tags(&repository).is_empty());
}

//! Every form that the registry converts an image into, read by clients that didn't push it.
//!
//! containers/image takes every format by tag, so it gets a conversion by the digest that others were given.

use lambda_registry_tests::clients::{Containerd, Podman, Skopeo};
use lambda_registry_tests::images::samples::{GREETING, greeting, plain, two_platforms};
use lambda_registry_tests::images::{Layout, Pulled};
use lambda_registry_tests::in_every_mode;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;

in_every_mode![
    a_schema1_image_comes_back_as_schema2_and_oci_with_the_diff_ids_of_the_original,
    containerd_pulls_a_schema1_image_by_tag_as_something_newer,
    every_image_in_every_other_format_is_read_by_all,
    every_list_in_the_other_format_is_read_by_all,
];

const SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";
const SCHEMA2: &str = "application/vnd.docker.distribution.manifest.v2+json";
const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
const LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// An image as a client of this one type is given it, by digest.
#[track_caller]
fn converted(registry: &Registry, repository: &str, tag: &str, accept: &[&str], media_type: &str) -> (String, String) {
    let answer = Repository::new(registry, repository).pull_converted(tag, accept).expect(200);
    assert_eq!(answer.expect_header("content-type"), media_type);
    let digest = answer.expect_header("docker-content-digest").to_owned();
    (registry.image(&format!("{repository}@{digest}")), digest)
}

fn a_schema1_image_comes_back_as_schema2_and_oci_with_the_diff_ids_of_the_original(registry: &Registry) {
    let skopeo = Skopeo::new(registry);
    let layout = Layout::of_image(&plain("amd64"));
    let original = skopeo.inspect_config(&format!("oci:{}", layout.path().display()));
    skopeo.push(&layout, &registry.image("upgraded:1"), &["--format", "v2s1"]);

    for media_type in [SCHEMA2, OCI] {
        let (image, digest) = converted(registry, "upgraded", "1", &[media_type], media_type);

        let config = skopeo.inspect_config(&format!("docker://{image}"));
        assert_eq!(config["rootfs"], original["rootfs"]);
        assert_eq!(config["config"], original["config"]);
        assert_eq!(
            (&config["architecture"], &config["os"], &config["created"]),
            (&original["architecture"], &original["os"], &original["created"])
        );
        assert_eq!(config["history"].as_array().map(Vec::len), original["history"].as_array().map(Vec::len));
        let pulled = skopeo.pull(&image, &[]);
        assert_eq!(pulled.digest(), digest);
        assert_eq!(pulled.layers().len(), 3);
        assert_eq!(pulled.file(GREETING), greeting("amd64").as_bytes());
    }
}

/// It names schema 2 and OCI and takes anything, but has forgotten how to read schema 1 (containerd 2.1 and newer).
fn containerd_pulls_a_schema1_image_by_tag_as_something_newer(registry: &Registry) {
    let image = registry.image("forgotten:1");
    Skopeo::new(registry).push(&Layout::of_image(&plain("amd64")), &image, &["--format", "v2s1"]);
    let accept = format!("{SCHEMA2}, {LIST}, {OCI}, {INDEX}, */*");
    let (_, digest) = converted(registry, "forgotten", "1", &[&accept], SCHEMA2);
    let containerd = Containerd::start(registry);

    containerd.pull(&image, &[]);

    assert_eq!(containerd.digest(&image), digest);
    assert_eq!(containerd.file(&image, GREETING, &[]), greeting("amd64").as_bytes());
}

fn every_image_in_every_other_format_is_read_by_all(registry: &Registry) {
    let skopeo = Skopeo::new(registry);
    let containerd = Containerd::start(registry);
    let layout = Layout::of_image(&plain("amd64"));
    let stored = [("v2s1", SCHEMA1), ("v2s2", SCHEMA2), ("oci", OCI)];
    for (format, stored_as) in stored {
        let repository = format!("image/{format}");
        skopeo.push(&layout, &registry.image(&format!("{repository}:1")), &["--format", format]);
        for (_, media_type) in stored.iter().filter(|(_, media_type)| *media_type != stored_as) {
            println!("{stored_as} as {media_type}");
            let (image, digest) = converted(registry, &repository, "1", &[media_type], media_type);

            let pulled = skopeo.pull(&image, &[]);
            assert_eq!(skopeo.manifest_digest(&pulled.manifest), digest);
            assert_eq!(pulled.file(GREETING), greeting("amd64").as_bytes());
            let podman = Podman::new(registry);
            podman.pull(&image, &[]);
            assert_eq!(podman.digest(&image), digest);
            assert_eq!(podman.file(&image, GREETING), greeting("amd64").as_bytes());
            containerd.pull(&image, &[]);
            // It makes something of its own of schema 1.
            if *media_type != SCHEMA1 {
                assert_eq!(containerd.digest(&image), digest);
            }
            assert_eq!(containerd.file(&image, GREETING, &[]), greeting("amd64").as_bytes());
        }
    }
}

fn every_list_in_the_other_format_is_read_by_all(registry: &Registry) {
    let skopeo = Skopeo::new(registry);
    let containerd = Containerd::start(registry);
    let layout = Layout::of_index(&two_platforms());
    for (format, wanted, image_type) in [("v2s2", INDEX, OCI), ("oci", LIST, SCHEMA2)] {
        let repository = format!("list/{format}");
        skopeo.push(&layout, &registry.image(&format!("{repository}:1")), &["--all", "--format", format]);

        let (image, digest) = converted(registry, &repository, "1", &[wanted, image_type], wanted);

        let pulled: Pulled = skopeo.pull(&image, &["--all"]);
        assert_eq!(pulled.digest(), digest);
        assert_eq!(pulled.json()["manifests"][1]["mediaType"], image_type);
        for architecture in ["amd64", "arm64"] {
            let content = greeting(architecture);
            assert_eq!(pulled.platform(architecture).file(GREETING), content.as_bytes());
            let podman = Podman::new(registry);
            podman.pull(&image, &["--arch", architecture]);
            assert_eq!(podman.file(&image, GREETING), content.as_bytes());
            let platform = ["--platform", &format!("linux/{architecture}")];
            containerd.pull(&image, &platform);
            assert_eq!(containerd.digest(&image), digest);
            assert_eq!(containerd.file(&image, GREETING, &platform), content.as_bytes());
        }
    }
}

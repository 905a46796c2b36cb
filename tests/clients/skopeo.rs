//! skopeo: every format, and what only manifests show.

use lambda_registry_tests::clients::Skopeo;
use lambda_registry_tests::images::samples::{GREETING, greeting, mixed_compression, plain, real_file, two_platforms};
use lambda_registry_tests::images::{Layout, Pulled};
use lambda_registry_tests::in_every_mode;
use lambda_registry_tests::registry::Registry;

in_every_mode![
    an_oci_image_of_gzip_zstd_and_plain_layers_comes_back_byte_for_byte,
    a_docker_schema2_image_comes_back_with_the_digest_of_the_push,
    a_docker_schema1_image_comes_back_with_the_digest_of_the_push,
    an_index_comes_back_with_both_platforms,
    a_docker_manifest_list_comes_back_with_both_platforms,
    an_artifact_comes_back_byte_for_byte,
    a_copy_into_another_repository_keeps_the_digest,
];

/// Layers stay as they are: without it, skopeo packs uncompressed layers on a push.
const AS_IT_IS: &[&str] = &["--all", "--preserve-digests"];

fn an_oci_image_of_gzip_zstd_and_plain_layers_comes_back_byte_for_byte(registry: &Registry) {
    let skopeo = Skopeo::new(registry);
    let layout = Layout::of_image(&mixed_compression());
    let image = registry.image("skopeo/oci:mixed");

    assert_eq!(skopeo.push(&layout, &image, AS_IT_IS), layout.digest);

    let stored = registry.manifest("skopeo/oci", "mixed");
    assert_eq!(stored.digest, layout.digest);
    assert_eq!(stored.media_type, "application/vnd.oci.image.manifest.v1+json");
    assert_eq!(skopeo.inspect_raw(&image), layout.manifest);
    let pulled = skopeo.pull(&image, AS_IT_IS);
    assert_eq!(pulled.manifest, layout.manifest);
    assert_eq!(pulled.file(GREETING), greeting("amd64").as_bytes());
    assert_eq!(pulled.file("bin/dash"), real_file("/bin/dash"));
}

fn a_docker_schema2_image_comes_back_with_the_digest_of_the_push(registry: &Registry) {
    let skopeo = Skopeo::new(registry);
    let image = registry.image("skopeo/schema2:1");

    let pushed = skopeo.push(&Layout::of_image(&plain("amd64")), &image, &["--format", "v2s2"]);

    let stored = registry.manifest("skopeo/schema2", "1");
    assert_eq!(stored.digest, pushed);
    assert_eq!(stored.media_type, "application/vnd.docker.distribution.manifest.v2+json");
    let pulled = skopeo.pull(&image, &[]);
    assert_eq!(pulled.digest(), pushed);
    assert_eq!(pulled.manifest, stored.body);
    assert_eq!(pulled.file(GREETING), greeting("amd64").as_bytes());
}

fn a_docker_schema1_image_comes_back_with_the_digest_of_the_push(registry: &Registry) {
    let skopeo = Skopeo::new(registry);
    let image = registry.image("skopeo/schema1:1");

    let pushed = skopeo.push(&Layout::of_image(&plain("amd64")), &image, &["--format", "v2s1"]);

    let stored = registry.schema1_manifest("skopeo/schema1", "1");
    assert_eq!(stored.digest, pushed);
    assert_eq!(skopeo.manifest_digest(&stored.body), pushed);
    let pulled = skopeo.pull(&image, &[]);
    assert_eq!(skopeo.manifest_digest(&pulled.manifest), pushed);
    // Three layers and three steps without one.
    assert_eq!(pulled.layers().len(), 6);
    assert_eq!(pulled.file(GREETING), greeting("amd64").as_bytes());
}

fn an_index_comes_back_with_both_platforms(registry: &Registry) {
    let skopeo = Skopeo::new(registry);
    let layout = Layout::of_index(&two_platforms());
    let image = registry.image("skopeo/index:1");

    assert_eq!(skopeo.push(&layout, &image, AS_IT_IS), layout.digest);

    let stored = registry.manifest("skopeo/index", "1");
    assert_eq!(stored.digest, layout.digest);
    assert_eq!(stored.media_type, "application/vnd.oci.image.index.v1+json");
    let pulled = skopeo.pull(&image, AS_IT_IS);
    assert_eq!(pulled.manifest, layout.manifest);
    assert_both_greetings(&pulled);
    let arm64 = skopeo.pull_for(&image, "arm64");
    assert_eq!(arm64.digest(), pulled.platform("arm64").digest());
}

fn a_docker_manifest_list_comes_back_with_both_platforms(registry: &Registry) {
    let skopeo = Skopeo::new(registry);
    let image = registry.image("skopeo/list:1");

    let pushed = skopeo.push(&Layout::of_index(&two_platforms()), &image, &["--all", "--format", "v2s2"]);

    let stored = registry.manifest("skopeo/list", "1");
    assert_eq!(stored.digest, pushed);
    assert_eq!(stored.media_type, "application/vnd.docker.distribution.manifest.list.v2+json");
    let pulled = skopeo.pull(&image, AS_IT_IS);
    assert_eq!(pulled.digest(), pushed);
    assert_both_greetings(&pulled);
}

#[track_caller]
fn assert_both_greetings(pulled: &Pulled) {
    for architecture in ["amd64", "arm64"] {
        assert_eq!(pulled.platform(architecture).file(GREETING), greeting(architecture).as_bytes());
    }
}

fn an_artifact_comes_back_byte_for_byte(registry: &Registry) {
    let skopeo = Skopeo::new(registry);
    let licence = real_file("/usr/share/common-licenses/Apache-2.0");
    let layout = Layout::of_artifact("application/vnd.example.licence", "text/plain", &licence);
    let image = registry.image("skopeo/artifact:1");

    assert_eq!(skopeo.push(&layout, &image, AS_IT_IS), layout.digest);

    assert_eq!(registry.manifest("skopeo/artifact", "1").digest, layout.digest);
    let pulled = skopeo.pull(&image, AS_IT_IS);
    assert_eq!(pulled.manifest, layout.manifest);
    assert_eq!(pulled.blob(&pulled.layers()[0]), licence);
}

fn a_copy_into_another_repository_keeps_the_digest(registry: &Registry) {
    let skopeo = Skopeo::new(registry);
    let layout = Layout::of_image(&mixed_compression());
    let (original, copy) = (registry.image("skopeo/original:1"), registry.image("skopeo/a/deeper/copy:2"));
    skopeo.push(&layout, &original, AS_IT_IS);

    let copied = skopeo.copy(&format!("docker://{original}"), &format!("docker://{copy}"), AS_IT_IS);

    assert_eq!(copied, layout.digest);
    assert_eq!(registry.manifest("skopeo/a/deeper/copy", "2").digest, layout.digest);
    assert_eq!(skopeo.pull(&copy, AS_IT_IS).file(GREETING), greeting("amd64").as_bytes());
    assert_eq!(skopeo.list_tags(&registry.image("skopeo/a/deeper/copy"))["Tags"], serde_json::json!(["2"]));
}

//! `docker manifest`: makes a list of images that are already there.

use lambda_registry_tests::clients::{DockerManifest, Skopeo};
use lambda_registry_tests::images::Layout;
use lambda_registry_tests::images::samples::{GREETING, greeting, plain, two_platforms};
use lambda_registry_tests::in_every_mode;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;

in_every_mode![
    docker_manifest_pushes_a_list_of_two_platforms_that_others_pull,
    docker_manifest_lists_what_was_pushed_as_schema1_and_the_list_keeps_it,
];

fn docker_manifest_pushes_a_list_of_two_platforms_that_others_pull(registry: &Registry) {
    let skopeo = Skopeo::new(registry);
    let images = ["amd64", "arm64"].map(|architecture| registry.image(&format!("docker/list:{architecture}")));
    let pushed: Vec<_> = images
        .iter()
        .zip(two_platforms())
        .map(|(image, sample)| skopeo.push(&Layout::of_image(&sample), image, &["--format", "v2s2"]))
        .collect();
    let docker = DockerManifest::new(registry);
    let list = registry.image("docker/list:all");
    docker.create(&list, &images);
    docker.annotate(&list, &images[1], &["--arch", "arm64", "--variant", "v8"]);

    let digest = docker.push(&list);

    let stored = registry.manifest("docker/list", "all");
    assert_eq!(stored.digest, digest);
    assert_eq!(stored.media_type, "application/vnd.docker.distribution.manifest.list.v2+json");
    let inspected = DockerManifest::new(registry).inspect(&list);
    let children: Vec<_> = (0..2).map(|child| inspected["manifests"][child]["digest"].clone()).collect();
    assert_eq!(children, pushed);
    assert_eq!(inspected["manifests"][1]["platform"]["variant"], "v8");
    let pulled = skopeo.pull(&list, &["--all"]);
    assert_eq!(pulled.digest(), digest);
    for architecture in ["amd64", "arm64"] {
        assert_eq!(pulled.platform(architecture).file(GREETING), greeting(architecture).as_bytes());
    }
}

/// It reads no schema 1, and names in the list what it was given without pushing that.
fn docker_manifest_lists_what_was_pushed_as_schema1_and_the_list_keeps_it(registry: &Registry) {
    let skopeo = Skopeo::new(registry);
    let image = registry.image("docker/old:1");
    let source = skopeo.push(&Layout::of_image(&plain("amd64")), &image, &["--format", "v2s1"]);
    let repository = Repository::new(registry, "docker/old");
    let schema2 = "application/vnd.docker.distribution.manifest.v2+json";
    let converted = repository.pull_converted("1", &[schema2]).expect(200);
    let docker = DockerManifest::new(registry);
    let list = registry.image("docker/old:all");
    docker.create(&list, &[image]);

    let digest = docker.push(&list);
    repository.delete(&format!("manifests/{source}")).expect(202);

    assert_eq!(repository.tags(), ["all"]);
    let pulled = skopeo.pull(&list, &["--all"]);
    assert_eq!(pulled.digest(), digest);
    let child = pulled.platform("amd64");
    assert_eq!(child.digest(), converted.expect_header("docker-content-digest"));
    assert_eq!(child.file(GREETING), greeting("amd64").as_bytes());
}

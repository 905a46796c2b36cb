//! `docker manifest`: makes a list of images that are already there.

use lambda_registry_tests::clients::{DockerManifest, Skopeo};
use lambda_registry_tests::images::Layout;
use lambda_registry_tests::images::samples::{GREETING, greeting, two_platforms};
use lambda_registry_tests::in_every_mode;
use lambda_registry_tests::registry::Registry;

in_every_mode![docker_manifest_pushes_a_list_of_two_platforms_that_others_pull];

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

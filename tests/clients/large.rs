//! An image of more than 200 MB, pushed in both ways that clients have and pulled by those that unpack it.

use lambda_registry_tests::clients::{Containerd, Podman, Skopeo};
use lambda_registry_tests::images::samples::{GREETING, greeting, large};
use lambda_registry_tests::images::{Layout, Pulled};
use lambda_registry_tests::in_modes_with_front;
use lambda_registry_tests::registry::Registry;

in_modes_with_front![a_large_image_streamed_by_skopeo_reaches_podman, a_large_image_put_by_containerd_reaches_skopeo,];

fn a_large_image_streamed_by_skopeo_reaches_podman(registry: &Registry) {
    let layout = Layout::of_image(&large());
    let image = registry.image("large/streamed:1");

    Skopeo::new(registry).push(&layout, &image, &["--preserve-digests"]);

    assert_eq!(registry.manifest("large/streamed", "1").digest, layout.digest);
    let podman = Podman::new(registry);
    podman.pull(&image, &[]);
    assert_eq!(podman.digest(&image), layout.digest);
    assert_eq!(podman.file(&image, GREETING), greeting("amd64").as_bytes());
}

fn a_large_image_put_by_containerd_reaches_skopeo(registry: &Registry) {
    let layout = Layout::of_image(&large());
    let containerd = Containerd::start(registry);
    let image = containerd.import(&layout, &registry.image("large/put"));

    containerd.push(&image, &[]);

    assert_eq!(registry.manifest("large/put", Layout::TAG).digest, layout.digest);
    let pulled: Pulled = Skopeo::new(registry).pull(&image, &["--preserve-digests"]);
    assert_eq!(pulled.manifest, layout.manifest);
    for layer in pulled.layers() {
        pulled.blob(&layer);
    }
}

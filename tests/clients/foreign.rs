//! Foreign (nondistributable) layers: the registry keeps their URLs, the clients fetch them from there.

use lambda_registry_tests::clients::{Containerd, Podman, Skopeo};
use lambda_registry_tests::images::samples::{GREETING, greeting, plain};
use lambda_registry_tests::images::{Compression, Image, Layer, Layout};
use lambda_registry_tests::in_every_mode;
use lambda_registry_tests::registry::Registry;

in_every_mode![a_foreign_layer_stays_where_its_url_says_and_clients_fetch_it_there];

const LICENSED: (&str, &[u8]) = ("licensed/file", b"not to be passed on\n");

fn a_foreign_layer_stays_where_its_url_says_and_clients_fetch_it_there(registry: &Registry) {
    let skopeo = Skopeo::new(registry);
    let podman = Podman::new(registry);
    let containerd = Containerd::start(registry);
    let foreign = foreign_layer(registry, &skopeo);

    for (format, media_type) in [
        ("oci", "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"),
        ("v2s2", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
    ] {
        let repository = format!("foreign/{format}");
        let image = registry.image(&format!("{repository}:1"));
        let layout = Layout::of_image(&plain("amd64").layer(foreign.clone()));

        let pushed = skopeo.push(&layout, &image, &["--format", format]);

        assert_eq!(registry.manifest(&repository, "1").digest, pushed);
        assert!(!registry.has_blob(&repository, &foreign.digest), "the foreign layer was uploaded");
        let pulled = skopeo.pull(&image, &[]);
        assert_eq!(pulled.digest(), pushed);
        assert_eq!(pulled.json()["layers"][3]["mediaType"], media_type);
        assert_eq!(pulled.file(LICENSED.0), LICENSED.1);
        // Its storage can't hold URLs: podman writes a manifest without them, so no digest to compare here.
        podman.pull(&image, &[]);
        assert_eq!(podman.file(&image, LICENSED.0), LICENSED.1);
        containerd.pull(&image, &[]);
        assert_eq!(containerd.digest(&image), pushed);
        assert_eq!(containerd.file(&image, LICENSED.0, &[]), LICENSED.1);
        assert_eq!(containerd.file(&image, GREETING, &[]), greeting("amd64").as_bytes());
    }
}

/// A layer whose URL points into a repository of its own, which plays the vendor's server.
fn foreign_layer(registry: &Registry, skopeo: &Skopeo) -> Layer {
    let vendor = Image::new("amd64").layer(Layer::new(Compression::Gzip, &[LICENSED]));
    skopeo.push(&Layout::of_image(&vendor), &registry.image("vendor:1"), &["--preserve-digests"]);
    Layer::foreign(&[LICENSED], |digest| registry.url(&format!("/v2/vendor/blobs/{digest}")))
}

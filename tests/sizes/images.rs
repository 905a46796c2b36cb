//! Images of more layers than a transaction holds items.

use lambda_registry_tests::image::{Image, MEDIA_TYPE};
use lambda_registry_tests::in_every_mode;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;

in_every_mode![an_image_of_127_layers_comes_back_whole, an_image_of_300_layers_comes_back_whole];

/// The most that Docker starts a container of.
fn an_image_of_127_layers_comes_back_whole(registry: &Registry) {
    comes_back_whole(registry, 127);
}

fn an_image_of_300_layers_comes_back_whole(registry: &Registry) {
    comes_back_whole(registry, 300);
}

fn comes_back_whole(registry: &Registry, layers: usize) {
    let repository = Repository::new(registry, "layers");
    let image = Image::new(1, std::iter::repeat_n(100, layers));
    assert_eq!(image.blobs.len(), 1 + layers);

    for blob in &image.blobs[1..] {
        repository.push_blob(blob);
    }
    repository.put("tag", MEDIA_TYPE, &image.manifest).expect_error(400, "MANIFEST_BLOB_UNKNOWN");
    assert!(repository.tags().is_empty());
    repository.push_blob(&image.blobs[0]);
    assert_eq!(repository.push("tag", MEDIA_TYPE, &image.manifest), image.digest);

    for reference in ["tag", &image.digest] {
        assert_eq!(repository.get(&format!("manifests/{reference}")).expect(200).body, image.manifest);
    }
    for (digest, blob) in lambda_registry_tests::image::blobs(&image.manifest).iter().zip(&image.blobs) {
        assert_eq!(&repository.blob(digest), blob);
    }
    assert_eq!(repository.tags(), ["tag"]);
}

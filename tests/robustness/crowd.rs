//! Many clients with the same wish at the same moment.

use std::sync::Barrier;

use lambda_registry_tests::content::Content;
use lambda_registry_tests::in_modes_with_front;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;

use crate::pusher::{Pusher, Way};
use lambda_registry_tests::image::Image;

const CLIENTS: u64 = 64;

in_modes_with_front![many_clients_push_the_same_blob_in_every_way];

mod in_pieces {
    use super::many_clients_push_the_same_blob_in_pieces;

    lambda_registry_tests::in_mode!(without_front, WithoutFront, many_clients_push_the_same_blob_in_pieces);
}

mod manifests {
    use super::many_clients_push_the_same_manifest;
    use super::{many_clients_move_the_same_tag, many_clients_push_and_delete_the_same_manifest};

    lambda_registry_tests::in_every_mode![
        many_clients_push_the_same_manifest,
        many_clients_move_the_same_tag,
        many_clients_push_and_delete_the_same_manifest,
    ];
}

/// Runs one client a thread, all from the same moment on. [`Pusher`] fails on any answer that it doesn't expect, so a
/// 500 ends the test.
fn at_once(registry: &Registry, client: impl Fn(u64, Pusher) + Sync) {
    let start = Barrier::new(CLIENTS as usize);
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (start, client, pusher) = (&start, &client, Pusher::new(registry));
            scope.spawn(move || {
                start.wait();
                client(number, pusher);
            });
        }
    });
}

fn many_clients_push_the_same_blob_in_every_way(registry: &Registry) {
    many_clients_push_the_same_blob(registry, 9 << 20, &[Way::Put, Way::Patch, Way::Post, Way::Pieces]);
}

fn many_clients_push_the_same_blob_in_pieces(registry: &Registry) {
    many_clients_push_the_same_blob(registry, 6 << 20, &[Way::Pieces]);
}

fn many_clients_push_the_same_blob(registry: &Registry, large: u64, ways: &[Way]) {
    for length in [0, 5000, large] {
        let content = Content { number: 1, length }.bytes();
        at_once(registry, |number, pusher| {
            // Into two repositories.
            let repository = ["crowd/blob", "crowd/same"][(number % 2) as usize];
            let way = ways[number as usize / 2 % ways.len()];
            let digest = pusher.push_blob(repository, &content, way).unwrap();
            assert!(Repository::new(registry, repository).blob(&digest) == content);
        });
    }
}

fn many_clients_push_the_same_manifest(registry: &Registry) {
    let repository = Repository::new(registry, "crowd/manifest");
    let image = Image::new(1, [1000; 5]);
    for blob in &image.blobs {
        repository.push_blob(blob);
    }

    at_once(registry, |_, pusher| {
        pusher.put_manifest(&repository.name, "same", &image.manifest).unwrap();
        assert_eq!(registry.manifest(&repository.name, "same").body, image.manifest);
    });

    assert_eq!(repository.tags(), ["same"]);
    assert_eq!(registry.manifest(&repository.name, &image.digest).body, image.manifest);
}

/// Half of them push, the other half delete; whoever looks sees a manifest that is there whole, or none.
fn many_clients_push_and_delete_the_same_manifest(registry: &Registry) {
    let repository = Repository::new(registry, "crowd/deleted");
    // One that lies in the table, and one that lies in the bucket.
    let images = [Image::new(1, [100; 2]), Image::new(2, [100; 250])];
    assert!(images[1].manifest.len() > 32 << 10);
    for blob in images.iter().flat_map(|image| &image.blobs) {
        repository.push_blob(blob);
    }

    at_once(registry, |number, pusher| {
        let image = &images[(number / 2 % 2) as usize];
        for round in 0..4 {
            match number % 2 {
                0 => pusher.put_manifest(&repository.name, &format!("{round}"), &image.manifest).unwrap(),
                _ => pusher.delete_manifest(&repository.name, &image.digest).unwrap(),
            }
            let seen = repository.get(&format!("manifests/{round}"));
            match seen.status {
                404 => {}
                _ => assert!(images.iter().any(|image| image.manifest == seen.body), "{}", seen.status),
            }
        }
    });

    for tag in repository.tags() {
        let tagged = registry.manifest(&repository.name, &tag);
        assert_eq!(registry.manifest(&repository.name, &tagged.digest).body, tagged.body);
    }
    for image in &images {
        Pusher::new(registry).delete_manifest(&repository.name, &image.digest).unwrap();
        repository.get(&format!("manifests/{}", image.digest)).expect(404);
    }
    assert!(repository.tags().is_empty());
}

fn many_clients_move_the_same_tag(registry: &Registry) {
    let repository = Repository::new(registry, "crowd/tag");
    let images: Vec<Image> = (0..CLIENTS).map(|number| Image::new(number, [100])).collect();

    at_once(registry, |number, pusher| {
        let image = &images[number as usize];
        for blob in &image.blobs {
            pusher.push_blob(&repository.name, blob, Way::Put).unwrap();
        }
        for _ in 0..3 {
            pusher.put_manifest(&repository.name, "moving", &image.manifest).unwrap();
        }
    });

    assert_eq!(repository.tags(), ["moving"]);
    let tagged = registry.manifest(&repository.name, "moving").digest;
    assert!(images.iter().any(|image| image.digest == tagged), "{tagged}");
    for image in &images {
        assert_eq!(registry.manifest(&repository.name, &image.digest).body, image.manifest);
    }
    // The way back from each manifest to its tags is right: nothing but the tagged one takes the tag along.
    for image in images.iter().filter(|image| image.digest != tagged) {
        repository.delete(&format!("manifests/{}", image.digest)).expect(202);
    }
    assert_eq!(registry.manifest(&repository.name, "moving").digest, tagged);
    repository.delete(&format!("manifests/{tagged}")).expect(202);
    assert!(repository.tags().is_empty());
}

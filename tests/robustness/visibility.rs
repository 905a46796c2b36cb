//! An image of 127 layers, the most that Docker builds, is visible whole or not at all.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use lambda_registry_tests::http::{Answer, Request};
use lambda_registry_tests::in_modes_with_front;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;

use lambda_registry_tests::image::{Image, MEDIA_TYPE, blobs};

const LAYERS: usize = 127;
const REPOSITORY: &str = "whole/or/not";
const TAGS: [&str; 2] = ["a", "b"];
const IMAGES: u64 = 3;

in_modes_with_front![an_image_of_127_layers_is_visible_whole_or_not_at_all];

/// While somebody pushes an image's blobs, somebody else pushes its manifest all the time, first to the one tag, then to
/// the other, and others pull.
fn an_image_of_127_layers_is_visible_whole_or_not_at_all(registry: &Registry) {
    let pushed = AtomicBool::new(false);
    let refused = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let pushers: Vec<_> = (0..TAGS.len())
            .map(|pusher| {
                let refused = &refused;
                scope.spawn(move || {
                    for number in 0..IMAGES {
                        let image = Image::new(IMAGES * pusher as u64 + number, [100; LAYERS]);
                        std::thread::scope(|scope| {
                            scope.spawn(|| push_blobs(registry, &image));
                            refused.fetch_add(push_manifest(registry, &image, TAGS[pusher]), Ordering::Relaxed);
                        });
                        // Another tag to the same image, while the other pusher moves it as well.
                        push_manifest(registry, &image, TAGS[1 - pusher]);
                    }
                })
            })
            .collect();
        for tag in TAGS {
            let pushed = &pushed;
            scope.spawn(move || {
                while !pushed.load(Ordering::Relaxed) {
                    pull(registry, tag);
                }
            });
        }
        let joined: Vec<_> = pushers.into_iter().map(|pusher| pusher.join()).collect();
        pushed.store(true, Ordering::Relaxed);
        joined.into_iter().for_each(|joined| joined.unwrap());
    });
    assert!(refused.into_inner() > 0, "every manifest came after its blobs");
    for tag in TAGS {
        assert!(pull(registry, tag), "{tag} isn't there");
    }
}

fn push_blobs(registry: &Registry, image: &Image) {
    let repository = Repository::new(registry, REPOSITORY);
    for blob in &image.blobs {
        repository.push_blob(blob);
    }
}

/// Until it is accepted. Returns how often it was refused.
fn push_manifest(registry: &Registry, image: &Image, tag: &str) -> usize {
    let repository = Repository::new(registry, REPOSITORY);
    for refused in 0.. {
        let answer = repository.put(tag, MEDIA_TYPE, &image.manifest);
        match answer.status {
            201 => return refused,
            _ => drop(answer.expect_error(400, "MANIFEST_BLOB_UNKNOWN")),
        }
    }
    unreachable!("there is no end to it")
}

/// Whether the tag is there; then everything that its manifest names has to be.
fn pull(registry: &Registry, tag: &str) -> bool {
    let repository = Repository::new(registry, REPOSITORY);
    let manifest = repository.pull(tag, &[MEDIA_TYPE]);
    if manifest.status == 404 {
        return false;
    }
    let blobs = blobs(&manifest.expect(200).body);
    assert_eq!(blobs.len(), 1 + LAYERS);
    for blob in blobs {
        let redirect: Answer = repository.head(&format!("blobs/{blob}")).expect(307);
        Request::new("HEAD", redirect.expect_header("location")).send().expect(200);
    }
    true
}

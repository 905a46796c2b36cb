//! Uploads through the gateway alone, which takes no large request.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use lambda_registry_tests::content::Content;
use lambda_registry_tests::download::download;
use lambda_registry_tests::http::{Answer, Request};
use lambda_registry_tests::modes::Mode;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::session::{Session, received};

const LENGTH: u64 = 300_000_000;
const PIECE: u64 = 4_000_000;

/// S3 refuses smaller parts, the last one aside.
const SMALLEST_PART: u64 = 5 << 20;

#[test]
fn pieces_of_four_megabytes_become_parts_that_s3_takes() {
    let registry = Registry::start(Mode::WithoutFront.flags());
    let content = Content { number: 3, length: LENGTH };
    let session = Session::start(&registry, "pieces");

    for first in (0..LENGTH).step_by(PIECE as usize) {
        let end = LENGTH.min(first + PIECE);
        let answer = patch(&registry, session.location(), content, first, end).expect(202);
        assert_eq!(received(&answer), end);
    }
    let digest = content.digest();
    session.finish(&digest).expect(201);

    assert_eq!(download(&registry, "pieces", &digest), (digest, Some(LENGTH)));
    // One file for each part of the blob. What waited between two requests is gone.
    let mut parts = sizes_of_files(&registry.data().join("s3/segments"));
    parts.sort_unstable();
    assert_eq!(parts.iter().sum::<u64>(), LENGTH);
    assert!(parts[1..].iter().all(|&part| part >= SMALLEST_PART), "{parts:?}");
}

#[test]
fn what_the_gateway_refuses_for_its_size_does_the_upload_no_harm() {
    let registry = Registry::start(Mode::WithoutFront.flags());
    let content = Content { number: 4, length: 12 << 20 };
    let session = Session::start(&registry, "refused");
    patch(&registry, session.location(), content, 0, PIECE).expect(202);

    // Too large as an event of Lambda, and too large for the gateway itself.
    for length in [5_000_000, 11 << 20] {
        let refused = patch(&registry, session.location(), content, PIECE, PIECE + length);
        assert_eq!((refused.status, &refused.json()["message"]), (413, &"Request Entity Too Large".into()));
    }

    assert_eq!(session.received(), PIECE);
    for first in (PIECE..content.length).step_by(PIECE as usize) {
        patch(&registry, session.location(), content, first, content.length.min(first + PIECE)).expect(202);
    }
    session.finish(&content.digest()).expect(201);
}

/// A piece with a length that is known and the range that it is, as curl sends it.
#[track_caller]
fn patch(registry: &Registry, location: &str, content: Content, first: u64, end: u64) -> Answer {
    let mut piece = Vec::new();
    content.range(first, end).read_to_end(&mut piece).expect("bytes that are made up");
    let request = Request::new("PATCH", &registry.url(location));
    request.header("Content-Range", &format!("{first}-{}", end - 1)).body(piece).send()
}

fn sizes_of_files(directory: &Path) -> Vec<u64> {
    let entries = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry"));
    let sizes = entries.map(|entry| match entry.metadata().expect("an entry that stays") {
        metadata if metadata.is_dir() => sizes_of_files(&entry.path()),
        metadata => vec![metadata.len()],
    });
    sizes.flatten().collect()
}

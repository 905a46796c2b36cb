//! What the fuzzer found worth keeping, replayed with the bodies of its targets.

use std::panic::catch_unwind;
use std::path::Path;

use crate::fuzz;

#[track_caller]
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        assert!(catch_unwind(|| check(&bytes)).is_ok(), "{}", file.display());
    }
}

#[test]
fn everything_kept_is_read() {
    replay("parse", fuzz::parse);
}

#[test]
fn everything_kept_is_negotiated() {
    replay("negotiate", fuzz::negotiate);
}

#[test]
fn everything_kept_is_converted() {
    replay("convert", fuzz::convert);
}

#[test]
fn every_image_kept_is_converted() {
    replay("images", fuzz::images);
}

#[test]
fn every_list_kept_is_converted() {
    replay("lists", fuzz::lists);
}

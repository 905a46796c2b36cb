//! Layers that aren't compressed, and those in a way that has no media type.

use protocol::Compression;

use crate::support::{assert_is, problem, text};

#[test]
fn a_layer_that_is_not_compressed_is_its_own_content() {
    for length in [1, 5, 6, 7, 10_240, 200_000] {
        let tar = text(length);
        assert_is(&tar, Compression::None, &tar);
    }
}

#[test]
fn an_empty_layer_has_the_digest_of_nothing() {
    assert_is(b"", Compression::None, b"");
}

#[test]
fn a_layer_too_short_to_be_recognized_is_not_compressed() {
    for start in [b"\x1f".as_slice(), b"\x28\xb5\x2f", b"BZ", b"\xfd7zXZ"] {
        assert_is(start, Compression::None, start);
    }
}

#[test]
fn compressions_without_a_media_type_are_named() {
    let named = |name| format!("is compressed with {name}, which schema 2 and OCI have no media type for");
    assert_eq!(problem(b"BZh91AY&SY and so on"), named("bzip2"));
    assert_eq!(problem(b"\xfd7zXZ\0 and so on"), named("xz"));
}

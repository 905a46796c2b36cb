//! Layers in zstd (RFC 8878).

use std::io::Write as _;

use protocol::Compression;
use zstd::Encoder;

use crate::support::{assert_is, problem, text};

/// A frame that says how long its content is.
fn sized(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 3).unwrap()
}

/// A frame that doesn't, with a checksum, as a stream is written.
fn streamed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.include_contentsize(false).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn skippable(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap();
    [0x184d_2a50_u32.to_le_bytes().as_slice(), &length.to_le_bytes(), bytes].concat()
}

#[test]
fn one_frame_is_unpacked_whatever_its_length() {
    // Around the lengths of blocks and buffers.
    for length in [0, 1, 10_240, 131_071, 131_072, 131_073, 262_144, 400_000] {
        let tar = text(length);
        assert_is(&sized(&tar), Compression::Zstd, &tar);
        assert_is(&streamed(&tar), Compression::Zstd, &tar);
    }
}

#[test]
fn content_that_does_not_compress_is_unpacked() {
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    });
    let tar: Vec<u8> = noise.take(393_216).collect();
    assert_is(&sized(&tar), Compression::Zstd, &tar);
}

#[test]
fn several_frames_are_one_layer() {
    let tar = text(600_000);
    let frames: Vec<u8> = tar.chunks(131_072).flat_map(sized).collect();
    assert_is(&frames, Compression::Zstd, &tar);
    assert_is(&[streamed(b""), sized(&tar), streamed(b"")].concat(), Compression::Zstd, &tar);
}

/// zstd:chunked keeps its table of contents in frames like these, at the end of the layer.
#[test]
fn frames_to_be_skipped_are_not_content() {
    let tar = text(262_144);
    let table_of_contents = skippable(&text(1000));
    let layer = [sized(&tar), table_of_contents.clone(), skippable(b"footer")].concat();
    assert_is(&layer, Compression::Zstd, &tar);
    assert_is(&[skippable(b""), sized(&tar)].concat(), Compression::Zstd, &tar);
    assert_is(&table_of_contents, Compression::Zstd, b"");
}

#[test]
fn a_layer_that_ends_early_is_unreadable() {
    let whole = streamed(&text(400_000));
    let chunked = [sized(b"content"), skippable(b"table of contents")].concat();
    let cuts = [6, whole.len() / 2, whole.len() - 4, whole.len() - 1].map(|length| &whole[..length]).into_iter();
    // In the head of the frame that is skipped, and in what is skipped.
    let cuts = cuts.chain([chunked.len() - 20, chunked.len() - 17, chunked.len() - 1].map(|length| &chunked[..length]));
    for cut in cuts {
        let problem = problem(cut);
        assert!(problem.starts_with("begins as Zstd but can't be unpacked to its end: "), "{}: {problem}", cut.len());
    }
}

#[test]
fn a_layer_that_was_changed_is_unreadable() {
    let whole = streamed(&text(400_000));
    for position in [whole.len() - 1, whole.len() / 2] {
        let mut changed = whole.clone();
        changed[position] ^= 0x55;
        let problem = problem(&changed);
        assert!(problem.starts_with("begins as Zstd but can't be unpacked to its end: "), "{position}: {problem}");
    }
}

#[test]
fn what_follows_the_last_frame_is_no_layer() {
    for garbage in [b"garbage".as_slice(), b"\0", &[0; 512]] {
        let problem = problem(&[sized(&text(10_240)).as_slice(), garbage].concat());
        assert!(problem.starts_with("begins as Zstd but can't be unpacked to its end: "), "{garbage:?}: {problem}");
    }
}

/// A frame of one block that wants 2 GiB of memory for its window (`zstd --ultra --long=31`).
#[test]
fn a_window_that_would_take_too_much_memory_is_refused() {
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x09, 0x00, 0x00, b'x'];
    let problem = problem(&frame);
    assert!(problem.starts_with("begins as Zstd but can't be unpacked to its end: "), "{problem}");
    let small = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0 << 3, 0x09, 0x00, 0x00, b'x'];
    assert_is(&small, Compression::Zstd, b"x");
}

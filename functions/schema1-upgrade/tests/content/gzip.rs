//! Layers in gzip (RFC 1952).

use std::io::Write as _;

use flate2::{Compression as Level, GzBuilder};
use protocol::Compression;

use crate::support::{assert_is, gzip, problem, text};

#[test]
fn one_member_is_unpacked() {
    for length in [0, 1, 10_240, 32 * 1024, 200_000] {
        assert_is(&gzip(&text(length)), Compression::Gzip, &text(length));
    }
}

/// pigz and others that compress in parallel write them.
#[test]
fn several_members_are_one_layer() {
    let tar = text(200_000);
    let members: Vec<u8> = tar.chunks(30_000).flat_map(gzip).collect();
    assert_is(&members, Compression::Gzip, &tar);
    let with_empty_ones = [gzip(b""), gzip(&tar), gzip(b""), gzip(b"")].concat();
    assert_is(&with_empty_ones, Compression::Gzip, &tar);
}

/// With a name, an extra field as bgzip and stargz have it, and a comment.
#[test]
fn what_a_header_says_is_not_content() {
    let tar = text(10_240);
    let headers = [
        GzBuilder::new().filename("layer.tar"),
        GzBuilder::new().comment("made by hand").mtime(1_700_000_000),
        GzBuilder::new().extra(b"BC\x02\x00\x1b\x00".as_slice()),
        GzBuilder::new().extra(vec![0; 300]).filename("layer.tar").comment("all of it"),
    ];
    let mut all = Vec::new();
    for header in headers {
        let mut encoder = header.write(Vec::new(), Level::fast());
        encoder.write_all(&tar).unwrap();
        let member = encoder.finish().unwrap();
        assert_is(&member, Compression::Gzip, &tar);
        all.extend(member);
    }
    assert_is(&all, Compression::Gzip, &tar.repeat(4));
}

#[test]
fn a_layer_that_ends_early_is_unreadable() {
    let whole = gzip(&text(10_240));
    let two = [gzip(b"first"), gzip(&text(10_240))].concat();
    let cuts = [2, 9, 10, 11, whole.len() / 2, whole.len() - 9, whole.len() - 8, whole.len() - 1];
    let cuts = cuts.map(|length| &whole[..length]).into_iter();
    // In the header of the second member, in its content, and in its trailer.
    let first = two.len() - whole.len();
    let cuts = cuts.chain([first + 1, first + 5, two.len() / 2, two.len() - 1].map(|length| &two[..length]));
    for cut in cuts {
        let problem = problem(cut);
        assert!(problem.starts_with("begins as Gzip but can't be unpacked to its end: "), "{}: {problem}", cut.len());
    }
}

#[test]
fn a_layer_that_was_changed_is_unreadable() {
    let whole = gzip(&text(10_240));
    // The checksum and the length at the end, the content, and a compression method that there isn't.
    for position in [whole.len() - 8, whole.len() - 4, whole.len() / 2, 2] {
        let mut changed = whole.clone();
        changed[position] ^= 0x55;
        let problem = problem(&changed);
        assert!(problem.starts_with("begins as Gzip but can't be unpacked to its end: "), "{position}: {problem}");
    }
}

#[test]
fn what_follows_the_last_member_is_no_layer() {
    for garbage in [b"garbage".as_slice(), b"\0", &[0; 512], b"\x1f\x8b"] {
        let problem = problem(&[gzip(&text(10_240)).as_slice(), garbage].concat());
        assert!(problem.starts_with("begins as Gzip but can't be unpacked to its end: "), "{garbage:?}: {problem}");
    }
}

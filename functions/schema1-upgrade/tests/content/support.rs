//! Layers, and reading them in pieces.

use std::io::Write as _;

use flate2::write::GzEncoder;
use protocol::{Compression, Digest};
use schema1_upgrade::{Content, MAX_CONTENT, Unreadable};

/// Lengths of the pieces that a layer is pushed in; 0 is all of it at once.
const PIECES: [usize; 4] = [1, 3, 64 * 1024, 0];

/// Reads a layer in pieces of every length: they make no difference.
#[track_caller]
pub(crate) fn read(blob: &[u8]) -> Result<(Compression, Digest), Unreadable> {
    read_up_to(MAX_CONTENT, blob)
}

/// Reads a layer that may unpack to so many bytes.
#[track_caller]
pub(crate) fn read_up_to(max: u64, blob: &[u8]) -> Result<(Compression, Digest), Unreadable> {
    let [first, others @ ..] = PIECES.map(|piece| in_pieces(piece, max, blob));
    for (other, piece) in others.into_iter().zip(&PIECES[1..]) {
        assert_eq!(other, first, "in pieces of {piece} bytes");
    }
    first
}

fn in_pieces(piece: usize, max: u64, blob: &[u8]) -> Result<(Compression, Digest), Unreadable> {
    let mut content = Content::new(&blob[..blob.len().min(6)], max)?;
    for piece in blob.chunks(if piece == 0 { blob.len().max(1) } else { piece }) {
        content.push(piece)?;
    }
    content.finish()
}

/// That a layer was read, and is this.
#[track_caller]
pub(crate) fn assert_is(blob: &[u8], compression: Compression, unpacked: &[u8]) {
    assert_eq!(read(blob), Ok((compression, Digest::sha256(unpacked))));
}

/// Why a layer can't be read.
#[track_caller]
pub(crate) fn problem(blob: &[u8]) -> String {
    read(blob).unwrap_err().to_string()
}

/// Bytes that compress, but not to nothing.
pub(crate) fn text(length: usize) -> Vec<u8> {
    (0_u32..).flat_map(|number| format!("line {number}\n").into_bytes()).take(length).collect()
}

/// One gzip member.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

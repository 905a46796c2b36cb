//! Layers that unpack to more than anybody wants.

use protocol::{Compression, Digest};
use schema1_upgrade::Content;

use crate::support::{gzip, read_up_to, text};

const LIMIT: usize = 256 * 1024;

type Pack = fn(&[u8]) -> Vec<u8>;

const PACKERS: [(Compression, Pack); 3] =
    [(Compression::None, <[u8]>::to_vec), (Compression::Gzip, gzip), (Compression::Zstd, zstd)];

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

#[test]
fn a_bomb_is_stopped_at_the_limit() {
    const WHOLE: usize = 16 * 1024 * 1024;
    for (compression, pack) in PACKERS {
        let bomb = pack(&vec![0; WHOLE]);
        let mut content = Content::new(&bomb[..6], LIMIT as u64).unwrap();
        let mut pushes = bomb.iter().map(|byte| content.push(std::slice::from_ref(byte))).enumerate();
        let (accepted, stopped) = pushes.find_map(|(accepted, pushed)| Some((accepted, pushed.err()?))).unwrap();
        assert_eq!(stopped.to_string(), "unpacks to more than 262144 bytes", "{compression:?}");
        // Zeros are packed evenly, so this is what the accepted bytes unpack to; decoders have buffers, and heads.
        let unpacked = accepted * WHOLE / bomb.len();
        assert!(unpacked <= 4 * LIMIT, "{compression:?}: {unpacked} bytes");
    }
}

#[test]
fn a_bomb_in_one_piece_is_stopped_too() {
    for (compression, pack) in PACKERS {
        let stopped = read_up_to(LIMIT as u64, &pack(&vec![0; 8 * LIMIT])).unwrap_err();
        assert_eq!(stopped.to_string(), "unpacks to more than 262144 bytes", "{compression:?}");
    }
}

#[test]
fn many_small_parts_count_together() {
    for (_, pack) in PACKERS {
        let parts = pack(&text(100)).repeat(100);
        assert!(read_up_to(10_000, &parts).is_ok());
        assert_eq!(read_up_to(9_999, &parts).unwrap_err().to_string(), "unpacks to more than 9999 bytes");
    }
}

#[test]
fn a_layer_of_just_the_limit_is_read() {
    for (compression, pack) in PACKERS {
        for length in [1, 10_240, 131_072] {
            let tar = text(length);
            let read = read_up_to(length as u64, &pack(&tar));
            assert_eq!(read, Ok((compression, Digest::sha256(&tar))));
            assert!(read_up_to(length as u64 - 1, &pack(&tar)).is_err());
        }
    }
}

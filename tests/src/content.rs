//! Content of any length that takes no memory, the same every time.

use std::io::Read;

use sha2::{Digest as _, Sha256};

use crate::digest::in_hex;

const BLOCK: usize = 64 * 1024;

/// Noise that no two contents share: each block begins with the content's number and its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// Tells it from others.
    pub number: u64,
    /// In bytes.
    pub length: u64,
}

impl Content {
    /// The bytes from an offset on.
    pub fn from(self, offset: u64) -> impl Read + Send + 'static {
        self.range(offset, self.length)
    }

    /// The bytes from an offset up to another.
    pub fn range(self, start: u64, end: u64) -> impl Read + Send + 'static {
        let mut noise = 0x9e37_79b9_7f4a_7c15_u64 ^ self.number;
        let mut next = || {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            noise.to_be_bytes()
        };
        let block = (0..BLOCK / 8).flat_map(|_| next()).collect();
        Bytes { content: self, at: start, end, block }
    }

    /// All of it.
    pub fn bytes(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.from(0).read_to_end(&mut bytes).expect("bytes that are made up");
        bytes
    }

    /// Its digest.
    pub fn digest(self) -> String {
        digest(&mut self.from(0))
    }
}

/// The digest of all that comes.
#[track_caller]
pub fn digest(bytes: &mut impl Read) -> String {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match bytes.read(&mut buffer).expect("bytes to the end") {
            0 => break,
            length => hash.update(&buffer[..length]),
        }
    }
    format!("sha256:{}", in_hex(&hash.finalize()))
}

struct Bytes {
    content: Content,
    at: u64,
    end: u64,
    block: Vec<u8>,
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let within = usize::try_from(self.at % BLOCK as u64).unwrap_or_default();
        self.block[..8].copy_from_slice(&self.content.number.to_be_bytes());
        self.block[8..16].copy_from_slice(&(self.at / BLOCK as u64).to_be_bytes());
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let length = left.min(buffer.len()).min(BLOCK - within);
        buffer[..length].copy_from_slice(&self.block[within..within + length]);
        self.at += length as u64;
        Ok(length)
    }
}

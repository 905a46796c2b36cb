//! The three CRCs that S3 knows, behind the interface of the crate `crc-fast`, which the SDK for S3 and the embedded S3
//! ask for them.
//!
//! That crate carries tables for forty others, 660 KB that no linker can leave out and no ZIP makes smaller, in every
//! function. Functions ask for none of the three: blobs are checked by their SHA-256. So this one is small rather than fast.

use crc::{CRC_32_ISCSI, CRC_32_ISO_HDLC, CRC_64_NVME, Crc};

static CRC32: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
static CRC32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);
static CRC64_NVME: Crc<u64> = Crc::<u64>::new(&CRC_64_NVME);

/// The kinds of CRC that S3 knows. Their names are those of the catalogue of CRCs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrcAlgorithm {
    /// CRC-32.
    Crc32IsoHdlc,
    /// CRC-32C.
    Crc32Iscsi,
    /// CRC-64/NVME.
    Crc64Nvme,
}

/// A CRC of bytes that come in pieces.
#[derive(Clone)]
pub struct Digest(State);

#[derive(Clone)]
enum State {
    Bits32(crc::Digest<'static, u32>),
    Bits64(crc::Digest<'static, u64>),
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digest({:x})", self.finalize())
    }
}

impl Digest {
    /// Of no bytes yet.
    pub fn new(algorithm: CrcAlgorithm) -> Self {
        Self(match algorithm {
            CrcAlgorithm::Crc32IsoHdlc => State::Bits32(CRC32.digest()),
            CrcAlgorithm::Crc32Iscsi => State::Bits32(CRC32C.digest()),
            CrcAlgorithm::Crc64Nvme => State::Bits64(CRC64_NVME.digest()),
        })
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Bits32(digest) => digest.update(bytes),
            State::Bits64(digest) => digest.update(bytes),
        }
    }

    /// The CRC of what came so far, in the lower bits when it has 32.
    pub fn finalize(&self) -> u64 {
        match self.0.clone() {
            State::Bits32(digest) => digest.finalize().into(),
            State::Bits64(digest) => digest.finalize(),
        }
    }
}

/// The CRC of bytes followed by others, from the CRCs of the two and the length of the second, in bytes.
pub fn checksum_combine(algorithm: CrcAlgorithm, first: u64, second: u64, second_length: u64) -> u64 {
    let (bits, polynomial) = match algorithm {
        CrcAlgorithm::Crc32IsoHdlc => (32, u64::from(CRC_32_ISO_HDLC.poly)),
        CrcAlgorithm::Crc32Iscsi => (32, u64::from(CRC_32_ISCSI.poly)),
        CrcAlgorithm::Crc64Nvme => (64, CRC_64_NVME.poly),
    };
    // All three keep their bits in reverse, and invert them before and after, which cancels out here: what is left is the
    // first times x to the power of the second's length in bits.
    let field = Field { bits, polynomial: polynomial.reverse_bits() >> (64 - bits) };
    field.times(first, field.power(second_length)) ^ second
}

/// Polynomials over two elements, modulo one, with the lowest power in the highest bit.
struct Field {
    bits: u32,
    polynomial: u64,
}

impl Field {
    fn one(&self) -> u64 {
        1 << (self.bits - 1)
    }

    fn times(&self, a: u64, mut b: u64) -> u64 {
        let mut product = 0;
        for power in (0..self.bits).rev() {
            if a >> power & 1 == 1 {
                product ^= b;
            }
            b = if b & 1 == 1 { b >> 1 ^ self.polynomial } else { b >> 1 };
        }
        product
    }

    /// x to the power of eight times this.
    fn power(&self, mut bytes: u64) -> u64 {
        let (mut power, mut square) = (self.one(), self.one() >> 8);
        while bytes > 0 {
            if bytes & 1 == 1 {
                power = self.times(power, square);
            }
            square = self.times(square, square);
            bytes >>= 1;
        }
        power
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [CrcAlgorithm; 3] = [CrcAlgorithm::Crc32IsoHdlc, CrcAlgorithm::Crc32Iscsi, CrcAlgorithm::Crc64Nvme];

    fn checksum(algorithm: CrcAlgorithm, bytes: &[u8]) -> u64 {
        let mut digest = Digest::new(algorithm);
        digest.update(bytes);
        digest.finalize()
    }

    #[test]
    fn the_check_values_are_those_of_the_catalogue() {
        let found = ALL.map(|algorithm| checksum(algorithm, b"123456789"));
        assert_eq!(found, [0xcbf4_3926, 0xe306_9283, 0xae8b_1486_0a79_9888]);
    }

    #[test]
    fn pieces_come_to_the_same_as_the_whole() {
        for algorithm in ALL {
            let mut digest = Digest::new(algorithm);
            digest.update(b"1234");
            digest.update(b"");
            digest.update(b"56789");
            assert_eq!(digest.finalize(), checksum(algorithm, b"123456789"), "{algorithm:?}");
        }
    }

    #[test]
    fn two_checksums_become_one_of_both() {
        let bytes: Vec<u8> = (0..100_000_u32).map(|n| (n.wrapping_mul(n) >> 3) as u8).collect();
        for algorithm in ALL {
            for cut in [0, 1, 8, 4095, 65_536, 99_999, 100_000] {
                let (first, second) = bytes.split_at(cut);
                let [first, tail] = [first, second].map(|part| checksum(algorithm, part));
                let combined = checksum_combine(algorithm, first, tail, second.len() as u64);
                assert_eq!(combined, checksum(algorithm, &bytes), "{algorithm:?} cut at {cut}");
            }
        }
    }
}

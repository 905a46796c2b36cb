//! From pieces of any size to parts, hashing on the way.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use protocol::{Algorithm, Digest, Hasher};

use super::session::Checkpoint;
use super::{BodyStream, UploadError};

const MIB: usize = 1024 * 1024;

/// Parts up to this number are of the first size, later ones twice as large. S3 takes 10,000: a blob that comes in one
/// stream may have 117 GiB, and one in pieces of whatever size 73 GiB.
const FIRST_PARTS: i32 = 5_000;

/// Size of a part in bytes, by its number: two of them fit into any function's memory.
pub(crate) fn part_size(number: i32) -> usize {
    if number <= FIRST_PARTS { 8 * MIB } else { 16 * MIB }
}

/// What a request leaves over becomes a part from this size on, and waits for more below it. S3 takes no part below 5 MiB
/// but the last one.
pub(crate) fn smallest_part(number: i32) -> usize {
    if number <= FIRST_PARTS { 5 * MIB } else { 10 * MIB }
}

/// Bytes on their way to S3.
pub(crate) struct Gather {
    buffer: BytesMut,
    /// Of the part that fills.
    number: i32,
    hasher: Hasher,
    /// The request's bytes without those before, when somebody wants to know.
    alone: Option<Alone>,
    /// A piece that reached over the end of a part.
    rest: Bytes,
    received: u64,
    /// What the request may still bring, when it has announced its length.
    announced: Option<u64>,
    left: Option<u64>,
}

/// The bytes of one request.
#[derive(Default)]
struct Alone {
    hasher: Hasher,
    received: u64,
}

/// What [`Gather::fill`] came to.
pub(crate) enum Filled {
    /// A full part.
    Part(Bytes, Checkpoint),
    /// The body is at its end; what is left is shorter than a part.
    End,
}

impl Gather {
    /// Goes on from a checkpoint: the hash state covers the tail.
    pub(crate) fn new(hasher: Hasher, received: u64, next_part: i32, tail: &[u8], announced: Option<u64>) -> Self {
        let buffer = BytesMut::from(tail);
        Self {
            buffer,
            number: next_part,
            hasher,
            alone: None,
            rest: Bytes::new(),
            received,
            announced,
            left: announced,
        }
    }

    /// Hashes the request's bytes alone as well: they may be the whole blob once more.
    pub(crate) fn hash_alone(&mut self) {
        self.alone = Some(Alone::default());
    }

    /// Reads until a part is full or the body ends.
    pub(crate) async fn fill(&mut self, body: &mut BodyStream) -> Result<Filled, UploadError> {
        let full = part_size(self.number);
        loop {
            if !self.rest.is_empty() {
                let room = full.saturating_sub(self.buffer.len());
                let piece = self.rest.split_to(room.min(self.rest.len()));
                self.take(&piece)?;
            }
            if self.buffer.len() >= full {
                self.number += 1;
                return Ok(Filled::Part(self.buffer.split().freeze(), self.checkpoint()));
            }
            match body.next().await {
                Some(Ok(piece)) => self.rest = piece,
                Some(Err(error)) => return Err(UploadError::Interrupted(error)),
                None if self.left.unwrap_or(0) > 0 => return Err(self.wrong_length()),
                None => return Ok(Filled::End),
            }
        }
    }

    fn take(&mut self, piece: &[u8]) -> Result<(), UploadError> {
        let length = piece.len() as u64;
        if let Some(left) = &mut self.left {
            match left.checked_sub(length) {
                Some(rest) => *left = rest,
                None => return Err(self.wrong_length()),
            }
        }
        let full = part_size(self.number);
        if self.buffer.capacity() < full && self.buffer.len() + piece.len() > full / 16 {
            // It is going to be a large one: one allocation instead of a growing one.
            self.buffer.reserve(full - self.buffer.len());
        }
        self.hasher.update(piece);
        if let Some(alone) = &mut self.alone {
            alone.hasher.update(piece);
            alone.received += length;
        }
        self.buffer.extend_from_slice(piece);
        self.received += length;
        Ok(())
    }

    fn wrong_length(&self) -> UploadError {
        UploadError::LengthMismatch { announced: self.announced.unwrap_or_default() }
    }

    /// The state after everything taken so far.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        Checkpoint { received: self.received, hashes: self.hasher.state() }
    }

    /// The digest of everything taken so far.
    pub(crate) fn digest(&self, algorithm: Algorithm) -> Digest {
        self.hasher.digest(algorithm)
    }

    /// Whether the request's bytes alone have a digest.
    pub(crate) fn alone_has(&self, digest: &Digest) -> bool {
        let some = self.alone.as_ref().filter(|alone| alone.received > 0);
        some.is_some_and(|alone| alone.hasher.digest(digest.algorithm()) == *digest)
    }

    /// Forgets what came before the request's bytes.
    pub(crate) fn start_over(&mut self) {
        if let Some(alone) = self.alone.take() {
            (self.hasher, self.received) = (alone.hasher, alone.received);
        }
    }

    /// Whether what is left over is large enough for a part.
    pub(crate) fn makes_a_part(&self) -> bool {
        self.buffer.len() >= smallest_part(self.number)
    }

    /// What is left over, shorter than a part.
    pub(crate) fn remainder(&mut self) -> Bytes {
        self.buffer.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StreamError;

    fn body(pieces: Vec<Result<Bytes, StreamError>>) -> BodyStream {
        Box::pin(futures_util::stream::iter(pieces))
    }

    #[tokio::test]
    async fn pieces_of_any_size_become_parts_of_one_size() {
        let part = part_size(1);
        let content: Vec<u8> = (0..2 * part + 5).map(|i| (i % 251) as u8).collect();
        for piece in [1024 * 1024 - 1, part, part + 1, 3 * part] {
            let mut pieces = body(content.chunks(piece).map(|c| Ok(Bytes::copy_from_slice(c))).collect());
            let mut gather = Gather::new(Hasher::default(), 0, 1, b"", None);
            let mut parts = Vec::new();
            while let Filled::Part(part, checkpoint) = gather.fill(&mut pieces).await.unwrap() {
                parts.push(part);
                let so_far = Hasher::resume(&checkpoint.hashes).unwrap().digest(Algorithm::Sha256);
                assert_eq!(so_far, Digest::sha256(&parts.concat()), "the checkpoint is of the parts' bytes");
            }
            assert_eq!(parts.iter().map(Bytes::len).collect::<Vec<_>>(), [part, part]);
            assert_eq!(gather.remainder().len(), 5);
            assert_eq!(gather.digest(Algorithm::Sha256), Digest::sha256(&content));
        }
    }

    #[tokio::test]
    async fn a_body_of_another_length_than_announced_is_refused() {
        for (announced, sent) in [(3, "four"), (5, "four")] {
            let mut pieces = body(vec![Ok(Bytes::from_static(sent.as_bytes()))]);
            let mut gather = Gather::new(Hasher::default(), 0, 1, b"", Some(announced));
            assert!(matches!(gather.fill(&mut pieces).await, Err(UploadError::LengthMismatch { .. })));
        }
    }

    #[tokio::test]
    async fn parts_grow_with_their_number() {
        let mut pieces = body((0..26).map(|_| Ok(Bytes::from(vec![0; MIB]))).collect());
        let mut gather = Gather::new(Hasher::default(), 0, FIRST_PARTS, b"", None);
        let mut parts = Vec::new();
        while let Filled::Part(part, _) = gather.fill(&mut pieces).await.unwrap() {
            parts.push(part.len());
        }
        assert_eq!(parts, [8 * MIB, 16 * MIB]);
        assert!(!gather.makes_a_part(), "2 MiB wait for more");
    }

    #[test]
    fn the_parts_of_s3_hold_far_more_than_50_gb() {
        for size in [part_size, smallest_part] {
            let all: u64 = (1..=10_000).map(|number| size(number) as u64).sum();
            assert!(all > 75_000_000_000, "{all}");
        }
    }
}

//! From pieces of any size to parts, hashing on the way.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use protocol::{Algorithm, Digest, Hasher};

use super::session::Checkpoint;
use super::{BodyStream, UploadError};

/// Size of a part in bytes: 8 MiB, so that 10,000 of them hold 80 GiB and two of them fit into any function's memory.
pub(crate) const PART: usize = 8 * 1024 * 1024;

/// S3's smallest part, the last one aside: 5 MiB.
pub(crate) const SMALLEST_PART: usize = 5 * 1024 * 1024;

/// Bytes on their way to S3.
pub(crate) struct Gather {
    buffer: BytesMut,
    hasher: Hasher,
    /// A piece that reached over the end of a part.
    rest: Bytes,
    received: u64,
    /// What the request may still bring, when it has announced its length.
    announced: Option<u64>,
    left: Option<u64>,
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
    pub(crate) fn new(hasher: Hasher, received: u64, tail: &[u8], announced: Option<u64>) -> Self {
        let buffer = BytesMut::from(tail);
        Self { buffer, hasher, rest: Bytes::new(), received, announced, left: announced }
    }

    /// Reads until a part is full or the body ends.
    pub(crate) async fn fill(&mut self, body: &mut BodyStream) -> Result<Filled, UploadError> {
        loop {
            if !self.rest.is_empty() {
                let room = PART - self.buffer.len();
                let piece = self.rest.split_to(room.min(self.rest.len()));
                self.take(&piece)?;
            }
            if self.buffer.len() >= PART {
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
        if self.buffer.capacity() < PART && self.buffer.len() + piece.len() > SMALLEST_PART / 8 {
            // It is going to be a large one: one allocation instead of a growing one.
            self.buffer.reserve(PART - self.buffer.len());
        }
        self.hasher.update(piece);
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
        let content: Vec<u8> = (0..2 * PART + 5).map(|i| (i % 251) as u8).collect();
        for piece in [1024 * 1024 - 1, PART, PART + 1, 3 * PART] {
            let mut pieces = body(content.chunks(piece).map(|c| Ok(Bytes::copy_from_slice(c))).collect());
            let mut gather = Gather::new(Hasher::default(), 0, b"", None);
            let mut parts = Vec::new();
            while let Filled::Part(part, checkpoint) = gather.fill(&mut pieces).await.unwrap() {
                parts.push(part);
                let so_far = Hasher::resume(&checkpoint.hashes).unwrap().digest(Algorithm::Sha256);
                assert_eq!(so_far, Digest::sha256(&parts.concat()), "the checkpoint is of the parts' bytes");
            }
            assert_eq!(parts.iter().map(Bytes::len).collect::<Vec<_>>(), [PART, PART]);
            assert_eq!(gather.remainder().len(), 5);
            assert_eq!(gather.digest(Algorithm::Sha256), Digest::sha256(&content));
        }
    }

    #[tokio::test]
    async fn a_body_of_another_length_than_announced_is_refused() {
        for (announced, sent) in [(3, "four"), (5, "four")] {
            let mut pieces = body(vec![Ok(Bytes::from_static(sent.as_bytes()))]);
            let mut gather = Gather::new(Hasher::default(), 0, b"", Some(announced));
            assert!(matches!(gather.fill(&mut pieces).await, Err(UploadError::LengthMismatch { .. })));
        }
    }
}

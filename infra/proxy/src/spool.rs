//! Blobs on the disk, until the registry has them.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use protocol::{Algorithm, Digest, Hasher};
use tokio::task::block_in_place;

use crate::progress::Track;

/// How much is read at a time.
const READ: u64 = 256 * 1024;

/// A file without a name: the system removes it when nobody has it open any more, and be it by a kill.
pub(crate) struct Spool {
    file: Arc<File>,
    length: u64,
    hasher: Hasher,
}

/// What a spool held at some time.
pub(crate) struct Mark {
    length: u64,
    hasher: Hasher,
}

impl Spool {
    pub(crate) fn create(directory: &Path) -> io::Result<Self> {
        let file = tempfile::tempfile_in(directory)?;
        Ok(Self { file: Arc::new(file), length: 0, hasher: Hasher::default() })
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn digest(&self, algorithm: Algorithm) -> Digest {
        self.hasher.digest(algorithm)
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        block_in_place(|| {
            self.file.write_all_at(bytes, self.length)?;
            self.hasher.update(bytes);
            self.length += bytes.len() as u64;
            Ok(())
        })
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { length: self.length, hasher: self.hasher.clone() }
    }

    /// Forgets what came since.
    pub(crate) fn reset(&mut self, mark: Mark) {
        (self.length, self.hasher) = (mark.length, mark.hasher);
    }

    /// The bytes from `first` on; `track` is told how far they were read.
    pub(crate) fn slice(&self, first: u64, length: u64, track: &Track) -> Slice {
        Slice { file: self.file.clone(), first, end: first + length, track: track.clone() }
    }
}

/// A part of a spool, to be sent.
#[derive(Clone)]
pub(crate) struct Slice {
    file: Arc<File>,
    first: u64,
    end: u64,
    track: Track,
}

impl Slice {
    pub(crate) fn length(&self) -> u64 {
        self.end - self.first
    }

    /// From its start, as often as it is wanted.
    pub(crate) fn body(&self) -> SliceBody {
        self.track.at(self.first);
        SliceBody(self.clone())
    }
}

/// What is left to be sent of a slice.
pub(crate) struct SliceBody(Slice);

impl Body for SliceBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let slice = &mut self.get_mut().0;
        let mut piece = vec![0; usize::try_from(slice.length().min(READ)).unwrap_or_default()];
        if piece.is_empty() {
            return Poll::Ready(None);
        }
        block_in_place(|| slice.file.read_exact_at(&mut piece, slice.first))?;
        slice.first += piece.len() as u64;
        slice.track.at(slice.first);
        Poll::Ready(Some(Ok(Frame::data(piece.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.length() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.length())
    }
}

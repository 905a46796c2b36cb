//! What is in a layer: decompressed and hashed piece by piece, so that memory doesn't grow with it.

use std::fmt;
use std::io::{self, Write as _};

use flate2::write::MultiGzDecoder;
use protocol::{Compression, Digest};
use sha2::{Digest as _, Sha256};
use zstd::stream::raw::{Decoder, InBuffer, Operation as _, OutBuffer};

/// The most that a layer may unpack to, in bytes. Larger ones are bombs, or of no use to anybody.
pub const MAX_CONTENT: u64 = 32 * 1024 * 1024 * 1024;

/// A layer that can't be read, now or later; in words that go behind "the layer".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(pub String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads a layer, whatever it is compressed with.
pub struct Content {
    form: Form,
}

enum Form {
    Plain(Unpacked),
    Gzip(Box<MultiGzDecoder<Unpacked>>),
    Zstd(Box<Frames>),
}

impl Content {
    /// Begins a layer. `start` are its first bytes: six, or all if there are fewer. `max` is what it may unpack to.
    ///
    /// # Errors
    /// When it is compressed with something that no media type of layers names.
    pub fn new(start: &[u8], max: u64) -> Result<Self, Unreadable> {
        let unpacked = Unpacked { hasher: Sha256::new(), length: 0, max };
        let form = match start {
            // RFC 1952, section 2.3.1.
            [0x1f, 0x8b, ..] => Form::Gzip(Box::new(MultiGzDecoder::new(unpacked))),
            // RFC 8878, sections 3.1.1 and 3.1.2: a frame, or one to be skipped.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
                Form::Zstd(Box::new(Frames::new(unpacked).map_err(|error| Unreadable(error.to_string()))?))
            }
            [b'B', b'Z', b'h', ..] => return Err(unnamed("bzip2")),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => return Err(unnamed("xz")),
            _ => Form::Plain(unpacked),
        };
        Ok(Self { form })
    }

    /// Takes the next bytes of the blob. It unpacks them before it returns, so small pieces keep it short.
    ///
    /// # Errors
    /// When they can't be unpacked, or unpack to too much.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        let pushed = match &mut self.form {
            Form::Plain(unpacked) => unpacked.write_all(bytes),
            Form::Gzip(decoder) => decoder.write_all(bytes),
            Form::Zstd(frames) => frames.push(bytes),
        };
        pushed.map_err(|error| self.unreadable(&error))
    }

    /// Ends the layer.
    ///
    /// # Errors
    /// When it isn't complete.
    pub fn finish(mut self) -> Result<(Compression, Digest), Unreadable> {
        let ended = match &mut self.form {
            Form::Plain(_) => Ok(()),
            Form::Gzip(decoder) => decoder.try_finish(),
            Form::Zstd(frames) if frames.complete => Ok(()),
            Form::Zstd(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        };
        ended.map_err(|error| self.unreadable(&error))?;
        let (compression, unpacked) = self.unpacked();
        Ok((compression, Digest::from_sha256(unpacked.hasher.clone().finalize().into())))
    }

    fn unreadable(&self, error: &io::Error) -> Unreadable {
        let (compression, unpacked) = self.unpacked();
        match unpacked.is_full() {
            true => Unreadable(format!("unpacks to more than {} bytes", unpacked.max)),
            false => Unreadable(format!("begins as {compression:?} but can't be unpacked to its end: {error}")),
        }
    }

    fn unpacked(&self) -> (Compression, &Unpacked) {
        match &self.form {
            Form::Plain(unpacked) => (Compression::None, unpacked),
            Form::Gzip(decoder) => (Compression::Gzip, decoder.get_ref()),
            Form::Zstd(frames) => (Compression::Zstd, &frames.unpacked),
        }
    }
}

fn unnamed(compression: &str) -> Unreadable {
    Unreadable(format!("is compressed with {compression}, which schema 2 and OCI have no media type for"))
}

/// Where the unpacked bytes go: into a hash.
struct Unpacked {
    hasher: Sha256,
    length: u64,
    max: u64,
}

impl Unpacked {
    /// Whether it was given more than it takes.
    fn is_full(&self) -> bool {
        self.length > self.max
    }
}

impl io::Write for Unpacked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.length = self.length.saturating_add(bytes.len() as u64);
        if self.is_full() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.hasher.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// zstd frames, one behind the other. The decoder refuses windows above 128 MiB by itself.
struct Frames {
    decoder: Decoder<'static>,
    buffer: Vec<u8>,
    unpacked: Unpacked,
    /// Whether the bytes so far end with a frame.
    complete: bool,
}

impl Frames {
    fn new(unpacked: Unpacked) -> io::Result<Self> {
        Ok(Self { decoder: Decoder::new()?, buffer: vec![0; 128 * 1024], unpacked, complete: false })
    }

    fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut input = InBuffer::around(bytes);
        loop {
            let mut output = OutBuffer::around(self.buffer.as_mut_slice());
            let expected = self.decoder.run(&mut input, &mut output)?;
            let (written, full) = (output.pos(), output.pos() == output.capacity());
            self.unpacked.write_all(&self.buffer[..written])?;
            self.complete = expected == 0;
            // A full buffer may leave unpacked bytes behind in the decoder, unless the frame is complete.
            if input.pos() == bytes.len() && (self.complete || !full) {
                return Ok(());
            }
        }
    }
}

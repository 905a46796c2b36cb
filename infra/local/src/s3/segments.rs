//! The bytes: segments under random names, written once, read by position, removed when nobody reads them any more.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use uuid::Uuid;

/// A body that was received whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Segment {
    pub(super) id: String,
    /// In bytes.
    pub(super) size: u64,
}

/// All segments of a store.
pub(super) struct Segments {
    place: Place,
    readers: Mutex<HashMap<String, Readers>>,
}

enum Place {
    Directory { incoming: PathBuf, segments: PathBuf },
    Memory(Mutex<HashMap<String, Arc<[Bytes]>>>),
}

/// Who reads a segment, and whether its last reader shall remove it.
#[derive(Default)]
struct Readers {
    count: usize,
    doomed: bool,
}

impl Segments {
    pub(super) fn in_memory() -> Self {
        Self::new(Place::Memory(Mutex::default()))
    }

    /// Makes the directories below `root` and removes bodies that were never received whole.
    pub(super) fn in_directory(root: &Path) -> io::Result<Self> {
        let incoming = root.join("incoming");
        let segments = root.join("segments");
        fs::create_dir_all(&incoming)?;
        for stray in fs::read_dir(&incoming)? {
            fs::remove_file(stray?.path())?;
        }
        // A directory with 100,000 entries is slow on some file systems.
        for shard in 0..=u8::MAX {
            fs::create_dir_all(segments.join(format!("{shard:02x}")))?;
        }
        Ok(Self::new(Place::Directory { incoming, segments }))
    }

    fn new(place: Place) -> Self {
        Self { place, readers: Mutex::default() }
    }

    /// Removes the segments that no record names: their process died before it wrote the record, or after it had
    /// deleted it. To be called before the first request.
    pub(super) fn remove_strays(&self, named: &HashSet<String>) -> io::Result<()> {
        let Place::Directory { segments, .. } = &self.place else {
            return Ok(());
        };
        for shard in fs::read_dir(segments)? {
            for segment in fs::read_dir(shard?.path())? {
                let segment = segment?;
                if !segment.file_name().to_str().is_some_and(|id| named.contains(id)) {
                    fs::remove_file(segment.path())?;
                }
            }
        }
        Ok(())
    }

    /// Begins a segment. Dropping the writer removes what was written.
    pub(super) fn create(self: &Arc<Self>) -> io::Result<Writer> {
        let target = match &self.place {
            Place::Directory { incoming, .. } => Target::File(NamedTempFile::new_in(incoming)?),
            Place::Memory(_) => Target::Memory(Vec::new()),
        };
        Ok(Writer { segments: Arc::clone(self), target, size: 0 })
    }

    /// Keeps the segments readable until the lease is dropped, even if they are removed meanwhile. To be called while
    /// the index is locked, so that nobody removes them between the look-up and the lease.
    pub(super) fn lease(self: &Arc<Self>, segments: Vec<Segment>) -> Lease {
        let mut readers = lock(&self.readers);
        for segment in &segments {
            readers.entry(segment.id.clone()).or_default().count += 1;
        }
        drop(readers);
        Lease { store: Arc::clone(self), segments }
    }

    /// Removes segments that no record names any more; what is being read goes with its last reader.
    ///
    /// A failure is logged and not returned: the records are gone already, and the next start tries again.
    pub(super) fn remove<'a>(&self, ids: impl IntoIterator<Item = &'a str>) {
        for id in ids {
            if let Some(readers) = lock(&self.readers).get_mut(id) {
                readers.doomed = true;
                continue;
            }
            self.remove_now(id);
        }
    }

    fn remove_now(&self, id: &str) {
        match &self.place {
            Place::Directory { segments, .. } => {
                if let Err(cause) = fs::remove_file(path_of(segments, id)) {
                    tracing::warn!(%cause, segment = id, "embedded S3 can't remove a segment; the next start will");
                }
            }
            Place::Memory(all) => {
                lock(all).remove(id);
            }
        }
    }

    fn end_lease(&self, id: &str) {
        let mut all = lock(&self.readers);
        let Some(readers) = all.get_mut(id) else { return };
        readers.count -= 1;
        if readers.count > 0 {
            return;
        }
        let doomed = readers.doomed;
        all.remove(id);
        drop(all);
        if doomed {
            self.remove_now(id);
        }
    }

    /// Reads at most `limit` bytes, and at least one, from `offset`, which lies inside the segment.
    fn read(&self, segment: &Segment, offset: u64, limit: u64) -> io::Result<Bytes> {
        match &self.place {
            Place::Directory { segments, .. } => {
                let mut file = File::open(path_of(segments, &segment.id))?;
                file.seek(SeekFrom::Start(offset))?;
                let length = limit.min(segment.size - offset);
                let mut bytes = Vec::with_capacity(usize::try_from(length).map_err(io::Error::other)?);
                file.take(length).read_to_end(&mut bytes)?;
                if bytes.is_empty() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Ok(bytes.into())
            }
            Place::Memory(all) => {
                let chunks = lock(all).get(&segment.id).cloned().ok_or(io::ErrorKind::NotFound)?;
                let mut offset = usize::try_from(offset).map_err(io::Error::other)?;
                for chunk in chunks.iter() {
                    if offset < chunk.len() {
                        let end = usize::try_from(limit).map_or(chunk.len(), |limit| chunk.len().min(offset + limit));
                        return Ok(chunk.slice(offset..end));
                    }
                    offset -= chunk.len();
                }
                Err(io::ErrorKind::UnexpectedEof.into())
            }
        }
    }
}

/// A segment being received.
pub(super) struct Writer {
    segments: Arc<Segments>,
    target: Target,
    size: u64,
}

enum Target {
    File(NamedTempFile),
    Memory(Vec<Bytes>),
}

impl Writer {
    /// Appends the pieces in order.
    pub(super) fn write(&mut self, pieces: &[Bytes]) -> io::Result<()> {
        for piece in pieces {
            self.size += piece.len() as u64;
        }
        match &mut self.target {
            Target::File(file) => pieces.iter().try_for_each(|piece| file.write_all(piece)),
            // Copied together, because a small piece may hold on to the large buffer it was read into.
            Target::Memory(chunks) => {
                chunks.push(pieces.concat().into());
                Ok(())
            }
        }
    }

    /// Flushes the segment to the medium and gives it its name. It stays until it is removed.
    pub(super) fn finish(self) -> io::Result<Segment> {
        let id = Uuid::new_v4().simple().to_string();
        match (self.target, &self.segments.place) {
            (Target::File(file), Place::Directory { segments, .. }) => {
                // The records, here and in DynamoDB, are flushed as well: none may outlive the bytes that it names.
                file.as_file().sync_data()?;
                let path = path_of(segments, &id);
                file.persist(&path).map_err(|error| error.error)?;
                #[cfg(unix)]
                File::open(path.parent().unwrap_or(segments))?.sync_all()?;
            }
            (Target::Memory(chunks), Place::Memory(all)) => {
                lock(all).insert(id.clone(), chunks.into());
            }
            (Target::File(_), Place::Memory(_)) | (Target::Memory(_), Place::Directory { .. }) => {
                return Err(io::Error::other("a segment is finished where it was begun"));
            }
        }
        Ok(Segment { id, size: self.size })
    }
}

/// The right to read some segments, one after the other, as one body.
pub(super) struct Lease {
    store: Arc<Segments>,
    segments: Vec<Segment>,
}

impl Lease {
    /// Reads at most `limit` bytes, and at least one, from `position` in the body.
    pub(super) fn read(&self, position: u64, limit: u64) -> io::Result<Bytes> {
        let mut offset = position;
        for segment in &self.segments {
            if offset < segment.size {
                return self.store.read(segment, offset, limit);
            }
            offset -= segment.size;
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        for segment in &self.segments {
            self.store.end_lease(&segment.id);
        }
    }
}

fn path_of(segments: &Path, id: &str) -> PathBuf {
    segments.join(id.get(..2).unwrap_or(id)).join(id)
}

/// No lock is held across anything that can panic half-way through a change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Reads the layers of schema 1 images in the background.
//!
//! Schema 2 and OCI name each layer's diff_id, the digest of its uncompressed content, and schema 1 doesn't. So every
//! layer is unpacked once; what was found is kept beside the blob, and `manifest-get` converts with it. Nothing else is
//! written, so running it again, or twice at a time, does no harm.

mod content;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use conversion::Manifest;
use protocol::{Compression, Digest, Function};
use runtime::{Background, Deadline, Environment, Job, JobError, Schema1Upgrade, StartError};
use storage::{Blob, LayerContent, Storage};
use uuid::Uuid;

pub use content::{Content, MAX_CONTENT, Unreadable};

/// Bytes fetched at a time: what a broken connection costs at the most.
const PIECE: u64 = 8 * 1024 * 1024;
/// Bytes unpacked at a time. They may become a thousand times as many before anything else gets a turn.
const SLICE: usize = 64 * 1024;
/// How long others leave a layer alone when its reader dies. Each piece renews it.
const LEASE: Duration = Duration::from_secs(60);
/// What has to be left of the function's time to go on: enough to fetch a piece, unpack a slice, and say how far it came.
const RESERVE: Duration = Duration::from_secs(30);
/// How often a piece is asked for when the connection breaks in the middle.
const ATTEMPTS: usize = 3;

/// The function.
pub struct Upgrade {
    storage: Arc<Storage>,
    background: Background,
}

/// How the reading of a layer ended.
enum Read {
    Done(Compression, Digest),
    Unreadable(Unreadable),
    /// Deleted meanwhile.
    Gone,
    OutOfTime,
}

impl Upgrade {
    /// Over a storage that is shared. `background` is to start it again when its time is over.
    pub fn new(storage: Arc<Storage>, background: Background) -> Self {
        Self { storage, background }
    }

    /// Opens table and bucket.
    pub async fn start(environment: Environment) -> Self {
        let storage = Storage::new(&environment.storage);
        tokio::join!(storage.warm_up(), storage.warm_up_bucket());
        Self::new(Arc::new(storage), Background::new(&environment.background, &environment.storage))
    }

    /// Reads a claimed layer from its beginning.
    async fn read(&self, digest: &Digest, blob: &Blob, claimant: &str, deadline: Deadline) -> Result<Read, JobError> {
        let mut content: Option<Content> = None;
        let mut offset = 0;
        loop {
            if deadline.remaining() < RESERVE {
                return Ok(Read::OutOfTime);
            }
            let Some(piece) = self.piece(blob, offset).await? else { return Ok(Read::Gone) };
            let unpacking = match &mut content {
                Some(content) => content,
                None => match Content::new(&piece, MAX_CONTENT) {
                    Ok(new) => content.insert(new),
                    Err(unreadable) => return Ok(Read::Unreadable(unreadable)),
                },
            };
            for slice in piece.chunks(SLICE) {
                if deadline.remaining() < RESERVE {
                    return Ok(Read::OutOfTime);
                }
                if let Err(unreadable) = unpacking.push(slice) {
                    return Ok(Read::Unreadable(unreadable));
                }
                // On a laptop others wait for this thread.
                tokio::task::yield_now().await;
            }
            offset += piece.len() as u64;
            if offset >= blob.size {
                break;
            }
            self.storage.claim_layer(digest, claimant, LEASE).await?;
        }
        Ok(match content.map(Content::finish) {
            Some(Ok((compression, diff_id))) => Read::Done(compression, diff_id),
            Some(Err(unreadable)) => Read::Unreadable(unreadable),
            None => Read::Gone,
        })
    }

    /// A piece of a blob. The SDK tries requests again, but not bodies that break off.
    async fn piece(&self, blob: &Blob, offset: u64) -> Result<Option<Bytes>, JobError> {
        let mut attempts = 1;
        loop {
            match self.storage.blob_piece(blob, offset, PIECE).await {
                Err(error) if attempts < ATTEMPTS => tracing::warn!(%error, "a piece of a layer is fetched again"),
                result => return Ok(result?),
            }
            attempts += 1;
        }
    }

    /// Keeps what came of a layer. False when the function's time is over.
    async fn keep(
        &self,
        digest: &Digest,
        read: Read,
        claimant: &str,
        had_all_the_time: bool,
    ) -> Result<bool, JobError> {
        match read {
            Read::Done(compression, diff_id) => {
                tracing::info!(layer = %digest, %diff_id, "read");
                self.storage.record_layer(digest, compression, &diff_id).await?;
            }
            Read::Unreadable(Unreadable(problem)) => {
                tracing::warn!(layer = %digest, problem, "can't be read");
                self.storage.record_unreadable_layer(digest, &problem).await?;
            }
            Read::Gone => self.storage.release_layer(digest, claimant).await?,
            Read::OutOfTime if had_all_the_time => {
                let problem = "takes longer to unpack than a function may run";
                tracing::warn!(layer = %digest, problem, "can't be read");
                self.storage.record_unreadable_layer(digest, problem).await?;
                return Ok(false);
            }
            Read::OutOfTime => {
                self.storage.release_layer(digest, claimant).await?;
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Job for Upgrade {
    type Event = Schema1Upgrade;

    /// Reads each layer that nobody has read or reads. When its time is over, it starts itself again for the rest; a
    /// layer that doesn't fit into all of it is given up, so this comes to an end.
    async fn run(&self, event: Schema1Upgrade, deadline: Deadline) -> Result<(), JobError> {
        let Schema1Upgrade { repository, digest } = &event;
        let Some(stored) = self.storage.manifest(repository, digest).await? else { return Ok(()) };
        let manifest = Manifest::stored(stored.bytes.to_vec(), &stored.media_type);
        let layers = match manifest.map_err(|error| JobError(error.to_string()))?.schema1_layers() {
            Ok(layers) => layers,
            // Then it can't be converted, and whoever pulls it is told so.
            Err(refusal) => {
                tracing::info!(%repository, %digest, %refusal, "nothing to read");
                return Ok(());
            }
        };
        let claimant = Uuid::new_v4().to_string();
        let mut had_all_the_time = true;
        for (layer, known) in self.storage.layers(repository, &layers).await? {
            let is_open = matches!(known.content, LayerContent::Unknown);
            if !is_open || !self.storage.claim_layer(&layer, &claimant, LEASE).await? {
                continue;
            }
            let read = match self.read(&layer, &known.blob, &claimant, deadline).await {
                Ok(read) => read,
                Err(error) => {
                    // So that Lambda's next attempt may read it.
                    self.storage.release_layer(&layer, &claimant).await?;
                    return Err(error);
                }
            };
            if !self.keep(&layer, read, &claimant, had_all_the_time).await? {
                let again = self.background.start_schema1_upgrade(&event).await;
                return again.map_err(|error| JobError(error.to_string()));
            }
            had_all_the_time = false;
        }
        Ok(())
    }
}

/// Runs the function in Lambda.
///
/// # Errors
/// When the environment lacks something.
pub fn main() -> Result<(), StartError> {
    runtime::run_job(Function::Schema1Upgrade, Upgrade::start)
}

//! S3 and DynamoDB, and nothing else talks to them.
//!
//! One table holds the metadata ([`keys`] draws it), one bucket holds the bytes. The rules that keep the two together:
//!
//! - Objects have fresh random keys and are never overwritten or moved; the table says which key holds which digest.
//! - A record is written only after the object that it names is complete. Every object without a record is named by an
//!   upload session, so whoever collects garbage finds it there.
//! - Every write that could race is conditional or a transaction.
//!
//! - Nothing that is referred to can vanish: deletions mark, look, and take what is still marked ([`Guard`]).
//!
//! The crate speaks to embedded stand-ins and to AWS alike, through the AWS SDK, so there is one implementation.

mod blobs;
mod cache;
mod census;
mod client;
mod collection;
pub mod deadline;
mod derived;
mod documents;
mod error;
mod guards;
pub mod keys;
mod layers;
mod listing;
mod manifests;
mod marks;
mod objects;
mod observe;
mod orphans;
mod push;
mod references;
mod referrers;
mod removal;
mod repositories;
mod scrub;
mod signing_keys;
mod table;
mod uploads;

pub use blobs::{Blob, MountError};
pub use census::{BlobEntry, ManifestEntry, TagEntry};
pub use client::{Config, Credentials};
pub use collection::{CollectionState, OwnerlessConversion};
pub use derived::NewDerived;
pub use documents::{Document, DocumentName, DocumentWrite};
pub use error::Error;
pub use guards::Guard;
pub use layers::{Layer, LayerContent};
pub use listing::Page;
pub use manifests::{StoredManifest, TagRecord};
pub use marks::{Mark, Markable};
pub use objects::UrlMethod;
pub use observe::{Observe, Observer};
pub use orphans::Orphan;
pub use push::{NewManifest, PutError};
pub use references::References;
pub use referrers::Referrer;
pub use removal::{DeleteError, DeletedManifest};
pub use repositories::{NoRepository, Policy, Settings, TagIsImmutable};
pub use scrub::{
    BlobRecords, Look, ManifestBytes, ManifestRecords, MissingReferences, Range, RecordedManifest, RestoredManifest,
    TagRecords,
};
pub use signing_keys::{PrivateKey, PublicKey};
pub use table::now;
pub use uploads::{
    BodyStream, DirectError, DirectStart, DirectUpload, Finished, Pending, Progress, SessionEntry, StreamError,
    UploadError, new_upload_id,
};

use cache::ManifestCache;
use objects::Bucket;
use table::Table;

/// The registry's data. Cheap to share behind an `Arc`.
pub struct Storage {
    table: Table,
    bucket: Bucket,
    manifests: ManifestCache,
    policy: Policy,
}

impl Storage {
    /// Clients for the table and the bucket. Nothing is sent yet.
    pub fn new(config: &Config) -> Self {
        Self {
            table: Table::new(client::dynamodb(config), &config.table),
            bucket: Bucket::new(client::s3(config), &config.bucket),
            manifests: ManifestCache::default(),
            policy: config.policy,
        }
    }

    /// Opens the connection to DynamoDB, so that the first request doesn't wait for its TLS handshake.
    ///
    /// For a function's initialisation, which has the full CPU. A failure is left to the first request to report.
    pub async fn warm_up(&self) {
        if let Err(error) = self.table.get(keys::warm_up()).await {
            tracing::warn!(%error, "no connection to DynamoDB during initialisation");
        }
    }

    /// Opens the connection to S3 as well, for the functions that send or fetch objects.
    pub async fn warm_up_bucket(&self) {
        if let Err(error) = self.bucket.get("blobs/warm-up").await {
            tracing::warn!(%error, "no connection to S3 during initialisation");
        }
    }
}

//! Bringing a blob to the registry: straight to its bucket, or in pieces through its gateway.
//!
//! How far that got outlives a request that fails, so that a client that repeats it goes on from there.

mod direct;
mod pieces;

use http::Method;
use http::header::HeaderMap;
use http::uri::PathAndQuery;
use protocol::{Algorithm, Digest, RepositoryName};

use crate::door::Door;
use crate::payload::Payload;
use crate::progress::Track;
use crate::reply::Failure;
use crate::spool::Spool;

use direct::Direct;

/// The most that one request to the registry carries. Lambda takes 6 MB, in base64, with all that is around it.
const PIECE: u64 = 4_000_000;
/// The most that S3 takes at once.
const MOST_DIRECT: u64 = 5 << 30;

/// What the registry has of a blob.
#[derive(Default)]
pub(crate) struct Delivery {
    /// Of this blob, once something was sent.
    digest: Option<Digest>,
    /// An upload session of the registry's.
    session: Option<PathAndQuery>,
    /// One whose bytes go to the bucket.
    direct: Option<Direct>,
}

/// A blob on its way, and on whose behalf.
struct Parcel<'a> {
    name: &'a RepositoryName,
    digest: &'a Digest,
    spool: &'a Spool,
    caller: &'a HeaderMap,
    track: &'a Track,
}

impl Delivery {
    /// With a session that was opened already.
    pub(crate) fn through(session: Option<PathAndQuery>) -> Self {
        Self { session, ..Self::default() }
    }
}

impl Door {
    /// Sends a blob to the registry; when this returns, the repository has it.
    pub(crate) async fn deliver(
        &self,
        name: &RepositoryName,
        spool: &Spool,
        digest: &Digest,
        delivery: &mut Delivery,
        caller: &HeaderMap,
    ) -> Result<(), Failure> {
        if delivery.digest.as_ref().is_some_and(|before| before != digest) {
            // An earlier attempt ended with other bytes.
            self.withdraw(delivery, caller).await;
        }
        delivery.digest = Some(digest.clone());
        let track = self.display.track(name, digest, spool.length());
        let parcel = Parcel { name, digest, spool, caller, track: &track };
        let may_go_directly =
            digest.algorithm() == Algorithm::Sha256 && (PIECE + 1..=MOST_DIRECT).contains(&spool.length());
        if may_go_directly && self.deliver_directly(&parcel, delivery).await? {
            self.withdraw(delivery, caller).await;
            track.arrived("sent to the bucket");
        } else {
            self.deliver_in_pieces(&parcel, delivery).await?;
            track.arrived("sent");
        }
        Ok(())
    }

    /// Gives up what the registry has of a blob that isn't finished.
    pub(crate) async fn withdraw(&self, delivery: &mut Delivery, caller: &HeaderMap) {
        let left = std::mem::take(delivery);
        let sessions = left.session.into_iter().chain(left.direct.map(|direct| direct.location));
        for session in sessions {
            self.cancel_upstream(session, caller).await;
        }
    }

    async fn cancel_upstream(&self, session: PathAndQuery, caller: &HeaderMap) {
        let call = self.upstream.call(Method::DELETE, session, caller.clone(), Payload::nothing());
        // Nothing depends on it.
        if let Err(error) = self.upstream.send(&call).await {
            tracing::debug!(%error, "an upload session stays at the registry");
        }
    }
}

/// A session's URL with the digest that ends it.
fn with_digest(session: &PathAndQuery, digest: &Digest) -> Option<PathAndQuery> {
    let separator = if session.query().is_some() { '&' } else { '?' };
    format!("{session}{separator}digest={digest}").parse().ok()
}

//! Bodies whose length is known, and that can be sent more than once.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::{Body, Frame, SizeHint};

use crate::spool::{Slice, SliceBody};

/// What a request carries.
pub(crate) enum Payload {
    /// A manifest, or nothing.
    Bytes(Bytes),
    /// A blob or a piece of one.
    Spooled(Slice),
}

impl Payload {
    pub(crate) fn nothing() -> Self {
        Self::Bytes(Bytes::new())
    }

    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Spooled(slice) => slice.length(),
        }
    }

    /// From its start; `sent` counts the frames that were taken.
    pub(crate) fn body(&self, sent: Arc<AtomicU64>) -> Counted {
        let body = match self {
            Self::Bytes(bytes) => Either::Left(Full::new(bytes.clone())),
            Self::Spooled(slice) => Either::Right(slice.body()),
        };
        Counted { body, sent }
    }
}

/// A body on its way.
pub(crate) struct Counted {
    body: Either<Full<Bytes>, SliceBody>,
    sent: Arc<AtomicU64>,
}

impl Body for Counted {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        match &mut self.body {
            Either::Left(bytes) => Pin::new(bytes).poll_frame(context).map_err(|never| match never {}),
            Either::Right(slice) => Pin::new(slice).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

//! Signing what was pushed unsigned: most clients of schema 1 refuse it otherwise.

use protocol::MediaType;

use super::history::History;
use super::{jws, time};
use crate::convert::Converted;
use crate::{Manifest, ParseError, Refusal};

/// The same manifest with a signature. The digest stays, as it is the payload's.
pub(crate) fn sign(source: &Manifest) -> Result<Converted, Refusal> {
    let payload = std::str::from_utf8(source.schema1_payload().unwrap_or_default());
    let payload = payload.map_err(|error| Refusal::Result(ParseError::NotJson(error.to_string())))?;
    // A history that can't be read is no reason to keep the image from its clients.
    let history = History::of(source).ok();
    let created = history.as_ref().and_then(History::created).unwrap_or(time::ZERO);
    let signed = jws::sign(payload, &time::whole_seconds(created));
    Ok(Converted { manifest: Manifest::derived(signed, &MediaType::DockerSchema1Signed)?, blobs: Vec::new() })
}

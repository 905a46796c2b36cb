//! Reading schema 1.

use protocol::{Digest, MediaType};

use super::jws;
use crate::ParseError;
use crate::json::{Node, Object};

/// What was read from a schema 1 manifest.
#[derive(Clone, Debug)]
pub(crate) struct Schema1 {
    /// What the signatures cover, when it is signed: the whole truth, whatever else stands beside it.
    pub(crate) payload: Option<Vec<u8>>,
    /// The layers, the newest first.
    pub(crate) fs_layers: Vec<Digest>,
}

/// Whether signatures still have to be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// The bytes come from a client.
    Verify,
    /// The bytes come from storage, and were verified when they came.
    Verified,
}

impl Schema1 {
    /// Reads a manifest; `document` is the parsed view of `bytes`.
    pub(crate) fn parse(bytes: &[u8], document: &Object<'_>, trust: Trust) -> Result<Self, ParseError> {
        let Some(signatures) = document.get("signatures")? else {
            return Ok(Self { payload: None, fs_layers: fs_layers(document)? });
        };
        let signed = jws::Signed::parse(bytes, &signatures)?;
        if trust == Trust::Verify {
            signed.verify()?;
        }
        let payload = signed.into_payload();
        let fs_layers = fs_layers(&Node::document(&payload)?.object()?)?;
        Ok(Self { payload: Some(payload), fs_layers })
    }

    /// Signed or not.
    pub(crate) fn media_type(&self) -> MediaType {
        if self.payload.is_some() { MediaType::DockerSchema1Signed } else { MediaType::DockerSchema1 }
    }
}

/// Checks what the format demands and gives the layers.
fn fs_layers(manifest: &Object<'_>) -> Result<Vec<Digest>, ParseError> {
    if manifest.require("schemaVersion")?.size()? != 1 {
        return Err(manifest.error("schemaVersion", "must be 1 in a schema 1 manifest"));
    }
    for key in ["config", "layers", "manifests"] {
        if manifest.get(key)?.is_some() {
            return Err(manifest.error(key, "doesn't belong into a schema 1 manifest"));
        }
    }
    for key in ["name", "tag", "architecture"] {
        manifest.read(key, Node::string)?;
    }
    let layer = |entry: &Node<'_>| entry.object()?.require("blobSum")?.digest();
    let layers = manifest.require_array("fsLayers")?.iter().map(layer).collect::<Result<Vec<_>, _>>()?;
    let history = manifest.require_array("history")?;
    for entry in &history {
        let compatibility = entry.object()?.require("v1Compatibility")?;
        let inner = compatibility.string()?;
        if Node::document(inner.as_bytes()).and_then(|inner| inner.object().map(drop)).is_err() {
            return Err(compatibility.error("must be a string that holds a JSON object"));
        }
    }
    if layers.len() != history.len() {
        let problem =
            format!("has {} entries and fsLayers {}; there must be one for each", history.len(), layers.len());
        return Err(manifest.error("history", problem));
    }
    Ok(layers)
}

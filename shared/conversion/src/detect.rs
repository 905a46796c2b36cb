//! Which format a manifest is in.

use protocol::MediaType;

use crate::ParseError;
use crate::json::{Node, Object};

/// Reconciles what the Content-Type says with what the manifest says and is.
pub(crate) fn media_type(document: &Object<'_>, declared: Option<&MediaType>) -> Result<MediaType, ParseError> {
    let declared = declared.filter(|declared| says_something(declared));
    let named = document.read("mediaType", Node::media_type)?;
    if let Some(other) = declared.or(named.as_ref()).filter(|media_type| !media_type.is_manifest()) {
        return Err(ParseError::UnsupportedMediaType(other.clone()));
    }
    if let (Some(header), Some(body)) = (declared, &named)
        && header != body
        && !(header.is_schema1() && body.is_schema1())
    {
        return Err(ParseError::Contradiction { header: header.clone(), body: body.clone() });
    }
    let found = match declared.or(named.as_ref()) {
        Some(told) => told.clone(),
        None => guess(document)?.ok_or(ParseError::Unrecognized)?,
    };
    // OCI lets mediaType out, Docker doesn't: its clients refuse to pull a manifest that lacks it.
    if matches!(found, MediaType::DockerSchema2 | MediaType::DockerManifestList) && named.is_none() {
        return Err(document.error("mediaType", format!("is missing; this format needs {:?}", found.as_str())));
    }
    if declared == Some(&MediaType::DockerSchema1Signed) && document.get("signatures")?.is_none() {
        let unsigned = MediaType::DockerSchema1;
        return Err(document.error("signatures", format!("is missing; push an unsigned manifest as {unsigned}")));
    }
    Ok(found)
}

/// `application/json` is how old Docker announces schema 1, and how careless clients announce anything.
fn says_something(declared: &MediaType) -> bool {
    !matches!(declared.as_str(), "" | "application/json")
}

/// The format by what is there.
fn guess(document: &Object<'_>) -> Result<Option<MediaType>, ParseError> {
    let has = |key| document.get(key).map(|value| value.is_some());
    let version = document.read("schemaVersion", Node::size)?;
    if version == Some(1) || has("signatures")? || has("fsLayers")? {
        return Ok(Some(MediaType::DockerSchema1));
    }
    if version != Some(2) {
        return Ok(None);
    }
    if has("manifests")? {
        return Ok(Some(MediaType::OciIndex));
    }
    let config = document.read("config", |config| config.object()?.read("mediaType", Node::media_type))?.flatten();
    Ok(match config {
        Some(MediaType::DockerConfig) => Some(MediaType::DockerSchema2),
        Some(_) => Some(MediaType::OciManifest),
        None if has("layers")? => Some(MediaType::OciManifest),
        None => None,
    })
}

//! Schema 2 and OCI: two spellings of the same thing. Config and layers keep their digests, so no blob is made.

use protocol::{Compression, Descriptor, Digest, MediaType};
use serde::Serialize;

use crate::convert::Converted;
use crate::{Manifest, Refusal, go_json};

/// An OCI image manifest, in the field order of the image specification's Go types.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OciManifest {
    schema_version: u8,
    media_type: MediaType,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

/// Schema 2, in the field order of distribution's Go types.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DockerSchema2 {
    schema_version: u8,
    media_type: MediaType,
    config: DockerDescriptor,
    layers: Vec<DockerDescriptor>,
}

/// A descriptor with what Docker's formats have of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DockerDescriptor {
    media_type: MediaType,
    size: u64,
    digest: Digest,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    urls: Vec<String>,
}

/// Converts schema 2 to an OCI image manifest, written without white space.
pub(crate) fn to_oci(source: &Manifest) -> Result<Converted, Refusal> {
    oci(image_config(source)?, source.layers())
}

/// Converts an OCI image manifest to schema 2, written as Docker writes it: indented by three spaces.
pub(crate) fn to_schema2(source: &Manifest) -> Result<Converted, Refusal> {
    schema2(image_config(source)?, source.layers())
}

/// An OCI image manifest of this config and these layers, whatever family they are of.
pub(crate) fn oci(config: &Descriptor, layers: &[Descriptor]) -> Result<Converted, Refusal> {
    let layer = |(index, layer): (usize, &Descriptor)| {
        Ok(plain(layer, oci_layer(&layer.media_type).ok_or_else(|| no_counterpart(index, layer))?))
    };
    let manifest = OciManifest {
        schema_version: 2,
        media_type: MediaType::OciManifest,
        config: plain(config, MediaType::OciConfig),
        layers: layers.iter().enumerate().map(layer).collect::<Result<_, _>>()?,
    };
    converted(&go_json::compact(&manifest), &MediaType::OciManifest)
}

/// A schema 2 manifest of this config and these layers, whatever family they are of.
pub(crate) fn schema2(config: &Descriptor, layers: &[Descriptor]) -> Result<Converted, Refusal> {
    let layer = |(index, layer): (usize, &Descriptor)| {
        refuse_zstd(index, layer, &MediaType::DockerSchema2)?;
        Ok(docker(layer, docker_layer(&layer.media_type).ok_or_else(|| no_counterpart(index, layer))?))
    };
    let manifest = DockerSchema2 {
        schema_version: 2,
        media_type: MediaType::DockerSchema2,
        config: docker(config, MediaType::DockerConfig),
        layers: layers.iter().enumerate().map(layer).collect::<Result<_, _>>()?,
    };
    converted(&go_json::indented(&manifest), &MediaType::DockerSchema2)
}

/// Whether schema 1 can say what the layers of this image are. It knows nothing but digests, so they must be plain or
/// gzipped tars that lie in the registry.
pub(crate) fn check_for_schema1(source: &Manifest) -> Result<(), Refusal> {
    image_config(source)?;
    for (index, layer) in source.layers().iter().enumerate() {
        refuse_zstd(index, layer, &MediaType::DockerSchema1Signed)?;
        if layer.media_type.is_foreign_layer() {
            return Err(Refusal::ForeignLayer { layer: index });
        }
        docker_layer(&layer.media_type).ok_or_else(|| no_counterpart(index, layer))?;
    }
    Ok(())
}

fn converted(json: &str, media_type: &MediaType) -> Result<Converted, Refusal> {
    Ok(Converted { manifest: Manifest::derived(json.into(), media_type)?, blobs: Vec::new() })
}

/// The config, if this is a container image and not an artifact.
fn image_config(source: &Manifest) -> Result<&Descriptor, Refusal> {
    let artifact = || Refusal::Artifact(source.artifact_type().unwrap_or_default().to_owned());
    let config = source.config().ok_or_else(artifact)?;
    // Docker 1.10 pushed configs as application/octet-stream, and Docker Hub still has them.
    let is_old_docker =
        source.media_type() == &MediaType::DockerSchema2 && config.media_type.as_str() == "application/octet-stream";
    let is_image = config.media_type.is_image_config() || is_old_docker;
    if is_image && source.declared_artifact_type().is_none() { Ok(config) } else { Err(artifact()) }
}

fn plain(source: &Descriptor, media_type: MediaType) -> Descriptor {
    Descriptor {
        media_type,
        digest: source.digest.clone(),
        size: source.size,
        urls: source.urls.clone(),
        annotations: source.annotations.clone(),
        platform: None,
        artifact_type: None,
    }
}

fn docker(source: &Descriptor, media_type: MediaType) -> DockerDescriptor {
    DockerDescriptor { media_type, size: source.size, digest: source.digest.clone(), urls: source.urls.clone() }
}

fn refuse_zstd(index: usize, layer: &Descriptor, to: &MediaType) -> Result<(), Refusal> {
    match layer.media_type.layer_compression() {
        Some(Compression::Zstd) => Err(Refusal::ZstdLayer { layer: index, to: to.clone() }),
        Some(Compression::None | Compression::Gzip) | None => Ok(()),
    }
}

fn no_counterpart(layer: usize, descriptor: &Descriptor) -> Refusal {
    let media_type = descriptor.media_type.clone();
    // The suffix is ocicrypt's ("+encrypted"), behind every type of layer.
    if media_type.as_str().ends_with("+encrypted") {
        Refusal::EncryptedLayer { layer, media_type }
    } else {
        Refusal::UnknownLayer { layer, media_type }
    }
}

/// The OCI type for a layer of either family: layers of one in a manifest of the other are common.
fn oci_layer(layer: &MediaType) -> Option<MediaType> {
    use MediaType as M;
    Some(match (layer.layer_compression()?, layer.is_foreign_layer()) {
        (Compression::None, false) => M::OciLayer,
        (Compression::Gzip, false) => M::OciLayerGzip,
        (Compression::Zstd, false) => M::OciLayerZstd,
        (Compression::None, true) => M::OciNondistributableLayer,
        (Compression::Gzip, true) => M::OciNondistributableLayerGzip,
        (Compression::Zstd, true) => M::OciNondistributableLayerZstd,
    })
}

/// The Docker type for a layer of either family.
fn docker_layer(layer: &MediaType) -> Option<MediaType> {
    use MediaType as M;
    match (layer.layer_compression()?, layer.is_foreign_layer()) {
        (Compression::None, false) => Some(M::DockerLayer),
        (Compression::Gzip, false) => Some(M::DockerLayerGzip),
        (Compression::None, true) => Some(M::DockerForeignLayer),
        (Compression::Gzip, true) => Some(M::DockerForeignLayerGzip),
        (Compression::Zstd, _) => None,
    }
}

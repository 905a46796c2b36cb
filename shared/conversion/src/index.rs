//! Conversion of lists and indexes: what they refer to is rewritten.

use std::collections::{BTreeMap, HashSet};

use protocol::{Descriptor, Digest, MediaType, Platform};
use serde::Serialize;

use crate::{ChildFormat, Converted, Manifest, Refusal, Target, go_json};

/// What stands in a child's place after its conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The new type.
    pub media_type: MediaType,
    /// The new digest.
    pub digest: Digest,
    /// The new length in bytes.
    pub size: u64,
}

impl From<&Manifest> for Replacement {
    fn from(manifest: &Manifest) -> Self {
        let size = manifest.bytes().len() as u64;
        Self { media_type: manifest.media_type().clone(), digest: manifest.digest(), size }
    }
}

/// A manifest list, in the field order of distribution's Go types (`manifest/manifestlist`).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DockerManifestList<'a> {
    schema_version: u8,
    media_type: MediaType,
    manifests: Vec<DockerChild<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DockerChild<'a> {
    media_type: &'a MediaType,
    size: u64,
    digest: &'a Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<&'a Platform>,
}

impl<'a> From<&'a Descriptor> for DockerChild<'a> {
    fn from(child: &'a Descriptor) -> Self {
        let Descriptor { media_type, size, digest, platform, .. } = child;
        Self { media_type, size: *size, digest, platform: platform.as_ref() }
    }
}

/// An image index, in the field order of the image specification's Go types.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OciIndex<'a> {
    schema_version: u8,
    media_type: MediaType,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<&'a str>,
    manifests: &'a [Descriptor],
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a Descriptor>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
}

/// The first linux/amd64 child: what docker-registry gives a client that knows no lists
/// (distribution 2.8, `registry/handlers/manifests.go`).
pub fn select_child(index: &Manifest) -> Option<&Descriptor> {
    index.children().iter().find(|child| child.platform.as_ref().is_some_and(Platform::is_linux_amd64))
}

/// The children that have to be converted before [`convert_index`], and to what; each once. A nested list comes with a
/// list as its target and is converted the same way.
pub fn children_to_convert(source: &Manifest, target: &Target) -> Vec<(Descriptor, Target)> {
    let only_schema1 = is_read_but_for_schema1(source, target);
    let mut seen = HashSet::new();
    let touched = source.children().iter().filter(|child| !only_schema1 || child.media_type.is_schema1());
    let wanted = touched.filter_map(|child| Some((child.clone(), target_of_child(child, target)?)));
    // Looked at last: an attestation may be an image elsewhere in the list.
    wanted.filter(|(child, _)| seen.insert(child.digest.clone())).collect()
}

/// Whether the client reads the list as it is, but for children in schema 1: then nothing else in it is touched.
fn is_read_but_for_schema1(source: &Manifest, target: &Target) -> bool {
    let reads_images =
        matches!(target, Target::DockerManifestList(ChildFormat::Any) | Target::OciIndex(ChildFormat::Any));
    reads_images && *source.media_type() == target.media_type()
}

/// What a child has to become in a list for this target; None when it stays.
fn target_of_child(child: &Descriptor, list: &Target) -> Option<Target> {
    let (Target::DockerManifestList(format) | Target::OciIndex(format)) = list else { return None };
    if is_attestation(child) {
        return None;
    }
    if child.media_type.is_index() {
        let stays = child.media_type == list.media_type() && *format == ChildFormat::Any;
        return (!stays).then_some(*list);
    }
    format.target_for(&child.media_type, list)
}

/// BuildKit files attestations under a platform that nobody runs, so that no client picks them
/// (BuildKit, "Image attestation storage").
fn is_attestation(child: &Descriptor) -> bool {
    child.platform.as_ref().is_some_and(|platform| platform.os == "unknown" && platform.architecture == "unknown")
}

/// Converts a list or index. `converted` has an entry for each of [`children_to_convert`]: what stands in its place,
/// or None when it could not be converted, and then it is left out. A child without an entry stays as it is; leave the
/// entry out for a nested list that answers [`Refusal::Unchanged`].
///
/// Docker lists have no annotations, no subject and no attestations. `data` (content inside a descriptor) is left out.
///
/// # Errors
/// When the target can't express the source, when no child is left, or when there is nothing to do
/// ([`Refusal::Unchanged`]).
pub fn convert_index(
    source: &Manifest,
    target: &Target,
    converted: &BTreeMap<Digest, Option<Replacement>>,
) -> Result<Converted, Refusal> {
    let (from, to) = (source.media_type(), target.media_type());
    if !from.is_index() || !to.is_index() {
        return Err(Refusal::NoConversion { from: from.clone(), to });
    }
    if let Some(blob) = source.children().iter().find(|child| !child.media_type.is_manifest()) {
        return Err(Refusal::BlobChild { digest: blob.digest.clone(), media_type: blob.media_type.clone() });
    }
    let is_docker = to == MediaType::DockerManifestList;
    let without_attestations = is_docker && !is_read_but_for_schema1(source, target);
    let children: Vec<Descriptor> = source
        .children()
        .iter()
        .filter(|child| !(without_attestations && is_attestation(child)))
        .filter_map(|child| match converted.get(&child.digest).filter(|_| !is_attestation(child)) {
            Some(replacement) => replacement.as_ref().map(|replacement| replaced(child, replacement)),
            None => Some(child.clone()),
        })
        .collect();
    if *from == to && children == source.children() {
        return Err(Refusal::Unchanged);
    }
    // A list of nothing but attestations would be as useless as an empty one.
    if children.iter().all(is_attestation) {
        return Err(Refusal::NoChildren { to });
    }
    let json = if is_docker { docker_manifest_list(&children) } else { oci_index(source, &children) };
    Ok(Converted { manifest: Manifest::derived(json.into(), &to)?, blobs: Vec::new() })
}

fn replaced(child: &Descriptor, replacement: &Replacement) -> Descriptor {
    Descriptor {
        media_type: replacement.media_type.clone(),
        digest: replacement.digest.clone(),
        size: replacement.size,
        // Addresses lead to the bytes that were replaced.
        urls: Vec::new(),
        ..child.clone()
    }
}

fn docker_manifest_list(children: &[Descriptor]) -> String {
    go_json::indented(&DockerManifestList {
        schema_version: 2,
        media_type: MediaType::DockerManifestList,
        manifests: children.iter().map(DockerChild::from).collect(),
    })
}

fn oci_index(source: &Manifest, children: &[Descriptor]) -> String {
    go_json::compact(&OciIndex {
        schema_version: 2,
        media_type: MediaType::OciIndex,
        artifact_type: source.declared_artifact_type(),
        manifests: children,
        subject: source.subject(),
        annotations: source.annotations(),
    })
}

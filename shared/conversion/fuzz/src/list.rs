//! Conversion of lists and indexes, with everything below them.

use std::collections::BTreeMap;

use conversion::{ChildFormat, Manifest, Refusal, Replacement, Required, Target, children_to_convert, convert_index};
use protocol::{Descriptor, Digest, MediaType, Platform};
use serde_json::json;

use super::assembled::{self, Image};
use super::pieces::Pieces;
use super::{made, parsed};

/// Manifests by digest, images with their configs.
type Repository = BTreeMap<Digest, (Manifest, Vec<u8>)>;

/// How deep lists are followed.
const MAX_DEPTH: usize = 4;

/// Images and lists over them, each list converted to everything that it may become.
pub fn lists(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let mut repository = Repository::new();
    for _ in 0..=pieces.below(3) {
        let Image { manifest, config } = assembled::image(&mut pieces);
        if let Ok(manifest) = Manifest::parse(manifest.into_bytes(), None) {
            repository.insert(manifest.digest(), (manifest, config.into_bytes()));
        }
    }
    for _ in 0..=pieces.below(3) {
        let list = list(&mut pieces, &repository);
        if let Ok(list) = Manifest::parse(list.clone().into_bytes(), None) {
            parsed::check(&list, list.bytes());
            repository.insert(list.digest(), (list, Vec::new()));
        }
    }
    let formats = [ChildFormat::Any, ChildFormat::DockerSchema2, ChildFormat::OciManifest];
    for target in formats.into_iter().flat_map(|format| [Target::DockerManifestList(format), Target::OciIndex(format)])
    {
        for (list, _) in repository.values().filter(|(manifest, _)| manifest.media_type().is_index()) {
            let mut derived = Repository::new();
            if let Ok(made) = convert(list, target, &repository, &mut derived, 0) {
                readable(&made, target, &repository, &derived);
            }
        }
    }
}

/// A list over what is there, and over something that isn't.
fn list(pieces: &mut Pieces<'_>, repository: &Repository) -> String {
    let there: Vec<&Manifest> = repository.values().map(|(manifest, _)| manifest).collect();
    let children = pieces.several(5, |pieces| {
        let odd = pieces.one_of(&[MediaType::OciLayerGzip, MediaType::OciIndex, MediaType::DockerSchema2]);
        let mut child = assembled::descriptor(pieces, odd.as_str());
        if !there.is_empty() && !pieces.one_in(8) {
            let manifest = pieces.one_of(&there);
            child["mediaType"] = manifest.media_type().as_str().into();
            child["digest"] = manifest.digest().to_string().into();
            child["size"] = manifest.bytes().len().into();
        }
        if !pieces.one_in(4) {
            child["platform"] = assembled::platform(pieces);
        }
        child
    });
    let media_type = pieces.one_of(&[MediaType::OciIndex, MediaType::DockerManifestList]);
    let mut list = json!({ "schemaVersion": 2, "mediaType": media_type.as_str(), "manifests": children });
    assembled::extra(pieces, &mut list);
    assembled::spelled(pieces, &list)
}

/// Converts a list and everything below it, as the registry does.
fn convert(
    source: &Manifest,
    target: Target,
    repository: &Repository,
    derived: &mut Repository,
    depth: usize,
) -> Result<Manifest, Refusal> {
    let mut replacements = BTreeMap::new();
    let wanted = children_to_convert(source, &target);
    for (child, target) in wanted {
        assert!(source.children().contains(&child));
        let converted = match repository.get(&child.digest) {
            Some((manifest, _)) if manifest.media_type().is_index() && depth < MAX_DEPTH => {
                convert(manifest, target, repository, derived, depth + 1)
            }
            Some((manifest, config)) => made::convert(manifest, target, Some(config)).map(|made| made.manifest),
            None => Err(Refusal::ConfigMissing),
        };
        if let Ok(converted) = &converted {
            derived.insert(converted.digest(), (converted.clone(), Vec::new()));
        }
        if !matches!(converted, Err(Refusal::Unchanged)) {
            let twice = replacements.insert(child.digest, converted.as_ref().ok().map(Replacement::from));
            assert_eq!(twice, None, "each is asked for once");
        }
    }
    let made = made::once_as_twice(|| convert_index(source, &target, &replacements))?;
    let Required { blobs, mut manifests, optional: _ } = source.required();
    manifests.extend(replacements.values().flatten().map(|replacement| replacement.digest.clone()));
    made::check(&made, target, &blobs, &manifests);
    let keeps_attestations = matches!(target, Target::OciIndex(_)) || is_read_but_for_schema1(source, target);
    let expected = source.children().iter().filter_map(|child| expected(child, keeps_attestations, &replacements));
    assert_eq!(made.manifest.children().iter().map(outline).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    Ok(made.manifest)
}

/// What of a child a conversion may not lose.
type Outline<'a> = (&'a MediaType, &'a Digest, u64, Option<&'a Platform>);

fn outline(child: &Descriptor) -> Outline<'_> {
    (&child.media_type, &child.digest, child.size, child.platform.as_ref())
}

/// What stands in a child's place in the result; None when it is left out.
fn expected<'a>(
    child: &'a Descriptor,
    keeps_attestations: bool,
    replacements: &'a BTreeMap<Digest, Option<Replacement>>,
) -> Option<Outline<'a>> {
    if is_attestation(child) {
        return keeps_attestations.then(|| outline(child));
    }
    match replacements.get(&child.digest) {
        Some(replacement) => {
            let new = replacement.as_ref()?;
            Some((&new.media_type, &new.digest, new.size, child.platform.as_ref()))
        }
        None => Some(outline(child)),
    }
}

/// A list that its client can read, but for children in schema 1.
fn is_read_but_for_schema1(source: &Manifest, target: Target) -> bool {
    matches!(target, Target::DockerManifestList(ChildFormat::Any) | Target::OciIndex(ChildFormat::Any))
        && *source.media_type() == target.media_type()
}

fn is_attestation(child: &Descriptor) -> bool {
    child.platform.as_ref().is_some_and(|platform| platform.os == "unknown" && platform.architecture == "unknown")
}

/// Everything in the graph of a converted list is of a type that its client reads.
fn readable(list: &Manifest, target: Target, repository: &Repository, derived: &Repository) {
    let (Target::DockerManifestList(format) | Target::OciIndex(format)) = target else { unreachable!("a list") };
    for child in list.children().iter().filter(|child| !is_attestation(child)) {
        match (&child.media_type, format) {
            (MediaType::DockerSchema2, ChildFormat::Any | ChildFormat::DockerSchema2)
            | (MediaType::OciManifest, ChildFormat::Any | ChildFormat::OciManifest) => {}
            (index, _) if *index == target.media_type() => {}
            // Of the other type, in a list that was readable but for schema 1.
            (index, ChildFormat::Any) if index.is_index() && !derived.contains_key(&child.digest) => {}
            (other, _) => panic!("{other} in {list:?} for {target:?}"),
        }
        // With any images, lists of the same type stay as they are.
        let stays = repository.get(&child.digest).filter(|_| format != ChildFormat::Any);
        match derived.get(&child.digest).or(stays) {
            Some((manifest, _)) if manifest.media_type().is_index() => readable(manifest, target, repository, derived),
            _ => {}
        }
    }
}

//! Lists and indexes.

use std::collections::BTreeMap;

use conversion::{ChildFormat, Converted, Manifest, Refusal, Replacement, Target, children_to_convert, convert_index};
use proptest::collection::vec;
use proptest::prelude::*;
use protocol::{Digest, MediaType};

use super::canonical::Json;
use super::strategies::{Platform, platform};
use crate::fuzz::made;
use crate::support::{digest, parse};

const LIST: Target = Target::DockerManifestList(ChildFormat::Any);
const INDEX: Target = Target::OciIndex(ChildFormat::Any);

/// A child of a list; its digest comes from its place.
type Child = (MediaType, u64, Platform);

fn children(types: &'static [MediaType]) -> impl Strategy<Value = Vec<Child>> {
    vec((proptest::sample::select(types), 0..=i64::MAX as u64, platform()), 1..6)
}

fn has_an_image(children: &[Child]) -> bool {
    children.iter().any(|(_, _, platform)| !platform.is_attestation())
}

/// A manifest list as Docker writes it.
fn docker(children: &[Child]) -> String {
    let child = |(place, (media_type, size, platform)): (usize, &Child)| {
        Json::Object(vec![
            ("mediaType", Json::text(media_type)),
            ("size", Json::Number(*size)),
            ("digest", Json::text(digest(place))),
            ("platform", platform.json()),
        ])
    };
    list(&MediaType::DockerManifestList, children.iter().enumerate().map(child)).indented()
}

/// An index as Go programs write it.
fn oci(children: &[Child]) -> String {
    let child = |(place, (media_type, size, platform)): (usize, &Child)| {
        Json::Object(vec![
            ("mediaType", Json::text(media_type)),
            ("digest", Json::text(digest(place))),
            ("size", Json::Number(*size)),
            ("platform", platform.json()),
        ])
    };
    list(&MediaType::OciIndex, children.iter().enumerate().map(child)).compact()
}

fn list(media_type: &MediaType, children: impl Iterator<Item = Json>) -> Json {
    Json::Object(vec![
        ("schemaVersion", Json::Number(2)),
        ("mediaType", Json::text(media_type)),
        ("manifests", Json::Array(children.collect())),
    ])
}

/// Converts a list; each child that has to change becomes something that is told by its old digest.
fn convert(source: &Manifest, target: Target) -> Result<Converted, Refusal> {
    let wanted = children_to_convert(source, &target);
    let replacements: BTreeMap<Digest, _> =
        wanted.into_iter().map(|(child, to)| (child.digest.clone(), Some(replacement(&child.digest, to)))).collect();
    let made = made::once_as_twice(|| convert_index(source, &target, &replacements))?;
    let replaced = replacements.into_values().flatten().map(|replacement| replacement.digest);
    let manifests: Vec<_> = source.required().manifests.into_iter().chain(replaced).collect();
    made::check(&made, target, &[], &manifests);
    Ok(made)
}

fn replacement(old: &Digest, target: Target) -> Replacement {
    let digest = Digest::sha256(format!("{old} as {}", target.key()).as_bytes());
    Replacement { media_type: target.media_type(), digest, size: 7 }
}

const IMAGES: &[MediaType] = &[MediaType::DockerSchema2, MediaType::OciManifest];
const EVERYTHING: &[MediaType] = &[
    MediaType::DockerSchema1Signed,
    MediaType::DockerSchema1,
    MediaType::DockerSchema2,
    MediaType::OciManifest,
    MediaType::DockerManifestList,
    MediaType::OciIndex,
];

proptest! {
    #[test]
    fn a_list_becomes_an_index_and_comes_back_byte_for_byte(children in children(IMAGES)) {
        prop_assume!(children.iter().all(|(_, _, platform)| !platform.is_attestation()));
        let there = convert(&parse(docker(&children)), INDEX).unwrap().manifest;
        prop_assert_eq!(std::str::from_utf8(there.bytes()).unwrap(), oci(&children));
        let back = convert(&there, LIST).unwrap().manifest;
        prop_assert_eq!(std::str::from_utf8(back.bytes()).unwrap(), docker(&children));
    }

    #[test]
    fn attestations_stay_in_indexes_and_are_left_out_of_lists(children in children(IMAGES)) {
        prop_assume!(has_an_image(&children));
        let index = parse(oci(&children));
        let images = children.iter().filter(|(_, _, platform)| !platform.is_attestation()).count();
        prop_assert_eq!(convert(&index, LIST).unwrap().manifest.children().len(), images);
        if let Ok(made) = convert(&index, Target::OciIndex(ChildFormat::DockerSchema2)) {
            for (place, _) in children.iter().enumerate().filter(|(_, (_, _, platform))| platform.is_attestation()) {
                prop_assert_eq!(&made.manifest.children()[place], &index.children()[place]);
            }
        }
    }

    #[test]
    fn every_child_keeps_its_place_and_its_platform(children in children(EVERYTHING), to_docker in any::<bool>()) {
        prop_assume!(has_an_image(&children));
        let format = if to_docker { ChildFormat::DockerSchema2 } else { ChildFormat::OciManifest };
        for (source, target) in [
            (parse(docker(&children)), Target::OciIndex(format)),
            (parse(oci(&children)), Target::DockerManifestList(format)),
        ] {
            let made = convert(&source, target).unwrap().manifest;
            let is_list = target.media_type() == MediaType::DockerManifestList;
            let kept: Vec<_> = source
                .children()
                .iter()
                .zip(&children)
                .filter(|(_, (_, _, platform))| !(is_list && platform.is_attestation()))
                .collect();
            prop_assert_eq!(made.children().len(), kept.len());
            for (ours, (theirs, (_, _, platform))) in made.children().iter().zip(kept) {
                prop_assert_eq!(&ours.platform, &theirs.platform);
                let wanted = match (theirs.media_type.is_index(), to_docker) {
                    _ if platform.is_attestation() => theirs.media_type.clone(),
                    (true, _) => target.media_type(),
                    (false, true) => MediaType::DockerSchema2,
                    (false, false) => MediaType::OciManifest,
                };
                prop_assert_eq!(&ours.media_type, &wanted);
            }
        }
    }
}

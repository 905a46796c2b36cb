//! Lists and indexes.

use std::collections::BTreeMap;

use conversion::{
    ChildFormat, Manifest, Refusal, Replacement, Target, children_to_convert, convert_index, select_child,
};
use protocol::MediaType;
use serde_json::{Value, json};

use crate::support::{convert, digest, golden, image, parse, value};

const DOCKER_LIST: Target = Target::DockerManifestList(ChildFormat::DockerSchema2);
const OCI_INDEX: Target = Target::OciIndex(ChildFormat::OciManifest);

fn child(number: usize, media_type: &MediaType, os: &str, architecture: &str) -> Value {
    json!({
        "mediaType": media_type.as_str(), "size": number, "digest": digest(number),
        "platform": { "architecture": architecture, "os": os },
    })
}

fn list(media_type: &MediaType, children: &[Value]) -> Manifest {
    parse(json!({ "schemaVersion": 2, "mediaType": media_type.as_str(), "manifests": children }).to_string())
}

fn oci_index(children: &[Value]) -> Manifest {
    list(&MediaType::OciIndex, children)
}

/// What stands for child `number` after its conversion.
fn replacement(number: usize, media_type: MediaType) -> Option<Replacement> {
    Some(Replacement { media_type, digest: digest(1000 + number).parse().unwrap(), size: 7 })
}

#[test]
fn children_the_client_cannot_read_are_rewritten_and_keep_their_platform() {
    let mut windows = child(1, &MediaType::OciManifest, "windows", "amd64");
    windows["platform"]["os.version"] = json!("10.0.17763");
    windows["platform"]["os.features"] = json!(["win32k"]);
    windows["annotations"] = json!({ "gone": "in Docker lists" });
    windows["urls"] = json!(["https://example.com/"]);
    let mut arm = child(2, &MediaType::DockerSchema2, "linux", "arm64");
    arm["platform"]["variant"] = json!("v8");
    let source = oci_index(&[windows, arm.clone()]);

    let wanted = children_to_convert(&source, &DOCKER_LIST);
    assert_eq!(wanted.len(), 1);
    assert_eq!((wanted[0].0.size, wanted[0].1), (1, Target::DockerSchema2));

    let converted = BTreeMap::from([(digest(1).parse().unwrap(), replacement(1, MediaType::DockerSchema2))]);
    let list = convert_index(&source, &DOCKER_LIST, &converted).unwrap();
    assert!(list.blobs.is_empty());
    assert_eq!(list.manifest.media_type(), &MediaType::DockerManifestList);
    let windows = json!({
        "mediaType": MediaType::DockerSchema2.as_str(), "size": 7, "digest": digest(1001),
        "platform": { "architecture": "amd64", "os": "windows", "os.version": "10.0.17763", "os.features": ["win32k"] },
    });
    assert_eq!(
        value(list.manifest.bytes()),
        json!({
            "schemaVersion": 2, "mediaType": MediaType::DockerManifestList.as_str(), "manifests": [windows, arm],
        })
    );
    assert!(list.manifest.bytes().starts_with(b"{\n   \"schemaVersion\": 2,\n   \"mediaType\": "));
}

#[test]
fn a_docker_list_becomes_an_index() {
    let source = parse(golden("list.json"));
    let wanted = children_to_convert(&source, &OCI_INDEX);
    assert!(wanted.iter().all(|(_, target)| *target == Target::OciManifest));
    assert_eq!(wanted.len(), source.children().len());
    let converted = source.children().iter().map(|child| {
        let replacement =
            Replacement { media_type: MediaType::OciManifest, digest: child.digest.clone(), size: child.size };
        (child.digest.clone(), Some(replacement))
    });
    let index = convert_index(&source, &OCI_INDEX, &converted.collect()).unwrap().manifest;
    let platforms = |manifest: &Manifest| manifest.children().iter().map(|c| c.platform.clone()).collect::<Vec<_>>();
    assert_eq!(platforms(&index), platforms(&source));
    assert!(index.bytes().starts_with(br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","#));
}

#[test]
fn a_client_that_reads_both_formats_gets_the_children_untouched() {
    let source = oci_index(&[child(1, &MediaType::OciManifest, "linux", "amd64")]);
    let target = Target::DockerManifestList(ChildFormat::Any);
    assert!(children_to_convert(&source, &target).is_empty());
    let list = convert_index(&source, &target, &BTreeMap::new()).unwrap().manifest;
    assert_eq!(list.children()[0].media_type, MediaType::OciManifest);
}

#[test]
fn a_child_that_could_not_be_converted_is_left_out() {
    let source = oci_index(&[
        child(1, &MediaType::OciManifest, "linux", "amd64"),
        child(2, &MediaType::OciManifest, "linux", "arm64"),
    ]);
    let mut converted = BTreeMap::from([
        (digest(1).parse().unwrap(), None),
        (digest(2).parse().unwrap(), replacement(2, MediaType::DockerSchema2)),
    ]);
    let list = convert_index(&source, &DOCKER_LIST, &converted).unwrap().manifest;
    assert_eq!(list.children().len(), 1);
    converted.insert(digest(2).parse().unwrap(), None);
    let refusal = convert_index(&source, &DOCKER_LIST, &converted).unwrap_err();
    assert_eq!(refusal, Refusal::NoChildren { to: MediaType::DockerManifestList });
}

#[test]
fn attestations_stay_in_indexes_and_are_left_out_of_docker_lists() {
    let children = [
        child(1, &MediaType::DockerSchema2, "linux", "amd64"),
        child(2, &MediaType::OciManifest, "unknown", "unknown"),
    ];
    let docker = convert_index(&oci_index(&children), &DOCKER_LIST, &BTreeMap::new()).unwrap().manifest;
    assert_eq!(docker.children().len(), 1);
    let source = list(&MediaType::DockerManifestList, &children);
    assert_eq!(children_to_convert(&source, &OCI_INDEX).len(), 1);
    let converted = BTreeMap::from([(digest(1).parse().unwrap(), replacement(1, MediaType::OciManifest))]);
    let oci = convert_index(&source, &OCI_INDEX, &converted).unwrap().manifest;
    assert_eq!(oci.children()[1], source.children()[1]);
    let only = oci_index(&children[1..]);
    assert!(matches!(convert_index(&only, &DOCKER_LIST, &BTreeMap::new()), Err(Refusal::NoChildren { .. })));
}

#[test]
fn an_attestation_may_be_an_image_elsewhere_in_the_list() {
    let source = oci_index(&[
        child(1, &MediaType::DockerSchema2, "unknown", "unknown"),
        child(1, &MediaType::DockerSchema2, "linux", "amd64"),
    ]);
    let target = Target::OciIndex(ChildFormat::OciManifest);
    assert_eq!(children_to_convert(&source, &target).len(), 1);
    let converted = BTreeMap::from([(digest(1).parse().unwrap(), replacement(1, MediaType::OciManifest))]);
    let index = convert_index(&source, &target, &converted).unwrap().manifest;
    assert_eq!(index.children()[0], source.children()[0]);
    assert_eq!(index.children()[1].media_type, MediaType::OciManifest);
}

#[test]
fn an_index_over_blobs_is_not_converted() {
    let layer = json!({ "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "size": 1, "digest": digest(1) });
    let refusal = convert_index(&oci_index(&[layer]), &DOCKER_LIST, &BTreeMap::new()).unwrap_err();
    assert!(matches!(refusal, Refusal::BlobChild { media_type: MediaType::OciLayerGzip, .. }), "{refusal}");
}

#[test]
fn nested_lists_are_converted_like_the_one_they_are_in() {
    let source = oci_index(&[
        child(1, &MediaType::OciIndex, "linux", "amd64"),
        child(2, &MediaType::DockerManifestList, "linux", "amd64"),
        child(1, &MediaType::OciIndex, "linux", "arm64"),
    ]);
    let targets = |target: Target| -> Vec<_> {
        children_to_convert(&source, &target).into_iter().map(|(child, to)| (child.size, to)).collect()
    };
    assert_eq!(targets(DOCKER_LIST), [(1, DOCKER_LIST), (2, DOCKER_LIST)]);
    let any = Target::DockerManifestList(ChildFormat::Any);
    assert_eq!(targets(any), [(1, any)]);
}

#[test]
fn a_list_that_is_already_right_is_unchanged() {
    let source = list(&MediaType::DockerManifestList, &[child(1, &MediaType::DockerSchema2, "linux", "amd64")]);
    assert!(children_to_convert(&source, &DOCKER_LIST).is_empty());
    assert_eq!(convert_index(&source, &DOCKER_LIST, &BTreeMap::new()).unwrap_err(), Refusal::Unchanged);
}

#[test]
fn an_index_over_other_children_keeps_what_it_says_about_itself() {
    let mut source = value(golden("index.json"));
    source["artifactType"] = json!("application/x");
    source["subject"] = json!({ "mediaType": "a/b", "digest": digest(5), "size": 5 });
    let source = parse(source.to_string());
    let target = Target::OciIndex(ChildFormat::DockerSchema2);
    let wanted = children_to_convert(&source, &target);
    let converted = wanted.iter().map(|(child, _)| (child.digest.clone(), replacement(9, MediaType::DockerSchema2)));
    let index = convert_index(&source, &target, &converted.collect()).unwrap().manifest;
    assert_eq!(index.annotations(), source.annotations());
    assert_eq!(index.subject(), source.subject());
    assert_eq!(index.artifact_type(), Some("application/x"));
    assert!(index.children().iter().all(|child| child.media_type == MediaType::DockerSchema2));
}

#[test]
fn the_first_linux_amd64_child_stands_for_the_list() {
    let source = oci_index(&[
        child(1, &MediaType::OciManifest, "windows", "amd64"),
        child(2, &MediaType::OciManifest, "linux", "arm64"),
        child(3, &MediaType::OciManifest, "linux", "amd64"),
        child(4, &MediaType::OciManifest, "linux", "amd64"),
    ]);
    assert_eq!(select_child(&source).map(|child| child.size), Some(3));
    let without = oci_index(&[child(2, &MediaType::OciManifest, "linux", "arm64")]);
    assert_eq!(select_child(&without), None);
}

#[test]
fn images_and_lists_do_not_become_each_other() {
    let image = parse(image(&MediaType::OciManifest, &[]).to_string());
    assert!(matches!(convert_index(&image, &DOCKER_LIST, &BTreeMap::new()), Err(Refusal::NoConversion { .. })));
    assert!(matches!(convert(&image, DOCKER_LIST, None), Err(Refusal::NoConversion { .. })));
    let index = parse(golden("index.json"));
    let refusal = convert_index(&index, &Target::DockerSchema2, &BTreeMap::new()).unwrap_err();
    assert!(matches!(refusal, Refusal::NoConversion { .. }));
}

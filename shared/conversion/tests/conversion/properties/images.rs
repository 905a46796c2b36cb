//! Schema 2 and OCI.

use conversion::Target;
use proptest::collection::vec;
use proptest::prelude::*;
use protocol::MediaType;

use super::canonical::Json;
use super::strategies::{Layer, layer};
use crate::fuzz::made;
use crate::support::{digest, parse};

/// Schema 2 as Docker writes it.
fn docker(layers: &[Layer]) -> String {
    let descriptor = |media_type: &MediaType, size, digest: &str| {
        vec![("mediaType", Json::text(media_type)), ("size", Json::Number(size)), ("digest", Json::text(digest))]
    };
    let layer = |layer: &Layer| with_urls(descriptor(&layer.docker, layer.size, &layer.digest), layer);
    let config = Json::Object(descriptor(&MediaType::DockerConfig, 2, &digest(0xc0)));
    manifest(&MediaType::DockerSchema2, config, layers.iter().map(layer)).indented()
}

/// An OCI image manifest as Go programs write it.
fn oci(layers: &[Layer]) -> String {
    let descriptor = |media_type: &MediaType, size, digest: &str| {
        vec![("mediaType", Json::text(media_type)), ("digest", Json::text(digest)), ("size", Json::Number(size))]
    };
    let layer = |layer: &Layer| with_urls(descriptor(&layer.oci, layer.size, &layer.digest), layer);
    let config = Json::Object(descriptor(&MediaType::OciConfig, 2, &digest(0xc0)));
    manifest(&MediaType::OciManifest, config, layers.iter().map(layer)).compact()
}

fn with_urls(mut descriptor: Vec<(&'static str, Json)>, layer: &Layer) -> Json {
    if !layer.urls.is_empty() {
        descriptor.push(("urls", Json::texts(&layer.urls)));
    }
    Json::Object(descriptor)
}

fn manifest(media_type: &MediaType, config: Json, layers: impl Iterator<Item = Json>) -> Json {
    Json::Object(vec![
        ("schemaVersion", Json::Number(2)),
        ("mediaType", Json::text(media_type)),
        ("config", config),
        ("layers", Json::Array(layers.collect())),
    ])
}

proptest! {
    #[test]
    fn schema2_becomes_oci_and_comes_back_byte_for_byte(layers in vec(layer(), 0..5)) {
        let there = made::convert(&parse(docker(&layers)), Target::OciManifest, None).unwrap().manifest;
        prop_assert_eq!(std::str::from_utf8(there.bytes()).unwrap(), oci(&layers));
        let back = made::convert(&there, Target::DockerSchema2, None).unwrap().manifest;
        prop_assert_eq!(std::str::from_utf8(back.bytes()).unwrap(), docker(&layers));
    }

    #[test]
    fn oci_becomes_schema2_and_comes_back_byte_for_byte(layers in vec(layer(), 0..5)) {
        let there = made::convert(&parse(oci(&layers)), Target::DockerSchema2, None).unwrap().manifest;
        prop_assert_eq!(std::str::from_utf8(there.bytes()).unwrap(), docker(&layers));
        let back = made::convert(&there, Target::OciManifest, None).unwrap().manifest;
        prop_assert_eq!(std::str::from_utf8(back.bytes()).unwrap(), oci(&layers));
    }

    #[test]
    fn both_families_require_the_same_content(layers in vec(layer(), 0..5)) {
        prop_assert_eq!(parse(docker(&layers)).required(), parse(oci(&layers)).required());
    }

    #[test]
    fn what_a_conversion_does_not_need_does_not_change_it(layers in vec(layer(), 0..5), config in any::<Vec<u8>>()) {
        let source = parse(docker(&layers));
        let with = made::convert(&source, Target::OciManifest, Some(&config)).unwrap().manifest;
        let without = made::convert(&source, Target::OciManifest, None).unwrap().manifest;
        prop_assert_eq!(with.bytes(), without.bytes());
    }
}

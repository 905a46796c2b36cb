//! The table of stored formats and clients, cell by cell.

use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;
use lambda_registry_tests::{in_mode, in_modes_with_front};

use super::served::{check, refuse};
use super::wishes::{
    ANYTHING, CONTAINERD, CONTAINERS_IMAGE, DOCKER_1_9, DOCKER_1_10_TO_18_09, DOCKER_19_03_TO_28, DOCKER_MANIFEST,
    DOCKER_MANIFEST_20_10, GO_CONTAINERREGISTRY, ONLY_INDEX, ONLY_LIST, ONLY_OCI, ONLY_SCHEMA1, ONLY_SCHEMA2,
    ONLY_UNSIGNED_SCHEMA1, ORAS,
};
use crate::sample::{Sample, list, payload};
use crate::types::{INDEX, LIST, OCI, SCHEMA1, SCHEMA1_UNSIGNED, SCHEMA2};

in_modes_with_front![
    signed_schema1_is_served_as_each_client_reads_it,
    unsigned_schema1_is_served_as_each_client_reads_it,
    a_schema2_image_is_served_as_each_client_reads_it,
    an_oci_image_is_served_as_each_client_reads_it,
    a_manifest_list_is_served_as_each_client_reads_it,
    an_index_is_served_as_each_client_reads_it,
];
in_mode!(
    without_front,
    WithoutFront,
    signed_schema1_is_served_as_each_client_reads_it,
    unsigned_schema1_is_served_as_each_client_reads_it,
    an_oci_image_is_served_as_each_client_reads_it
);

/// What each client gets, by what is stored; None is a refusal.
type Row = (&'static str, &'static [&'static str], [Option<&'static str>; 6]);

const S1: Option<&str> = Some(SCHEMA1);
const U1: Option<&str> = Some(SCHEMA1_UNSIGNED);
const S2: Option<&str> = Some(SCHEMA2);
const OC: Option<&str> = Some(OCI);
const ML: Option<&str> = Some(LIST);
const IX: Option<&str> = Some(INDEX);
const NO: Option<&str> = None;

#[rustfmt::skip]
const TABLE: &[Row] = &[
    //                                                              stored as
    //                                                              signed, unsigned, schema 2, OCI, list, index
    ("Docker 1.9",                       DOCKER_1_9,                [S1, U1, S1, S1, S1, S1]),
    ("Docker 1.10 to 18.09",             DOCKER_1_10_TO_18_09,      [S1, S1, S2, S2, ML, ML]),
    ("Docker 19.03 to 28",               DOCKER_19_03_TO_28,        [S1, S1, S2, OC, ML, IX]),
    ("containerd",                       CONTAINERD,                [S2, S2, S2, OC, ML, IX]),
    ("containers/image",                 CONTAINERS_IMAGE,          [S1, U1, S2, OC, ML, IX]),
    ("go-containerregistry",             GO_CONTAINERREGISTRY,      [S1, U1, S2, OC, ML, IX]),
    ("oras",                             ORAS,                      [S2, S2, S2, OC, ML, IX]),
    ("docker manifest",                  DOCKER_MANIFEST,           [S2, S2, S2, OC, ML, IX]),
    ("docker manifest, up to 20.10",     DOCKER_MANIFEST_20_10,     [S2, S2, S2, S2, ML, IX]),
    ("whoever takes anything",           ANYTHING,                  [S1, U1, S2, OC, ML, IX]),
    ("a client of schema 1 alone",       ONLY_SCHEMA1,              [S1, S1, S1, S1, S1, S1]),
    ("a client of its unsigned form",    ONLY_UNSIGNED_SCHEMA1,     [S1, U1, S1, S1, S1, S1]),
    ("a client of schema 2 alone",       ONLY_SCHEMA2,              [S2, S2, S2, S2, S2, S2]),
    ("a client of OCI images alone",     ONLY_OCI,                  [OC, OC, OC, OC, OC, OC]),
    ("a client of manifest lists alone", ONLY_LIST,                 [NO, NO, NO, NO, ML, ML]),
    ("a client of indexes alone",        ONLY_INDEX,                [NO, NO, NO, NO, IX, IX]),
];

/// Asks as every client.
#[track_caller]
fn column(repository: &Repository, stored: &str, samples: &[Sample], column: usize) {
    for (client, accept, row) in TABLE {
        println!("{client} pulls what is stored as {stored}");
        match row[column] {
            Some(expected) => check(repository, "latest", accept, expected, samples),
            None => drop(refuse(repository, "latest", stored, accept)),
        }
    }
    assert_eq!(repository.tags(), ["latest"]);
}

fn signed_schema1_is_served_as_each_client_reads_it(registry: &Registry) {
    let (repository, elsewhere) = (Repository::new(registry, "table"), Repository::new(registry, "library/elsewhere"));
    let sample = Sample::new("amd64");
    let signed = sample.signed_schema1(&elsewhere, &repository);
    repository.push("latest", SCHEMA1, &signed);
    column(&repository, SCHEMA1, &[sample.by_way_of_schema1()], 0);
}

fn unsigned_schema1_is_served_as_each_client_reads_it(registry: &Registry) {
    let (repository, elsewhere) = (Repository::new(registry, "table"), Repository::new(registry, "library/elsewhere"));
    let sample = Sample::new("amd64");
    let unsigned = payload(&sample.signed_schema1(&elsewhere, &repository));
    repository.push("latest", SCHEMA1_UNSIGNED, &unsigned);
    column(&repository, SCHEMA1_UNSIGNED, &[sample.by_way_of_schema1()], 1);
}

fn a_schema2_image_is_served_as_each_client_reads_it(registry: &Registry) {
    let repository = Repository::new(registry, "table");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    repository.push("latest", SCHEMA2, &sample.schema2());
    column(&repository, SCHEMA2, &[sample], 2);
}

fn an_oci_image_is_served_as_each_client_reads_it(registry: &Registry) {
    let repository = Repository::new(registry, "table");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    repository.push("latest", OCI, &sample.oci());
    column(&repository, OCI, &[sample], 3);
}

fn a_manifest_list_is_served_as_each_client_reads_it(registry: &Registry) {
    let repository = Repository::new(registry, "table");
    let samples = ["arm64", "amd64"].map(Sample::new);
    let manifests = samples.each_ref().map(Sample::schema2);
    push_list(&repository, LIST, SCHEMA2, &samples, &manifests);
    column(&repository, LIST, &samples, 4);
}

fn an_index_is_served_as_each_client_reads_it(registry: &Registry) {
    let repository = Repository::new(registry, "table");
    let samples = ["arm64", "amd64"].map(Sample::new);
    let manifests = samples.each_ref().map(Sample::oci);
    push_list(&repository, INDEX, OCI, &samples, &manifests);
    column(&repository, INDEX, &samples, 5);
}

#[track_caller]
fn push_list(repository: &Repository, list_type: &str, image_type: &str, samples: &[Sample], manifests: &[Vec<u8>]) {
    let mut children = Vec::new();
    for (sample, manifest) in samples.iter().zip(manifests) {
        sample.push_blobs(repository);
        let digest = lambda_registry_tests::digest::sha256(manifest);
        repository.push(&digest, image_type, manifest);
        children.push((image_type, manifest.as_slice(), sample.architecture));
    }
    repository.push("latest", list_type, &list(list_type, &children));
}

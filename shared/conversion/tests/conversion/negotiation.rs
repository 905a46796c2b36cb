//! What each client gets of each stored format.

use conversion::{Candidate, ChildFormat, Needs, Refusal, Target, negotiate, not_acceptable};
use protocol::{Accept, ErrorCode, MediaType};

const SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";
const UNSIGNED: &str = "application/vnd.docker.distribution.manifest.v1+json";
const SCHEMA2: &str = "application/vnd.docker.distribution.manifest.v2+json";
const LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

// What clients send, line by line.
const DOCKER_1_9: &[&str] = &[];
const DOCKER_1_10_TO_18: &[&str] = &[SCHEMA2, LIST, "application/json", SCHEMA1];
const DOCKER_19_AND_LATER: &[&str] = &[LIST, SCHEMA1, INDEX, OCI, "application/json", SCHEMA2];
const CONTAINERD: &[&str] = &["application/vnd.docker.distribution.manifest.v2+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, */*"];
const CONTAINERS_IMAGE: &[&str] = &[OCI, SCHEMA2, SCHEMA1, UNSIGNED, LIST, INDEX];
const GO_CONTAINERREGISTRY: &[&str] = &["application/vnd.docker.distribution.manifest.v1+json,\
     application/vnd.docker.distribution.manifest.v1+prettyjws,\
     application/vnd.docker.distribution.manifest.v2+json,application/vnd.oci.image.manifest.v1+json,\
     application/vnd.docker.distribution.manifest.list.v2+json,application/vnd.oci.image.index.v1+json"];
const ORAS: &[&str] = &[SCHEMA2, LIST, OCI, INDEX, "application/vnd.oci.artifact.manifest.v1+json"];
const REGCLIENT: &[&str] =
    &[INDEX, LIST, OCI, SCHEMA2, SCHEMA1, UNSIGNED, "application/vnd.oci.artifact.manifest.v1+json"];
const DOCKER_MANIFEST_UP_TO_20: &[&str] = &[SCHEMA2, LIST, INDEX];
const WILDCARD: &[&str] = &["*/*"];
const CURL_AND_BROWSERS: &[&str] = &["text/html,application/xhtml+xml,*/*;q=0.8"];

/// What every row of a table is checked against, in this order.
const STORED: [MediaType; 6] = [
    MediaType::DockerSchema1Signed,
    MediaType::DockerSchema1,
    MediaType::DockerSchema2,
    MediaType::OciManifest,
    MediaType::DockerManifestList,
    MediaType::OciIndex,
];

const STAYS: &[Candidate] = &[Candidate::Stored];
const NOTHING: &[Candidate] = &[];
const CHILD: &[Candidate] = &[Candidate::Child];
const CHILD_OR_STORED: &[Candidate] = &[Candidate::Child, Candidate::Stored];
const TO_SCHEMA1: &[Candidate] = &[Candidate::Convert(Target::DockerSchema1)];
const TO_SCHEMA1_OR_STORED: &[Candidate] = &[Candidate::Convert(Target::DockerSchema1), Candidate::Stored];
const TO_SCHEMA2: &[Candidate] = &[Candidate::Convert(Target::DockerSchema2)];
const TO_OCI: &[Candidate] = &[Candidate::Convert(Target::OciManifest)];
const TO_SCHEMA2_OR_SCHEMA1: &[Candidate] =
    &[Candidate::Convert(Target::DockerSchema2), Candidate::Convert(Target::DockerSchema1)];
const TO_SCHEMA2_OR_OCI: &[Candidate] =
    &[Candidate::Convert(Target::DockerSchema2), Candidate::Convert(Target::OciManifest)];
const TO_SCHEMA2_OR_STORED: &[Candidate] = &[Candidate::Convert(Target::DockerSchema2), Candidate::Stored];
const DOCKER_LIST: Candidate = Candidate::Convert(Target::DockerManifestList(ChildFormat::DockerSchema2));
const DOCKER_INDEX: Candidate = Candidate::Convert(Target::OciIndex(ChildFormat::DockerSchema2));
const OCI_LIST: Candidate = Candidate::Convert(Target::DockerManifestList(ChildFormat::OciManifest));
const OCI_INDEX: Candidate = Candidate::Convert(Target::OciIndex(ChildFormat::OciManifest));

fn check(client: &str, accept: &[&str], expected: [&[Candidate]; 6]) {
    let accept = Accept::parse(accept.iter().copied());
    for (stored, expected) in STORED.iter().zip(expected) {
        assert_eq!(negotiate(stored, &accept), expected, "{client} and stored {stored}");
    }
}

#[test]
fn each_client_gets_what_it_can_read() {
    check(
        "Docker 1.9",
        DOCKER_1_9,
        [STAYS, STAYS, TO_SCHEMA1_OR_STORED, TO_SCHEMA1_OR_STORED, CHILD_OR_STORED, CHILD_OR_STORED],
    );
    check(
        "Docker 1.10 to 18.09",
        DOCKER_1_10_TO_18,
        [
            STAYS,
            // Signed.
            &[Candidate::Convert(Target::DockerSchema1), Candidate::Convert(Target::DockerSchema2)],
            STAYS,
            TO_SCHEMA2_OR_SCHEMA1,
            &[DOCKER_LIST, Candidate::Stored],
            &[DOCKER_LIST, Candidate::Child],
        ],
    );
    let signed_or_better = [&TO_SCHEMA1[0], &TO_SCHEMA2_OR_OCI[0], &TO_SCHEMA2_OR_OCI[1]].map(|candidate| *candidate);
    check("Docker 19.03 and later", DOCKER_19_AND_LATER, [STAYS, &signed_or_better, STAYS, STAYS, STAYS, STAYS]);
    for (client, accept) in [
        ("containers/image", CONTAINERS_IMAGE),
        ("go-containerregistry", GO_CONTAINERREGISTRY),
        ("regclient", REGCLIENT),
    ] {
        check(client, accept, [STAYS; 6]);
    }
    let up_or_stored = [TO_SCHEMA2_OR_OCI, STAYS].concat();
    // A child in schema 1 is nothing for them.
    let lists = [Candidate::Convert(Target::DockerManifestList(ChildFormat::Any)), Candidate::Stored];
    let indexes = [Candidate::Convert(Target::OciIndex(ChildFormat::Any)), Candidate::Stored];
    check("containerd", CONTAINERD, [&up_or_stored, &up_or_stored, STAYS, STAYS, &lists, &indexes]);
    check("oras", ORAS, [TO_SCHEMA2_OR_OCI, TO_SCHEMA2_OR_OCI, STAYS, STAYS, &lists, &indexes]);
    check(
        "docker manifest up to 20.10",
        DOCKER_MANIFEST_UP_TO_20,
        [
            TO_SCHEMA2,
            TO_SCHEMA2,
            STAYS,
            TO_SCHEMA2,
            &[DOCKER_LIST, Candidate::Stored],
            &[DOCKER_INDEX, Candidate::Stored],
        ],
    );
    check("a bare wildcard", WILDCARD, [STAYS; 6]);
    check("curl and browsers", CURL_AND_BROWSERS, [STAYS; 6]);
}

#[test]
fn each_format_alone_is_served_stored_or_converted() {
    check("schema 1", &[SCHEMA1], [STAYS, TO_SCHEMA1, TO_SCHEMA1, TO_SCHEMA1, CHILD, CHILD]);
    check("unsigned schema 1", &[UNSIGNED], [STAYS, STAYS, TO_SCHEMA1, TO_SCHEMA1, CHILD, CHILD]);
    check("schema 2", &[SCHEMA2], [TO_SCHEMA2, TO_SCHEMA2, STAYS, TO_SCHEMA2, CHILD, CHILD]);
    check("OCI", &[OCI], [TO_OCI, TO_OCI, TO_OCI, STAYS, CHILD, CHILD]);
    check("manifest list", &[LIST], [NOTHING, NOTHING, NOTHING, NOTHING, STAYS, &[DOCKER_LIST]]);
    check("index", &[INDEX], [NOTHING, NOTHING, NOTHING, NOTHING, &[OCI_INDEX], STAYS]);
    check(
        "OCI images and lists",
        &[OCI, INDEX],
        [TO_OCI, TO_OCI, TO_OCI, STAYS, &[OCI_INDEX, Candidate::Child], &[OCI_INDEX, Candidate::Stored]],
    );
    check(
        "an odd pair",
        &[OCI, LIST],
        [TO_OCI, TO_OCI, TO_OCI, STAYS, &[OCI_LIST, Candidate::Stored], &[OCI_LIST, Candidate::Child]],
    );
    check("JSON", &["application/json"], [NOTHING; 6]);
}

#[test]
fn named_types_beat_wildcards() {
    check(
        "schema 2 and a wildcard",
        &[SCHEMA2, "*/*"],
        [TO_SCHEMA2_OR_STORED, TO_SCHEMA2_OR_STORED, STAYS, TO_SCHEMA2_OR_STORED, CHILD_OR_STORED, CHILD_OR_STORED],
    );
    check("a type that nobody knows and a wildcard", &["application/x", "application/*"], [STAYS; 6]);
    check("a type that nobody knows", &["application/x"], [NOTHING; 6]);
    check("another wildcard", &["text/*"], [NOTHING; 6]);
}

#[test]
fn the_highest_quality_wins_and_nought_rules_out() {
    let oci_first = [Candidate::Convert(Target::OciManifest), Candidate::Convert(Target::DockerSchema2)];
    let to_oci = [Candidate::Convert(Target::OciManifest), Candidate::Stored];
    check(
        "OCI rather than schema 2",
        &["application/vnd.docker.distribution.manifest.v2+json;q=0.5", OCI],
        [&oci_first, &oci_first, &to_oci, STAYS, CHILD, CHILD],
    );
    let schema1_first = [Candidate::Convert(Target::DockerSchema1), Candidate::Convert(Target::DockerSchema2)];
    check(
        "schema 1 rather than schema 2",
        &[
            "application/vnd.docker.distribution.manifest.v2+json;q=0.1",
            "application/vnd.docker.distribution.manifest.v1+json;q=0.2",
        ],
        [STAYS, STAYS, &[Candidate::Convert(Target::DockerSchema1), Candidate::Stored], &schema1_first, CHILD, CHILD],
    );
    let indexes = [Candidate::Convert(Target::OciIndex(ChildFormat::Any)), Candidate::Stored];
    check(
        "an image rather than a list",
        &[SCHEMA2, OCI, "application/vnd.oci.image.index.v1+json;q=0.5"],
        [
            TO_SCHEMA2_OR_OCI,
            TO_SCHEMA2_OR_OCI,
            STAYS,
            STAYS,
            &[Candidate::Child, indexes[0]],
            &[Candidate::Child, indexes[0], indexes[1]],
        ],
    );
    check(
        "no schema 2",
        &["application/vnd.docker.distribution.manifest.v2+json;q=0", "*/*"],
        [
            STAYS,
            STAYS,
            &[Candidate::Convert(Target::OciManifest), Candidate::Convert(Target::DockerSchema1)],
            STAYS,
            STAYS,
            STAYS,
        ],
    );
    check("nothing", &["*/*;q=0"], [NOTHING; 6]);
}

#[test]
fn the_stored_form_is_always_the_last_candidate() {
    let all = [SCHEMA1, UNSIGNED, SCHEMA2, LIST, OCI, INDEX, "*/*", "application/json"];
    for subset in 0..1_u32 << all.len() {
        let chosen = all.iter().enumerate().filter(|(bit, _)| subset & (1 << bit) != 0).map(|(_, name)| *name);
        let accept = Accept::parse(chosen);
        for stored in &STORED {
            let candidates = negotiate(stored, &accept);
            let at = candidates.iter().position(|candidate| *candidate == Candidate::Stored);
            assert!(at.is_none_or(|at| at + 1 == candidates.len()), "{accept} and stored {stored}");
            let wildcard_or_none = accept.is_absent() || accept.takes(&MediaType::Other("any/thing".into()));
            assert!(!wildcard_or_none || at.is_some(), "{accept} and stored {stored}");
        }
    }
}

#[test]
fn keys_of_targets_are_distinct_and_plain() {
    let formats = [ChildFormat::Any, ChildFormat::DockerSchema2, ChildFormat::OciManifest];
    let lists = formats.iter().flat_map(|format| [Target::DockerManifestList(*format), Target::OciIndex(*format)]);
    let targets: Vec<_> =
        [Target::DockerSchema1, Target::DockerSchema2, Target::OciManifest].into_iter().chain(lists).collect();
    let mut keys: Vec<_> = targets.iter().map(Target::key).collect();
    assert!(keys.iter().all(|key| key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'+')));
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), targets.len());
}

#[test]
fn only_schema1_reads_the_config_and_contains_the_tag() {
    for source in [MediaType::DockerSchema2, MediaType::OciManifest] {
        assert_eq!(Target::DockerSchema1.needs(&source), Needs::Config);
        assert_eq!(Target::DockerSchema2.needs(&source), Needs::Nothing);
        assert_eq!(Target::OciManifest.needs(&source), Needs::Nothing);
    }
    assert!(Target::DockerSchema1.depends_on_tag());
    assert!(!Target::OciIndex(ChildFormat::Any).depends_on_tag());
}

#[test]
fn when_nothing_fits_the_answer_says_why() {
    let accept = Accept::parse([SCHEMA2]);
    let reason = Refusal::ZstdLayer { layer: 2, to: MediaType::DockerSchema2 };
    let error = not_acceptable(&MediaType::OciManifest, &accept, Some(&reason));
    assert_eq!(error.code, ErrorCode::ManifestUnknown);
    assert_eq!(
        error.message,
        "the manifest is stored as application/vnd.oci.image.manifest.v1+json and the client accepts \
         application/vnd.docker.distribution.manifest.v2+json: layers[2] is compressed with zstd, which clients of \
         application/vnd.docker.distribution.manifest.v2+json can't unpack; push the image with gzip"
    );
    let error = not_acceptable(&MediaType::DockerSchema1, &accept, None);
    assert!(error.message.ends_with("there is no conversion between them"), "{}", error.message);
}

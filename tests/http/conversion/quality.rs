//! The finer points of `Accept` (RFC 9110, section 12.5.1).

use lambda_registry_tests::in_mode;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;

use super::served::check;
use super::wishes::ONLY_OCI;
use crate::sample::Sample;
use crate::types::{OCI, SCHEMA1, SCHEMA1_UNSIGNED, SCHEMA2};

in_mode!(one_process, OneProcess, weights_wildcards_and_spelling_are_honoured, a_type_that_is_ruled_out_is_not_served);

fn weights_wildcards_and_spelling_are_honoured(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let samples = [Sample::new("amd64")];
    samples[0].push_blobs(&repository);
    repository.push("schema2", SCHEMA2, &samples[0].schema2());
    repository.push("oci", OCI, &samples[0].oci());
    let weighed = |best: &str, other: &str| format!("{best};q=0.5, {other};q=0.4");
    let cases: &[(&str, &[&str], &str)] = &[
        // The higher weight wins, even over the stored form.
        ("oci", &[&weighed(SCHEMA2, OCI)], SCHEMA2),
        ("oci", &[&weighed(OCI, SCHEMA2)], OCI),
        ("schema2", &[&weighed(SCHEMA1, SCHEMA2)], SCHEMA1),
        ("schema2", &[OCI, &format!("{SCHEMA2};q=0.999")], OCI),
        // Between equals the stored form wins, then the nearest.
        ("schema2", &[SCHEMA1, OCI, SCHEMA2], SCHEMA2),
        ("schema2", &[SCHEMA1, OCI], OCI),
        ("oci", &[SCHEMA1, SCHEMA2], SCHEMA2),
        // A type that is named beats any wildcard.
        ("schema2", &[&format!("*/*, {OCI};q=0.001")], OCI),
        ("schema2", &["application/*;q=0.9", &format!("{SCHEMA1};q=0.1")], SCHEMA1),
        // A wildcard means the stored form; so does one beside names that can't be had.
        ("schema2", &["application/*"], SCHEMA2),
        ("schema2", &["*"], SCHEMA2),
        ("oci", &["text/html, image/gif, *; q=.2, */*; q=.2"], OCI),
        // Lines and lists, case, parameters and white space make no difference.
        ("oci", &[" text/plain ,,", &format!("{},", SCHEMA2.to_uppercase())], SCHEMA2),
        ("oci", &[&format!("{SCHEMA2} ; charset=utf-8 ; Q=0.7")], SCHEMA2),
        // Schema 1 goes by two names. Nothing signs without a signature.
        ("schema2", &[SCHEMA1_UNSIGNED], SCHEMA1),
        // An empty header is no header.
        ("schema2", &[""], SCHEMA1),
    ];
    for (tag, accept, expected) in cases {
        println!("{tag} for {accept:?}");
        check(&repository, tag, accept, expected, &samples);
    }
}

fn a_type_that_is_ruled_out_is_not_served(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let samples = [Sample::new("amd64")];
    samples[0].push_blobs(&repository);
    repository.push("schema2", SCHEMA2, &samples[0].schema2());
    check(&repository, "schema2", &[&format!("{SCHEMA2};q=0, */*")], OCI, &samples);
    check(&repository, "schema2", &[&format!("{SCHEMA2};q=0, {OCI};q=0, */*;q=0.1")], SCHEMA1, &samples);
    for nothing in ["*/*;q=0", "text/html", "application/json", &format!("{SCHEMA2};q=0")] {
        repository.pull("schema2", &[nothing]).expect_error(404, "MANIFEST_UNKNOWN");
    }
    check(&repository, "schema2", ONLY_OCI, OCI, &samples);
}

//! Schema 1 whose signatures don't hold or aren't signatures. The manifests are other projects'; where they are from
//! stands in `provenance.json` beside them.

use std::path::Path;

use lambda_registry_tests::in_mode;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;

use crate::sample::{EMPTY_LAYER, Sample, payload};
use crate::types::{SCHEMA1, SCHEMA1_UNSIGNED};

in_mode!(
    one_process,
    OneProcess,
    a_signature_that_does_not_hold_is_refused,
    a_signature_that_is_none_is_refused,
    a_good_signature_of_somebody_else_is_believed,
    a_signed_manifest_needs_its_signature
);

fn golden(name: &str) -> Vec<u8> {
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conversion/tests/goldens");
    std::fs::read(goldens.join(name)).unwrap()
}

#[track_caller]
fn replaced(manifest: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = std::str::from_utf8(manifest).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    text.replacen(from, to, 1).into_bytes()
}

fn a_signature_that_does_not_hold_is_refused(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let good = golden("schema1-good-by-moby.json");
    let bad = [
        golden("schema1-bad-by-moby.json"),
        golden("schema1-bad-by-containers-image.json"),
        replaced(&good, "\"tag\": \"latest\"", "\"tag\": \"newest\""),
        replaced(&good, "\"signature\": \"Y6", "\"signature\": \"Z6"),
    ];
    for manifest in bad {
        for content_type in [SCHEMA1, "application/json"] {
            let message = repository.put("latest", content_type, &manifest).expect_error(400, "MANIFEST_UNVERIFIED");
            assert!(message.contains("signatures[0]") && message.contains("as it was signed"), "{message}");
        }
    }
    assert!(!repository.exists());
}

fn a_signature_that_is_none_is_refused(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let good = golden("schema1-good-by-moby.json");
    let text = String::from_utf8(good.clone()).unwrap();
    let (_, protected) = text.rsplit_once("\"protected\": \"").unwrap();
    let (protected, _) = protected.split_once('"').unwrap();
    // {"formatLength":99999999,"formatTail":"Cn0"}
    let too_long = "eyJmb3JtYXRMZW5ndGgiOjk5OTk5OTk5LCJmb3JtYXRUYWlsIjoiQ24wIn0";
    let malformed = [
        golden("schema1-malformed-by-containers-image.json"),
        replaced(&good, protected, "%%%"),
        replaced(&good, protected, ""),
        replaced(&good, protected, "bm90IEpTT04"),
        replaced(&good, protected, too_long),
        replaced(&good, "\"crv\": \"P-256\"", "\"crv\": \"P-521\""),
        replaced(&good, "\"x\": \"Cu_", "\"x\": \"AA_"),
        replaced(&good, "\"kid\": \"OIH7", "\"kid\": \"AAAA"),
        replaced(&good, "\"signature\": \"", "\"signature\": \"!"),
        replaced(&good, "\"jwk\"", "\"key\""),
    ];
    for manifest in malformed {
        let message = repository.put("latest", SCHEMA1, &manifest).expect_error(400, "MANIFEST_INVALID");
        assert!(message.contains("signatures"), "{message}");
    }
    assert!(!repository.exists());
}

/// Nothing is wrong with it but that its layers were never pushed.
fn a_good_signature_of_somebody_else_is_believed(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let good = golden("schema1-good-by-moby.json");
    let message = repository.put("latest", SCHEMA1, &good).expect_error(400, "MANIFEST_BLOB_UNKNOWN");
    assert!(message.contains(EMPTY_LAYER), "{message}");
    assert!(!repository.exists());
}

fn a_signed_manifest_needs_its_signature(registry: &Registry) {
    let (repository, elsewhere) = (Repository::new(registry, "app"), Repository::new(registry, "elsewhere"));
    let unsigned = payload(&Sample::new("amd64").signed_schema1(&elsewhere, &repository));
    let message = repository.put("latest", SCHEMA1, &unsigned).expect_error(400, "MANIFEST_INVALID");
    assert!(message.contains("signatures") && message.contains(SCHEMA1_UNSIGNED), "{message}");
    assert!(repository.tags().is_empty());
    repository.push("latest", SCHEMA1_UNSIGNED, &unsigned);
}

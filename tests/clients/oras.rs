//! oras: artifacts, what is attached to them, copies of both, deletes.

use lambda_registry_tests::clients::Oras;
use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::images::samples::{noise, real_file};
use lambda_registry_tests::in_every_mode;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;

use crate::mounted::expect_mounts_only;

in_every_mode![
    oras_pulls_its_own_push,
    oras_discovers_what_it_attached,
    oras_copies_an_artifact_with_what_is_attached_without_uploading_a_blob,
    oras_deletes_a_manifest_with_its_tags,
    oras_deletes_a_blob,
];

const DOCUMENT: &str = "application/vnd.example.document";
const SIGNATURE: &str = "application/vnd.example.signature";
const SBOM: &str = "application/vnd.example.sbom";

fn oras_pulls_its_own_push(registry: &Registry) {
    let oras = Oras::new(registry);
    let program = real_file("/bin/bash");

    let pushed = oras.push(&registry.image("oras/own:1"), DOCUMENT, ("program", &program));

    assert_eq!(registry.manifest("oras/own", "1").digest, pushed);
    assert_eq!(oras.pull(&registry.image("oras/own:1"), "program"), program);
}

fn oras_discovers_what_it_attached(registry: &Registry) {
    let oras = Oras::new(registry);
    let subject = registry.image("oras/signed:1");
    oras.push(&subject, DOCUMENT, ("document", b"to be signed"));
    assert!(oras.discover(&subject, &[]).is_empty());

    let signature = oras.attach(&subject, SIGNATURE, ("signature", b"signed"));
    let sbom = oras.attach(&subject, SBOM, ("sbom", b"{}"));

    let mut attached = [signature.clone(), sbom.clone()];
    attached.sort();
    let mut discovered = oras.discover(&subject, &[]);
    discovered.sort();
    assert_eq!(discovered, attached);
    assert_eq!(oras.discover(&subject, &["--artifact-type", SBOM]), [sbom]);
    assert_eq!(oras.pull(&registry.image(&format!("oras/signed@{signature}")), "signature"), b"signed");
}

fn oras_copies_an_artifact_with_what_is_attached_without_uploading_a_blob(registry: &Registry) {
    let oras = Oras::new(registry);
    let (original, copy) = (registry.image("oras/original:1"), registry.image("oras/a/deeper/copy:2"));
    let digest = oras.push(&original, DOCUMENT, ("document", b"to be signed"));
    let signature = oras.attach(&original, SIGNATURE, ("signature", b"signed"));
    let countersignature =
        oras.attach(&registry.image(&format!("oras/original@{signature}")), SIGNATURE, ("countersignature", b"too"));

    oras.copy(&original, &copy);

    expect_mounts_only(registry, "oras/a/deeper/copy");
    assert_eq!(registry.manifest("oras/a/deeper/copy", "2").digest, digest);
    assert_eq!(oras.discover(&copy, &["--depth", "1"]), [&*signature]);
    let copied = registry.image(&format!("oras/a/deeper/copy@{signature}"));
    assert_eq!(oras.discover(&copied, &[]), [countersignature]);
    assert_eq!(oras.pull(&copied, "signature"), b"signed");
    assert_eq!(oras.catalog(registry.address()), ["oras/a/deeper/copy", "oras/original"]);
}

fn oras_deletes_a_manifest_with_its_tags(registry: &Registry) {
    let oras = Oras::new(registry);
    let repository = registry.image("oras/deleted");
    oras.push(&format!("{repository}:1"), DOCUMENT, ("document", b"to be deleted"));
    oras.tag(&format!("{repository}:1"), &["2", "3"]);
    let kept = oras.push(&format!("{repository}:kept"), DOCUMENT, ("document", b"to be kept"));
    assert_eq!(oras.tags(&repository), ["1", "2", "3", "kept"]);

    oras.delete_manifest(&format!("{repository}:2"));

    assert_eq!(oras.tags(&repository), ["kept"]);
    assert_eq!(registry.manifest("oras/deleted", "kept").digest, kept);
}

fn oras_deletes_a_blob(registry: &Registry) {
    let oras = Oras::new(registry);
    let (content, repository) = (noise(2_000_000, 7), Repository::new(registry, "oras/blobs"));
    let digest = sha256(&content);
    oras.push_blob(&registry.image("oras/blobs"), &content);
    assert_eq!(repository.blob(&digest), content);

    oras.delete_blob(&registry.image(&format!("oras/blobs@{digest}")));

    assert!(!repository.has_blob(&digest));
}

//! The binaries that are built for Lambda, behind the local stack's Lambda Runtime API.

use std::path::PathBuf;

use lambda_registry_tests::content::Content;
use lambda_registry_tests::process::{Process, children};
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;

use lambda_registry_tests::image::{Image, MEDIA_TYPE};

const FUNCTIONS: [&str; 6] = ["auth", "blob-get", "blob-upload", "manifest-get", "manifest-put", "schema1-upgrade"];

const SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+json";

#[test]
fn an_image_goes_through_the_binaries_that_are_built_for_lambda() {
    let directory = directory();
    let flags = ["--no-front", "--functions", "process", "--function-binaries", directory.to_str().unwrap()];
    let registry = Registry::start(&flags);
    let repository = Repository::new(&registry, "binaries/all");
    let image = Image::new(1, [1000, 4 << 20]);
    // Larger than what one event carries, in pieces.
    let large = Content { number: 2, length: 12 << 20 };

    lambda_registry_tests::http::Request::new("GET", &registry.url("/v2/")).send().expect(200);
    for blob in &image.blobs {
        repository.push_blob(blob);
    }
    let session = lambda_registry_tests::session::Session::start(&registry, &repository.name);
    for first in (0..large.length).step_by(4 << 20) {
        session.patch_from(first, 4 << 20, large.range(first, first + (4 << 20))).expect(202);
    }
    session.finish(&large.digest()).expect(201);
    repository.push("1", MEDIA_TYPE, &image.manifest);
    repository.push("schema1", SCHEMA1, &schema1(&large.digest()));

    assert_eq!(registry.manifest(&repository.name, "1").body, image.manifest);
    for blob in image.blobs.iter().chain([&large.bytes()]) {
        assert!(repository.blob(&lambda_registry_tests::digest::sha256(blob)) == *blob);
    }
    let converted = repository.pull_converted("schema1", &[MEDIA_TYPE]).expect(200).json();
    assert_eq!(converted["layers"][0]["size"], large.length);
    let mut programs: Vec<PathBuf> = children(registry.pid()).iter().map(Process::program).collect();
    programs.sort();
    assert_eq!(programs, FUNCTIONS.map(|function| directory.join(function)));
}

/// An image of one layer in the oldest format, which only the function in the background can make newer ones of.
fn schema1(layer: &str) -> Vec<u8> {
    let history = serde_json::json!({"id": "0", "created": "2015-10-21T07:28:00Z"}).to_string();
    let manifest = serde_json::json!({
        "schemaVersion": 1,
        "name": "binaries/all",
        "tag": "schema1",
        "architecture": "amd64",
        "fsLayers": [{"blobSum": layer}],
        "history": [{"v1Compatibility": history}],
    });
    manifest.to_string().into_bytes()
}

/// Where the functions lie that were built with the profile of these tests.
fn directory() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let directory = tests.parent().and_then(|deps| deps.parent()).unwrap().canonicalize().unwrap();
    for function in FUNCTIONS {
        let packages = FUNCTIONS.map(|function| format!("-p {function}")).join(" ");
        let binary = directory.join(function);
        assert!(binary.exists(), "{} is missing: run cargo build {packages}", binary.display());
    }
    directory
}

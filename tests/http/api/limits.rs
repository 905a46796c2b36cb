//! What one request carries: anything through the streaming front, some 4.4 MB through a deployment's gateway.

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::images::samples::noise;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::{Repository, strings};
use lambda_registry_tests::{in_mode, in_modes_with_front};

use crate::types::OCI;

in_modes_with_front![a_large_body_goes_through_in_one_request];
in_mode!(
    without_front,
    WithoutFront,
    a_large_body_is_the_gateways_413_and_pieces_go_through,
    a_manifest_that_lacks_tens_of_thousands_of_layers_is_told_all_of_them
);

fn a_large_body_goes_through_in_one_request(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let content = noise(21_000_000, 7);
    let digest = repository.push_blob(&content);
    assert!(repository.blob(&digest) == content);
}

fn a_large_body_is_the_gateways_413_and_pieces_go_through(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let content = noise(12_000_000, 7);
    let digest = sha256(&content);
    let location = repository.start_upload();
    // Over what a function receives, and over what the gateway takes.
    for length in [5_000_000, 12_000_000] {
        for (method, query) in [("PATCH", String::new()), ("PUT", format!("?digest={digest}"))] {
            let refused = repository.follow(method, &format!("{location}{query}")).body(&content[..length]).send();
            assert_eq!(refused.expect(413).json()["message"], "Request Entity Too Large");
        }
    }
    assert_eq!(repository.follow("GET", &location).send().expect(204).expect_header("range"), "0-0");
    assert!(!repository.has_blob(&digest));

    let mut sent = 0;
    for piece in content.chunks(4_400_000) {
        sent += piece.len();
        let answer = repository.follow("PATCH", &location).body(piece).send().expect(202);
        assert_eq!(answer.expect_header("range"), format!("0-{}", sent - 1));
    }
    repository.follow("PUT", &format!("{location}?digest={digest}")).send().expect(201);
    assert!(repository.blob(&digest) == content);
}

/// An answer holds 6 MB, and less in base64.
fn a_manifest_that_lacks_tens_of_thousands_of_layers_is_told_all_of_them(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let config = repository.push_blob(b"{}");
    let missing: Vec<String> = (0..36_000_u32).map(|n| sha256(&n.to_be_bytes())).collect();
    let layers: Vec<String> =
        missing.iter().map(|digest| format!(r#"{{"mediaType":"a/b","size":4,"digest":"{digest}"}}"#)).collect();
    let config = format!(r#"{{"mediaType":"application/vnd.oci.image.config.v1+json","size":2,"digest":"{config}"}}"#);
    let manifest = format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{}]}}"#, layers.join(","));
    let refused = repository.put("1", OCI, manifest.as_bytes());
    let message = refused.expect_error(400, "MANIFEST_BLOB_UNKNOWN");
    assert!(message.contains(&missing[0]) && message.ends_with(" and 35800 more"), "{message}");
    assert_eq!(strings(&refused.json()["errors"][0]["detail"]["blobs"]), missing);
}

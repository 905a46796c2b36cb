//! Repository names outside the grammar, and the longest and deepest ones inside it.

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::http::Request;
use lambda_registry_tests::in_mode;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::{Repository, strings};

use crate::sample::Sample;
use crate::types::SCHEMA2;

in_mode!(
    one_process,
    OneProcess,
    names_outside_the_grammar_are_refused_everywhere,
    the_longest_and_the_deepest_name_work,
    an_escaped_name_is_the_name_that_it_spells
);
in_mode!(
    without_front,
    WithoutFront,
    names_outside_the_grammar_are_refused_everywhere,
    the_longest_and_the_deepest_name_work,
    an_escaped_name_is_the_name_that_it_spells
);

fn names_outside_the_grammar_are_refused_everywhere(registry: &Registry) {
    let sample = Sample::new("amd64");
    let (digest, manifest) = (sha256(b"content"), sample.schema2());
    let (too_long, too_deep) = ("a".repeat(257), ["a"; 9].join("/"));
    for name in [
        "App",
        "app/Web",
        "a..b",
        "a.",
        ".a",
        "-a",
        "a-",
        "_a",
        "a___b",
        "a._b",
        "a//b",
        "a+b",
        "a:b",
        "a@b",
        "a~b",
        ".",
        "..",
        "a/..",
        "a/../b",
        "a/./b",
        "%41pp",
        "a%20b",
        "a%00b",
        "a%0Ab",
        "a%2F..%2Fb",
        "%C3%A4",
        "%FF",
        "a%",
        &too_long,
        &too_deep,
    ] {
        let repository = Repository::new(registry, name);
        for request in [
            repository.request("GET", "tags/list"),
            repository.request("GET", "manifests/latest"),
            repository.request("PUT", "manifests/latest").header("Content-Type", SCHEMA2).body(manifest.as_slice()),
            repository.request("DELETE", "manifests/latest"),
            repository.request("GET", &format!("blobs/{digest}")),
            repository.request("POST", "blobs/uploads/"),
            repository.request("POST", &format!("blobs/uploads/?digest={digest}")).body("content"),
            repository.request("GET", &format!("referrers/{digest}")),
        ] {
            let message = request.send().expect_error(400, "NAME_INVALID");
            assert!(message.contains("repository name"), "{message}");
        }
    }
    let catalog = Request::new("GET", &registry.url("/v2/_catalog")).send().expect(200).json();
    assert!(strings(&catalog["repositories"]).is_empty(), "{catalog}");
}

fn the_longest_and_the_deepest_name_work(registry: &Registry) {
    let sample = Sample::new("amd64");
    for name in ["a".repeat(256), "a/b.c/d_e/f__g/h-i/j---k/0/z9".to_owned()] {
        let repository = Repository::new(registry, &name);
        sample.push_blobs(&repository);
        repository.push("latest", SCHEMA2, &sample.schema2());
        assert_eq!(repository.tags(), ["latest"]);
        assert_eq!(repository.pull("latest", &[SCHEMA2]).expect(200).body, sample.schema2());
    }
}

fn an_escaped_name_is_the_name_that_it_spells(registry: &Registry) {
    let sample = Sample::new("amd64");
    let (plain, escaped) = (Repository::new(registry, "team/app"), Repository::new(registry, "team%2F%61pp"));
    sample.push_blobs(&plain);
    plain.push("latest", SCHEMA2, &sample.schema2());
    assert_eq!(escaped.pull("lates%74", &[SCHEMA2]).expect(200).body, sample.schema2());
    assert_eq!(escaped.tags(), ["latest"]);
    assert_eq!(escaped.start_upload().split("/blobs").next(), Some("/v2/team/app"));
}

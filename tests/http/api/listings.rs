//! Tags and repositories, page by page.

use lambda_registry_tests::http::{Answer, Request};
use lambda_registry_tests::in_every_mode;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::{Repository, strings};
use serde_json::json;

use crate::sample::Sample;
use crate::types::OCI;

in_every_mode![
    tags_come_in_order_and_in_pages,
    a_repository_without_tags_has_an_empty_list_and_an_unknown_one_none,
    repositories_come_in_order_and_in_pages,
];

/// Where the next page is, when there is one.
#[track_caller]
fn next(page: &Answer) -> Option<&str> {
    let link = page.header("link")?.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
    Some(link.unwrap_or_else(|| panic!("{}: not a link to the next page: {:?}", page.request, page.headers)))
}

/// Follows the links to the end, and returns the pages.
#[track_caller]
fn pages(registry: &Registry, path: &str, key: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut url = Some(path.to_owned());
    while let Some(path) = url {
        assert!(path.starts_with("/v2/"), "{path} doesn't stay on this host");
        let page = Request::new("GET", &registry.url(&path)).send().expect(200);
        assert_eq!(page.expect_header("content-type"), "application/json");
        pages.push(strings(&page.json()[key]));
        url = next(&page).map(str::to_owned);
        assert!(pages.len() < 100, "no end of pages");
    }
    pages
}

fn tags_come_in_order_and_in_pages(registry: &Registry) {
    let repository = Repository::new(registry, "team/app");
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    for tag in ["b", "Z", "a.1", "_", "0", "a-1", "a"] {
        repository.push(tag, OCI, &sample.oci());
    }
    let sorted = ["0", "Z", "_", "a", "a-1", "a.1", "b"];
    let list = |query: &str| pages(registry, &format!("/v2/team/app/tags/list{query}"), "tags");
    assert_eq!(list(""), [sorted]);
    assert_eq!(list("?n=3"), [&sorted[..3], &sorted[3..6], &sorted[6..]]);
    assert_eq!(list("?n=7"), [sorted]);
    assert_eq!(list("?n=1").len(), 7);
    assert_eq!(list("?n=1000000"), [sorted]);
    assert_eq!(list("?last=a"), [&sorted[4..]]);
    assert_eq!(list("?n=2&last=Z"), [&sorted[2..4], &sorted[4..6], &sorted[6..]]);
    // Where a tag would stand that isn't there.
    assert_eq!(list("?last=a-"), [&sorted[4..]]);
    assert_eq!(list("?last=zzz"), [[""; 0]]);
    assert_eq!(list("?n=0"), [[""; 0]]);
    assert_eq!(repository.get("tags/list").json(), json!({"name": "team/app", "tags": sorted}));
}

fn a_repository_without_tags_has_an_empty_list_and_an_unknown_one_none(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    for query in ["", "?n=0", "?n=5&last=a"] {
        let message = repository.get(&format!("tags/list{query}")).expect_error(404, "NAME_UNKNOWN");
        assert!(message.contains("app"), "{message}");
    }
    let sample = Sample::new("amd64");
    sample.push_blobs(&repository);
    repository.push(&lambda_registry_tests::digest::sha256(&sample.oci()), OCI, &sample.oci());
    for query in ["", "?n=0", "?n=5&last=a"] {
        let answer = repository.get(&format!("tags/list{query}")).expect(200);
        assert_eq!((answer.json(), next(&answer)), (json!({"name": "app", "tags": []}), None));
    }
}

fn repositories_come_in_order_and_in_pages(registry: &Registry) {
    let list = |query: &str| pages(registry, &format!("/v2/_catalog{query}"), "repositories");
    assert_eq!(list(""), [[""; 0]]);
    let sample = Sample::new("amd64");
    let sorted = ["a", "a-b", "a/b", "library/app", "z"];
    for name in ["z", "a/b", "library/app", "a", "a-b"] {
        let repository = Repository::new(registry, name);
        sample.push_blobs(&repository);
        repository.push("latest", OCI, &sample.oci());
    }
    assert_eq!(list(""), [sorted]);
    assert_eq!(list("?n=2"), [&sorted[..2], &sorted[2..4], &sorted[4..]]);
    assert_eq!(list("?n=5"), [sorted]);
    assert_eq!(list("?n=2&last=a%2Fb"), [&sorted[3..]]);
    assert_eq!(list("?last=b"), [&sorted[3..]]);
    assert_eq!(list("?n=0"), [[""; 0]]);
}

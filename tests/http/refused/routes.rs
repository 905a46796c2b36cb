//! Paths and methods that the API doesn't have, and parameters that aren't what they should be.

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::http::Request;
use lambda_registry_tests::in_every_mode;
use lambda_registry_tests::registry::Registry;

in_every_mode![
    a_path_that_is_none_of_the_api_is_unknown,
    a_method_that_a_path_does_not_have_is_refused_with_those_that_it_has,
    pages_that_cannot_be_are_refused,
];

fn a_path_that_is_none_of_the_api_is_unknown(registry: &Registry) {
    for path in [
        "/",
        "/v1/",
        "/v2x",
        "/v2/app",
        "/v2/app/",
        "/v2/app/tags",
        "/v2/app/tags/list/",
        "/v2/app/blobs",
        "/v2/app/manifests",
        "/v2/app/manifest/latest",
        "/v2/_catalog/",
        "/v2/app/manifests/a/b",
        "/favicon.ico",
        "/v2//",
        "/%2e%2e/etc/passwd",
        "/../etc/passwd",
    ] {
        for method in ["GET", "PUT", "POST", "DELETE"] {
            let message = Request::new(method, &registry.url(path)).send().expect_error(404, "UNSUPPORTED");
            assert!(message.contains("is no path of the distribution API (/v2/…)"), "{message}");
        }
        let head = Request::new("HEAD", &registry.url(path)).send().expect(404);
        assert!(head.body.is_empty());
    }
}

fn a_method_that_a_path_does_not_have_is_refused_with_those_that_it_has(registry: &Registry) {
    let digest = sha256(b"");
    for (path, allowed) in [
        ("/v2/".to_owned(), "GET, HEAD"),
        ("/v2".to_owned(), "GET, HEAD"),
        ("/v2/_catalog".to_owned(), "GET"),
        ("/v2/app/tags/list".to_owned(), "GET"),
        (format!("/v2/app/referrers/{digest}"), "GET"),
        ("/v2/app/manifests/latest".to_owned(), "GET, HEAD, PUT, DELETE"),
        (format!("/v2/app/blobs/{digest}"), "GET, HEAD, DELETE"),
        ("/v2/app/blobs/uploads/".to_owned(), "POST"),
        ("/v2/app/blobs/uploads".to_owned(), "POST"),
        ("/v2/app/blobs/uploads/00000000-0000-4000-8000-000000000000".to_owned(), "GET, PATCH, PUT, DELETE"),
    ] {
        let has: Vec<_> = allowed.split(", ").collect();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            if has.contains(&method) {
                continue;
            }
            let refused = Request::new(method, &registry.url(&path)).send();
            let message = refused.expect_error(405, "UNSUPPORTED");
            assert!(message.contains(method) && message.contains(allowed), "{message}");
            assert_eq!(refused.expect_header("allow"), allowed, "{}", refused.request);
        }
        if !has.contains(&"HEAD") {
            let head = Request::new("HEAD", &registry.url(&path)).send().expect(405);
            assert_eq!((head.expect_header("allow"), head.body.len()), (allowed, 0));
        }
    }
}

fn pages_that_cannot_be_are_refused(registry: &Registry) {
    for path in ["/v2/_catalog", "/v2/app/tags/list"] {
        for n in ["", "-1", "ten", "1.5", "0x10", "99999999999999999999999999"] {
            let url = registry.url(&format!("{path}?n={n}"));
            let message = Request::new("GET", &url).send().expect_error(400, "PAGINATION_NUMBER_INVALID");
            assert!(message.contains("n must be a number") && message.contains(n), "{message}");
        }
        let url = registry.url(&format!("{path}?last={}", "a".repeat(1_000)));
        let message = Request::new("GET", &url).send().expect_error(400, "PAGINATION_NUMBER_INVALID");
        assert!(message.contains("at most 256 characters"), "{message}");
    }
}

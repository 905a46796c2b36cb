//! `GET /v2/`, and blobs by redirect.

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::http::Request;
use lambda_registry_tests::in_every_mode;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;

in_every_mode![the_base_says_that_the_api_is_there, a_blob_is_a_redirect_signed_for_its_method, an_unknown_blob_is_404];

fn the_base_says_that_the_api_is_there(registry: &Registry) {
    for path in ["/v2/", "/v2"] {
        let base = Request::new("GET", &registry.url(path)).send().expect(200);
        assert_eq!(base.expect_header("docker-distribution-api-version"), "registry/2.0");
        assert_eq!((base.expect_header("content-type"), base.body.as_slice()), ("application/json", b"{}".as_slice()));
        assert!(Request::new("HEAD", &registry.url(path)).send().expect(200).body.is_empty());
    }
}

fn a_blob_is_a_redirect_signed_for_its_method(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let content: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let digest = repository.push_blob(&content);
    let redirect = |method| {
        let answer = repository.request(method, &format!("blobs/{digest}")).send().expect(307);
        assert_eq!(answer.expect_header("docker-content-digest"), digest);
        assert!(answer.body.is_empty());
        answer.expect_header("location").to_owned()
    };
    let (get, head) = (redirect("GET"), redirect("HEAD"));

    // A Go client carries its credentials along.
    let whole = Request::new("GET", &get).header("Authorization", "Bearer of-the-registry").send().expect(200);
    assert_eq!(sha256(&whole.body), digest);
    let length = Request::new("HEAD", &head).send().expect(200);
    assert_eq!((length.expect_header("content-length"), length.body.len()), ("100000", 0));
    for (range, part) in [("bytes=99990-", 99_990..100_000), ("bytes=5-9", 5..10), ("bytes=-3", 99_997..100_000)] {
        let answer = Request::new("GET", &get).header("Range", range).send().expect(206);
        assert_eq!(answer.body, content[part.clone()]);
        let told = format!("bytes {}-{}/100000", part.start, part.end - 1);
        assert_eq!(answer.expect_header("content-range"), told);
    }
    Request::new("GET", &get).header("Range", "bytes=100000-").send().expect(416);

    assert_eq!(Request::new("HEAD", &get).send().status, 403);
    assert_eq!(Request::new("GET", &head).send().status, 403);
    assert_eq!(Request::new("PUT", &get).body("something else").send().status, 403);
    assert_eq!(Request::new("DELETE", &get).send().status, 403);
    let (path, _) = get.split_once('?').unwrap();
    assert_eq!(Request::new("GET", path).send().status, 403);
    assert_eq!(repository.blob(&digest), content);
}

fn an_unknown_blob_is_404(registry: &Registry) {
    let (repository, nowhere) = (Repository::new(registry, "app"), Repository::new(registry, "nowhere"));
    repository.push_blob(b"content");
    for (repository, digest) in [(&repository, sha256(b"other")), (&nowhere, sha256(b"content"))] {
        let message = repository.get(&format!("blobs/{digest}")).expect_error(404, "BLOB_UNKNOWN");
        assert!(message.contains(&digest) && message.contains(&repository.name), "{message}");
        assert!(repository.head(&format!("blobs/{digest}")).expect(404).body.is_empty());
    }
}

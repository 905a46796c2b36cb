//! Every way in which clients upload a blob.

use lambda_registry_tests::digest::{sha256, sha512};
use lambda_registry_tests::http::Answer;
use lambda_registry_tests::in_every_mode;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;

in_every_mode![
    one_put_with_everything,
    one_patch_and_an_empty_put,
    one_post_with_everything,
    chunks_with_and_without_their_ranges,
    a_blob_of_nothing,
    sha512_that_nobody_announced,
    an_algorithm_may_be_announced,
    a_put_whose_answer_was_lost_is_repeated,
    a_cancelled_session_is_gone,
    the_same_blob_twice_and_in_two_repositories,
];

const CONTENT: &[u8] = b"what a layer is made of";

/// 202 or 204 with everything that clients take from it.
#[track_caller]
fn assert_session(answer: Answer, status: u16, location: &str, range: &str) {
    let answer = answer.expect(status);
    assert_eq!((answer.expect_header("location"), answer.expect_header("range")), (location, range));
    assert!(location.ends_with(&format!("/{}", answer.expect_header("docker-upload-uuid"))), "{location}");
    assert!(answer.body.is_empty());
}

#[track_caller]
fn assert_created(answer: Answer, repository: &Repository, digest: &str, content: &[u8]) {
    let answer = answer.expect(201);
    assert_eq!(answer.expect_header("docker-content-digest"), digest);
    assert_eq!(answer.expect_header("location"), format!("/v2/{}/blobs/{digest}", repository.name));
    assert!(answer.body.is_empty());
    assert_eq!(repository.blob(digest), content);
}

/// A new session, after a look at the answer that opened it.
#[track_caller]
fn opened(repository: &Repository) -> String {
    let answer = repository.request("POST", "blobs/uploads/").send();
    let location = answer.expect_header("location").to_owned();
    assert!(location.starts_with(&format!("/v2/{}/blobs/uploads/", repository.name)), "{location}");
    assert_eq!(answer.expect_header("oci-chunk-min-length"), "1048576");
    assert_session(answer, 202, &location, "0-0");
    assert_session(repository.follow("GET", &location).send(), 204, &location, "0-0");
    location
}

/// containerd, BuildKit, oras, Helm.
fn one_put_with_everything(registry: &Registry) {
    let repository = Repository::new(registry, "library/app");
    let (location, digest) = (opened(&repository), sha256(CONTENT));
    let put = repository.follow("PUT", &format!("{location}?digest={digest}"));
    let put = put.header("Content-Type", "application/octet-stream").body(CONTENT);
    assert_created(put.send(), &repository, &digest, CONTENT);
}

/// Docker, podman, skopeo, crane.
fn one_patch_and_an_empty_put(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let (location, digest) = (opened(&repository), sha256(CONTENT));
    let last = format!("0-{}", CONTENT.len() - 1);
    assert_session(repository.follow("PATCH", &location).body(CONTENT).send(), 202, &location, &last);
    assert_session(repository.follow("GET", &location).send(), 204, &location, &last);
    // Clients escape the colon.
    let put = repository.follow("PUT", &format!("{location}?digest={}", digest.replace(':', "%3A")));
    assert_created(put.send(), &repository, &digest, CONTENT);
}

fn one_post_with_everything(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let digest = sha256(CONTENT);
    let post = repository.request("POST", &format!("blobs/uploads/?digest={digest}")).body(CONTENT);
    assert_created(post.send(), &repository, &digest, CONTENT);
}

fn chunks_with_and_without_their_ranges(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let (location, digest) = (opened(&repository), sha256(CONTENT));
    let chunk = |method, location: &str, range: &str, bytes: &[u8]| {
        repository.follow(method, location).header("Content-Range", range).body(bytes).send()
    };
    assert_session(chunk("PATCH", &location, "0-4", &CONTENT[..5]), 202, &location, "0-4");
    assert_session(repository.follow("PATCH", &location).body(&CONTENT[5..6]).send(), 202, &location, "0-5");
    assert_session(repository.follow("PATCH", &location).send(), 202, &location, "0-5");
    assert_session(chunk("PATCH", &location, "bytes 6-9/*", &CONTENT[6..10]), 202, &location, "0-9");
    assert_session(repository.follow("GET", &location).send(), 204, &location, "0-9");
    let last = format!("10-{}", CONTENT.len() - 1);
    let put = chunk("PUT", &format!("{location}?digest={digest}"), &last, &CONTENT[10..]);
    assert_created(put, &repository, &digest, CONTENT);
}

fn a_blob_of_nothing(registry: &Registry) {
    let digest = sha256(b"");
    for (name, with_patch) in [("by/put", false), ("by/patch", true)] {
        let repository = Repository::new(registry, name);
        let location = opened(&repository);
        if with_patch {
            assert_session(repository.follow("PATCH", &location).send(), 202, &location, "0-0");
        }
        let put = repository.follow("PUT", &format!("{location}?digest={digest}"));
        assert_created(put.send(), &repository, &digest, b"");
    }
    let repository = Repository::new(registry, "by/post");
    let post = repository.request("POST", &format!("blobs/uploads/?digest={digest}"));
    assert_created(post.send(), &repository, &digest, b"");
}

fn sha512_that_nobody_announced(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let digest = sha512(CONTENT);
    let (first, second) = CONTENT.split_at(7);
    let location = opened(&repository);
    repository.follow("PATCH", &location).body(first).send().expect(202);
    repository.follow("PATCH", &location).body(second).send().expect(202);
    let put = repository.follow("PUT", &format!("{location}?digest={digest}"));
    assert_created(put.send(), &repository, &digest, CONTENT);
    // The blob goes by the digest that it was pushed with.
    assert!(!repository.has_blob(&sha256(CONTENT)));

    let other = Repository::new(registry, "other");
    let post = other.request("POST", &format!("blobs/uploads/?digest={digest}")).body(CONTENT);
    assert_created(post.send(), &other, &digest, CONTENT);
}

fn a_put_whose_answer_was_lost_is_repeated(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let (location, digest) = (opened(&repository), sha256(CONTENT));
    repository.follow("PATCH", &location).body(CONTENT).send().expect(202);
    let put = repository.follow("PUT", &format!("{location}?digest={digest}"));
    for _ in 0..3 {
        assert_created(put.send(), &repository, &digest, CONTENT);
    }
    let other = repository.follow("PUT", &format!("{location}?digest={}", sha256(b"something else")));
    other.send().expect_error(404, "BLOB_UPLOAD_UNKNOWN");
    repository.follow("PATCH", &location).body("more").send().expect_error(404, "BLOB_UPLOAD_UNKNOWN");
    repository.follow("GET", &location).send().expect_error(404, "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(repository.blob(&digest), CONTENT);
}

fn a_cancelled_session_is_gone(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let (location, digest) = (opened(&repository), sha256(CONTENT));
    repository.follow("PATCH", &location).body(CONTENT).send().expect(202);
    repository.follow("DELETE", &location).send().expect(204);
    for method in ["GET", "PATCH", "PUT", "DELETE"] {
        let request = repository.follow(method, &format!("{location}?digest={digest}"));
        request.send().expect_error(404, "BLOB_UPLOAD_UNKNOWN");
    }
    assert!(!repository.has_blob(&digest));
}

fn the_same_blob_twice_and_in_two_repositories(registry: &Registry) {
    let repositories = ["one", "one", "two"].map(|name| Repository::new(registry, name));
    for repository in &repositories {
        assert_eq!(repository.push_blob(CONTENT), sha256(CONTENT));
    }
    for repository in &repositories {
        assert_eq!(repository.blob(&sha256(CONTENT)), CONTENT);
    }
}

fn an_algorithm_may_be_announced(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    for (algorithm, digest) in [("sha512", sha512(CONTENT)), ("sha256", sha256(CONTENT))] {
        let post = repository.request("POST", &format!("blobs/uploads/?digest-algorithm={algorithm}"));
        let location = post.send().expect(202).expect_header("location").to_owned();
        let put = repository.follow("PUT", &format!("{location}?digest={digest}")).body(CONTENT);
        assert_created(put.send(), &repository, &digest, CONTENT);
    }
    let refused = repository.request("POST", "blobs/uploads/?digest-algorithm=md5").send().expect(400);
    let error = &refused.json()["errors"][0];
    assert_eq!(error["code"], "DIGEST_INVALID");
    assert_eq!(error["message"], "the parameter digest-algorithm: \"md5\" is not known; use sha256 or sha512");
}

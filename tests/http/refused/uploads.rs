//! Uploads that don't keep to what they say.

use lambda_registry_tests::digest::{sha256, sha512};
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;
use lambda_registry_tests::{in_mode, in_modes_with_front};

in_modes_with_front![
    content_with_another_digest_is_refused_and_ends_the_session,
    a_body_shorter_than_its_length_is_not_stored,
    a_chunk_that_is_not_as_long_as_its_range_is_refused,
    a_chunk_at_another_offset_is_told_where_to_go_on,
    a_session_that_was_never_opened_is_unknown,
    an_upload_does_not_end_without_a_digest,
    a_body_that_breaks_off_is_told_so,
];
in_mode!(
    without_front,
    WithoutFront,
    content_with_another_digest_is_refused_and_ends_the_session,
    a_body_shorter_than_its_length_is_not_stored,
    a_chunk_that_is_not_as_long_as_its_range_is_refused,
    a_chunk_at_another_offset_is_told_where_to_go_on,
    a_session_that_was_never_opened_is_unknown,
    an_upload_does_not_end_without_a_digest
);

const UNKNOWN_SESSION: &str = "blobs/uploads/00000000-0000-4000-8000-000000000000";

#[track_caller]
fn assert_nothing_stored(repository: &Repository, contents: &[&[u8]]) {
    for content in contents {
        for digest in [sha256(content), sha512(content)] {
            assert!(!repository.has_blob(&digest), "{digest} is there");
        }
    }
    assert!(!repository.exists());
}

fn content_with_another_digest_is_refused_and_ends_the_session(registry: &Registry) {
    let repository = Repository::new(registry, "bad/digest");
    let (sent, meant) = (b"what was sent".as_slice(), b"what was meant".as_slice());
    for (wrong, right) in [(sha256(meant), sha256(sent)), (sha512(meant), sha512(sent))] {
        let location = repository.start_upload();
        let finish = repository.follow("PUT", &format!("{location}?digest={wrong}")).body(sent);
        let message = finish.send().expect_error(400, "DIGEST_INVALID");
        assert!(message.contains(&wrong) && message.contains(&right) && message.contains("start again"), "{message}");
        finish.send().expect_error(404, "BLOB_UPLOAD_UNKNOWN");
        repository.follow("GET", &location).send().expect_error(404, "BLOB_UPLOAD_UNKNOWN");

        let location = repository.start_upload();
        repository.follow("PATCH", &location).body(sent).send().expect(202);
        let finish = repository.follow("PUT", &format!("{location}?digest={wrong}"));
        finish.send().expect_error(400, "DIGEST_INVALID");

        let whole = repository.request("POST", &format!("blobs/uploads/?digest={wrong}")).body(sent);
        whole.send().expect_error(400, "DIGEST_INVALID");
    }
    assert_nothing_stored(&repository, &[sent, meant]);
}

/// Even when the digest is that of the bytes that came.
fn a_body_shorter_than_its_length_is_not_stored(registry: &Registry) {
    let repository = Repository::new(registry, "bad/length");
    let content = b"only the beginning".as_slice();
    let digest = sha256(content);
    let location = repository.start_upload();
    for (method, rest) in [("PATCH", String::new()), ("PUT", format!("?digest={digest}"))] {
        let cut = repository.follow(method, &format!("{location}{rest}")).body(content).announcing(1_000).send();
        assert_eq!(cut.status, 400, "{}", cut.request);
    }
    let whole = repository.request("POST", &format!("blobs/uploads/?digest={digest}"));
    assert_eq!(whole.body(content).announcing(1_000).send().status, 400);
    assert_nothing_stored(&repository, &[content]);

    let status = repository.follow("GET", &location).send().expect(204);
    assert_eq!(status.expect_header("range"), "0-0");
    repository.follow("PUT", &format!("{location}?digest={digest}")).body(content).send().expect(201);
    assert_eq!(repository.blob(&digest), content);
}

fn a_body_that_breaks_off_is_told_so(registry: &Registry) {
    let repository = Repository::new(registry, "bad/length");
    let location = repository.start_upload();
    let cut = repository.follow("PATCH", &location).body("begun").announcing(10).send();
    let message = cut.expect_error(400, "BLOB_UPLOAD_INVALID");
    assert!(message.contains("broke off"), "{message}");
}

fn a_chunk_that_is_not_as_long_as_its_range_is_refused(registry: &Registry) {
    let repository = Repository::new(registry, "bad/range");
    let digest = sha256(b"12345");
    let location = repository.start_upload();
    for method in ["PATCH", "PUT"] {
        for (range, code) in [
            ("0-9", "SIZE_INVALID"),
            ("0-3", "SIZE_INVALID"),
            ("bytes 0-9/10", "SIZE_INVALID"),
            ("4-0", "BLOB_UPLOAD_INVALID"),
            ("five", "BLOB_UPLOAD_INVALID"),
            ("0-", "BLOB_UPLOAD_INVALID"),
            ("0-18446744073709551615", "BLOB_UPLOAD_INVALID"),
        ] {
            let chunk = repository.follow(method, &format!("{location}?digest={digest}")).body("12345");
            let message = chunk.header("Content-Range", range).send().expect_error(400, code);
            assert!(message.contains(range.trim_start_matches("bytes ")), "{message}");
        }
    }
    assert_nothing_stored(&repository, &[b"12345"]);
    let chunk = repository.follow("PUT", &format!("{location}?digest={digest}")).body("12345");
    chunk.header("Content-Range", "0-4").send().expect(201);
}

fn a_chunk_at_another_offset_is_told_where_to_go_on(registry: &Registry) {
    let repository = Repository::new(registry, "bad/offset");
    let digest = sha256(b"0123456789");
    let location = repository.start_upload();
    repository.follow("PATCH", &location).header("Content-Range", "0-4").body("01234").send().expect(202);
    for method in ["PATCH", "PUT"] {
        for range in ["0-4", "4-8", "6-10"] {
            let chunk = repository.follow(method, &format!("{location}?digest={digest}")).body("56789");
            let refused = chunk.header("Content-Range", range).send();
            let message = refused.expect_error(416, "BLOB_UPLOAD_INVALID");
            assert!(message.contains("holds 5 bytes"), "{message}");
            assert_eq!((refused.expect_header("range"), refused.expect_header("location")), ("0-4", &*location));
        }
    }
    assert_eq!(repository.follow("GET", &location).send().expect(204).expect_header("range"), "0-4");
    assert_nothing_stored(&repository, &[b"01234", b"56789", b"0123456789"]);
    let rest = repository.follow("PUT", &format!("{location}?digest={digest}")).body("56789");
    rest.header("Content-Range", "5-9").send().expect(201);
    assert_eq!(repository.blob(&digest), b"0123456789");
}

fn a_session_that_was_never_opened_is_unknown(registry: &Registry) {
    let (repository, other) = (Repository::new(registry, "bad/session"), Repository::new(registry, "bad/other"));
    let digest = sha256(b"content");
    let of_another = repository.start_upload().replace("bad/session", "bad/other");
    let paths = [UNKNOWN_SESSION, "blobs/uploads/not-a-session"].map(|rest| format!("/v2/bad/session/{rest}"));
    for path in paths.iter().chain([&of_another]) {
        for method in ["PATCH", "PUT", "GET", "DELETE"] {
            let request = repository.follow(method, &format!("{path}?digest={digest}")).body("content");
            let message = request.send().expect_error(404, "BLOB_UPLOAD_UNKNOWN");
            assert!(message.contains("start one with POST"), "{message}");
        }
    }
    assert_nothing_stored(&repository, &[b"content"]);
    assert_nothing_stored(&other, &[b"content"]);
}

fn an_upload_does_not_end_without_a_digest(registry: &Registry) {
    let repository = Repository::new(registry, "bad/end");
    let location = repository.start_upload();
    let message = repository.follow("PUT", &location).body("content").send().expect_error(400, "DIGEST_INVALID");
    assert!(message.contains("?digest="), "{message}");
    for malformed in ["", "sha256", "sha256:", "md5:9a0364b9e99bb480dd25e1f0284c8555", "sha256:ABC", "content"] {
        let query = format!("?digest={malformed}");
        let finish = repository.follow("PUT", &format!("{location}{query}")).body("content");
        finish.send().expect_error(400, "DIGEST_INVALID");
        let whole = repository.request("POST", &format!("blobs/uploads/{query}")).body("content");
        whole.send().expect_error(400, "DIGEST_INVALID");
    }
    assert_nothing_stored(&repository, &[b"content"]);
    let finish = repository.follow("PUT", &format!("{location}?digest={}", sha256(b"content"))).body("content");
    finish.send().expect(201);
}

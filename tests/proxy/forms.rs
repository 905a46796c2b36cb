//! Every way in which clients upload a blob.

use lambda_registry_tests::content::Content;
use lambda_registry_tests::digest::{sha256, sha512};
use lambda_registry_tests::http::Answer;
use lambda_registry_tests::wire::Wire;

use crate::setup::Setup;

/// More than two pieces.
const LARGE: Content = Content { number: 1, length: 9_000_000 };

/// 202 or 204 with everything that clients take from it.
#[track_caller]
fn assert_session(answer: Answer, status: u16, location: &str, range: &str) {
    let answer = answer.expect(status);
    assert_eq!((answer.expect_header("location"), answer.expect_header("range")), (location, range));
    assert!(location.ends_with(&format!("/{}", answer.expect_header("docker-upload-uuid"))), "{location}");
    assert!(answer.body.is_empty());
}

/// Docker, podman, skopeo, crane.
#[test]
fn one_patch_of_unknown_length_and_an_empty_put() {
    let setup = Setup::start();
    for bytes in [b"small".to_vec(), LARGE.bytes()] {
        let (location, digest) = (setup.open(), sha256(&bytes));
        let last = format!("0-{}", bytes.len() - 1);
        assert_session(setup.proxy.request("GET", &location).send(), 204, &location, "0-0");
        assert_session(setup.stream("PATCH", &location, &bytes), 202, &location, &last);
        assert_session(setup.proxy.request("GET", &location).send(), 204, &location, &last);
        let put = setup.proxy.request("PUT", &format!("{location}?digest={}", digest.replace(':', "%3A")));
        for _ in 0..2 {
            setup.expect_created(put.send(), &digest, &bytes);
        }
        for method in ["GET", "PATCH", "DELETE"] {
            setup.proxy.request(method, &location).send().expect_error(404, "BLOB_UPLOAD_UNKNOWN");
        }
    }
}

/// containerd, BuildKit, oras, Helm.
#[test]
fn one_put_with_everything() {
    let setup = Setup::start();
    for bytes in [Vec::new(), b"small".to_vec(), LARGE.bytes()] {
        let (location, digest) = (setup.open(), sha256(&bytes));
        let put = setup.proxy.request("PUT", &format!("{location}?digest={digest}")).body(bytes.clone());
        setup.expect_created(put.send(), &digest, &bytes);
    }
}

#[test]
fn one_post_with_everything() {
    let setup = Setup::start();
    for bytes in [Vec::new(), b"small".to_vec(), LARGE.bytes()] {
        let digest = sha256(&bytes);
        let path = format!("/v2/app/blobs/uploads/?digest={digest}");
        setup.expect_created(setup.proxy.request("POST", &path).body(bytes.clone()).send(), &digest, &bytes);
        setup.expect_created(setup.stream("POST", &path, &bytes), &digest, &bytes);
    }
}

/// regctl.
#[test]
fn pieces_with_their_ranges_and_the_last_one_in_the_put() {
    let setup = Setup::start();
    let (location, bytes) = (setup.open(), LARGE.bytes());
    let digest = sha256(&bytes);
    let piece = |method, location: &str, first: usize, end: usize| {
        let request = setup.proxy.request(method, location).header("Content-Range", &format!("{first}-{}", end - 1));
        request.body(&bytes[first..end]).send()
    };
    assert_session(piece("PATCH", &location, 0, 5_000_000), 202, &location, "0-4999999");
    assert_session(piece("PATCH", &location, 5_000_000, 5_000_001), 202, &location, "0-5000000");
    let put = piece("PUT", &format!("{location}?digest={digest}"), 5_000_001, bytes.len());
    setup.expect_created(put, &digest, &bytes);
}

#[test]
fn a_piece_that_starts_elsewhere_or_has_another_length_is_refused_and_the_session_goes_on() {
    let setup = Setup::start();
    let location = setup.open();
    let patch = |range: &str, body: &str| {
        setup.proxy.request("PATCH", &location).header("Content-Range", range).body(body).send()
    };
    assert_session(patch("0-4", "begin"), 202, &location, "0-4");
    for elsewhere in ["0-4", "4-8", "6-10"] {
        let refused = patch(elsewhere, "other");
        refused.expect_error(416, "BLOB_UPLOAD_INVALID");
        assert_eq!((refused.expect_header("range"), refused.expect_header("location")), ("0-4", location.as_str()));
    }
    patch("5-6", "three").expect_error(400, "SIZE_INVALID");
    patch("five", "three").expect_error(400, "BLOB_UPLOAD_INVALID");
    for end in ["5-8", "5-6"] {
        let mut wire = Wire::open(setup.proxy.address(), "PATCH", &location, &[("Content-Range", end)]);
        wire.send(&b"end"[..]);
        wire.finish().expect_error(400, "SIZE_INVALID");
    }
    let digest = sha256(b"begin to end");
    let put = setup.proxy.request("PUT", &format!("{location}?digest={digest}")).header("Content-Range", "5-11");
    setup.expect_created(put.body(" to end").send(), &digest, b"begin to end");
}

#[test]
fn a_body_that_breaks_off_is_gone_on_with() {
    let setup = Setup::start();
    let (location, digest) = (setup.open(), sha256(b"begin to end"));
    setup
        .proxy
        .request("PATCH", &location)
        .body("begin")
        .announcing(12)
        .send()
        .expect_error(400, "BLOB_UPLOAD_INVALID");
    assert_session(setup.proxy.request("GET", &location).send(), 204, &location, "0-4");
    let put = setup.proxy.request("PUT", &format!("{location}?digest={digest}"));
    setup.expect_created(put.body(" to end").send(), &digest, b"begin to end");
}

#[test]
fn one_request_at_a_time_holds_a_session() {
    let setup = Setup::start();
    let location = setup.open();
    let mut first = Wire::open(setup.proxy.address(), "PATCH", &location, &[]);
    first.send(&b"begin"[..]);
    while setup.proxy.request("GET", &location).send().expect_header("range") != "0-4" {
        std::thread::yield_now();
    }
    setup.proxy.request("PATCH", &location).body("other").send().expect_error(416, "BLOB_UPLOAD_INVALID");
    assert_session(first.finish(), 202, &location, "0-4");
}

#[test]
fn a_blob_by_its_sha512_goes_in_pieces() {
    let setup = Setup::start();
    let (location, bytes) = (setup.open(), LARGE.bytes());
    let digest = sha512(&bytes);
    setup.stream("PATCH", &location, &bytes).expect(202);
    let put = setup.proxy.request("PUT", &format!("{location}?digest={digest}"));
    setup.expect_created(put.send(), &digest, &bytes);
    let patches = setup.recorder.seen().into_iter().filter(|seen| seen.what.starts_with("PATCH")).count();
    assert_eq!(patches, 2, "and the rest in the PUT");
}

#[test]
fn a_wrong_digest_stores_nothing() {
    let setup = Setup::start();
    for bytes in [b"small".to_vec(), LARGE.bytes()] {
        let (right, wrong) = (sha256(&bytes), sha256(b"something else"));
        let location = setup.open();
        setup.proxy.request("PUT", &location).body(bytes.clone()).send().expect_error(400, "DIGEST_INVALID");
        let put = setup.proxy.request("PUT", &format!("{location}?digest=md5:00")).body(bytes.clone());
        put.send().expect_error(400, "DIGEST_INVALID");
        let put = setup.proxy.request("PUT", &format!("{location}?digest={wrong}")).body(bytes);
        put.send().expect_error(400, "DIGEST_INVALID");
        setup.proxy.request("GET", &location).send().expect_error(404, "BLOB_UPLOAD_UNKNOWN");
        assert!(!setup.repository().has_blob(&right) && !setup.repository().has_blob(&wrong));
    }
}

#[test]
fn requests_about_nothing_are_answered_as_the_registry_answers_them() {
    let setup = Setup::start();
    let nobody = "/v2/app/blobs/uploads/00000000-0000-4000-8000-000000000000";
    for path in [nobody, "/v2/app/blobs/uploads/mine"] {
        for method in ["GET", "PATCH", "PUT", "DELETE"] {
            let path = format!("{path}?digest={}", sha256(b""));
            let ours = setup.proxy.request(method, &path).send();
            let message = ours.expect_error(404, "BLOB_UPLOAD_UNKNOWN");
            let theirs = setup.repository().follow(method, &path).send();
            assert_eq!(theirs.expect_error(404, "BLOB_UPLOAD_UNKNOWN"), message);
        }
    }
    let other = setup.open().replace("/app/", "/other/");
    setup.proxy.request("GET", &other).send().expect_error(404, "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(
        setup.proxy.request("POST", nobody).send().expect(405).expect_header("allow"),
        "GET, PATCH, PUT, DELETE"
    );
    setup.proxy.request("POST", "/v2/App/blobs/uploads/").send().expect_error(400, "NAME_INVALID");
    let unknown = "/v2/app/blobs/uploads/?digest-algorithm=md5";
    setup.proxy.request("POST", unknown).send().expect_error(400, "DIGEST_INVALID");
}

#[test]
fn a_session_opens_as_the_registry_opens_it() {
    let setup = Setup::start();
    let names = |answer: Answer| {
        let names = answer.headers.into_iter().map(|(name, _)| name);
        // Those of the gateway and of the function.
        names.filter(|name| !["apigw-requestid", "x-request-id", "content-type"].contains(&name.as_str())).collect()
    };
    let mut ours: Vec<String> = names(setup.proxy.request("POST", "/v2/app/blobs/uploads/").send().expect(202));
    let mut theirs: Vec<String> = names(setup.repository().request("POST", "blobs/uploads/").send().expect(202));
    ours.sort_unstable();
    theirs.sort_unstable();
    assert_eq!(ours, theirs);
}

#[test]
fn many_blobs_at_once() {
    let setup = Setup::start();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let setup = &setup;
            scope.spawn(move || {
                let bytes = Content { number, length: 5_000_000 + number }.bytes();
                let (location, digest) = (setup.open(), sha256(&bytes));
                setup.stream("PATCH", &location, &bytes).expect(202);
                let put = setup.proxy.request("PUT", &format!("{location}?digest={digest}"));
                setup.expect_created(put.send(), &digest, &bytes);
            });
        }
    });
}

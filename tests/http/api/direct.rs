//! Blobs that go straight to S3 (docs/direct-uploads.md).

use lambda_registry_tests::digest::{sha256, sha512};
use lambda_registry_tests::http::{Answer, Request};
use lambda_registry_tests::in_every_mode;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;

in_every_mode![
    a_blob_goes_straight_to_the_bucket,
    the_url_takes_the_announced_bytes_once_and_no_others,
    a_blob_that_is_there_is_not_asked_for,
    what_cannot_go_straight_to_the_bucket_is_refused,
    a_session_without_bytes_stays_open_and_takes_none,
    a_cancelled_session_leaves_nothing,
    two_finish_one_session_and_two_sessions_bring_one_blob,
];

/// More than a gateway takes.
fn content() -> Vec<u8> {
    (0..12_000_000_u32).map(|n| (n % 249) as u8).collect()
}

fn ask(repository: &Repository, digest: &str, size: impl ToString) -> Answer {
    let query = format!("blobs/uploads/?direct={digest}&size={}", size.to_string());
    repository.request("POST", &query).send()
}

/// A session, and the PUT that the registry wants for it, without its body.
struct Upload {
    location: String,
    put: Request,
}

impl Upload {
    #[track_caller]
    fn open(repository: &Repository, content: &[u8]) -> Self {
        let answer = ask(repository, &sha256(content), content.len()).expect(202);
        let location = answer.expect_header("location").to_owned();
        assert!(location.ends_with(&format!("/{}", answer.expect_header("docker-upload-uuid"))), "{location}");
        assert_eq!(answer.expect_header("content-type"), "application/json");
        assert_eq!(answer.expect_header("cache-control"), "no-store");
        let body = answer.json();
        assert_eq!((body["method"].as_str(), body["expires_in"].as_u64()), (Some("PUT"), Some(900)));
        let url = body["url"].as_str().unwrap();
        let headers = body["headers"].as_object().unwrap();
        assert!(headers.contains_key("x-amz-checksum-sha256"), "{headers:?}");
        let put = headers
            .iter()
            // Every request here announces its body's length itself.
            .filter(|(name, _)| *name != "content-length")
            .fold(Request::new("PUT", url), |put, (name, value)| put.header(name, value.as_str().unwrap()));
        Self { location, put }
    }

    fn send(&self, content: &[u8]) -> Answer {
        self.put.clone().body(content).send()
    }

    fn finish(&self, repository: &Repository, digest: &str) -> Answer {
        repository.follow("PUT", &format!("{}?digest={digest}", self.location)).send()
    }
}

fn a_blob_goes_straight_to_the_bucket(registry: &Registry) {
    let repository = Repository::new(registry, "team/app");
    let content = content();
    let digest = sha256(&content);
    let upload = Upload::open(&repository, &content);
    upload.send(&content).expect(200);
    assert!(!repository.has_blob(&digest), "before the registry has looked at it");
    for _ in 0..2 {
        let finished = upload.finish(&repository, &digest).expect(201);
        assert_eq!(finished.expect_header("location"), format!("/v2/team/app/blobs/{digest}"));
        assert_eq!(finished.expect_header("docker-content-digest"), digest);
    }
    assert_eq!(repository.blob(&digest), content);
    repository.follow("GET", &upload.location).send().expect_error(404, "BLOB_UPLOAD_UNKNOWN");
}

fn the_url_takes_the_announced_bytes_once_and_no_others(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let content = b"announced".as_slice();
    let upload = Upload::open(&repository, content);
    upload.send(b"different").expect(400);
    upload.send(b"longer than announced").expect(403);
    upload.finish(&repository, &sha256(content)).expect_error(400, "BLOB_UPLOAD_INVALID");
    upload.send(content).expect(200);
    upload.send(content).expect(412);
    upload.finish(&repository, &sha256(content)).expect(201);
    upload.send(content).expect(412);
    assert_eq!(repository.blob(&sha256(content)), content);
}

fn a_blob_that_is_there_is_not_asked_for(registry: &Registry) {
    let (here, elsewhere) = (Repository::new(registry, "app"), Repository::new(registry, "other"));
    let digest = here.push_blob(b"a layer");
    let there = ask(&here, &digest, 7).expect(201);
    assert_eq!(there.expect_header("location"), format!("/v2/app/blobs/{digest}"));
    assert_eq!(there.expect_header("docker-content-digest"), digest);
    // What others have is to be sent: knowing a digest isn't having the content.
    Upload::open(&elsewhere, b"a layer");
}

fn what_cannot_go_straight_to_the_bucket_is_refused(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let digest = sha256(b"content");
    ask(&repository, &sha512(b"content"), 7).expect_error(400, "DIGEST_INVALID");
    ask(&repository, "sha256:12", 7).expect_error(400, "DIGEST_INVALID");
    for size in ["", "-1", "many", "5368709121"] {
        ask(&repository, &digest, size).expect_error(400, "SIZE_INVALID");
    }
    let without = repository.request("POST", &format!("blobs/uploads/?direct={digest}")).send();
    without.expect_error(400, "SIZE_INVALID");
    ask(&repository, &digest, 5_368_709_120_u64).expect(202);
}

fn a_session_without_bytes_stays_open_and_takes_none(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let content = b"content".as_slice();
    let digest = sha256(content);
    let upload = Upload::open(&repository, content);
    let patch = repository.follow("PATCH", &upload.location).body(content).send();
    patch.expect_error(400, "BLOB_UPLOAD_INVALID");
    let put = repository.follow("PUT", &format!("{}?digest={digest}", upload.location)).body(content).send();
    put.expect_error(400, "BLOB_UPLOAD_INVALID");
    upload.finish(&repository, &sha256(b"another")).expect_error(400, "DIGEST_INVALID");
    let status = repository.follow("GET", &upload.location).send().expect(204);
    assert_eq!(status.expect_header("range"), "0-0");
    upload.send(content).expect(200);
    upload.finish(&repository, &digest).expect(201);
    assert_eq!(repository.blob(&digest), content);
}

fn a_cancelled_session_leaves_nothing(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let content = b"content".as_slice();
    let upload = Upload::open(&repository, content);
    upload.send(content).expect(200);
    repository.follow("DELETE", &upload.location).send().expect(204);
    repository.follow("DELETE", &upload.location).send().expect_error(404, "BLOB_UPLOAD_UNKNOWN");
    upload.finish(&repository, &sha256(content)).expect_error(404, "BLOB_UPLOAD_UNKNOWN");
    // The object is gone: the URL takes the bytes again.
    upload.send(content).expect(200);
}

fn two_finish_one_session_and_two_sessions_bring_one_blob(registry: &Registry) {
    let repository = Repository::new(registry, "app");
    let content = b"wanted by many".as_slice();
    let digest = sha256(content);
    let uploads = [Upload::open(&repository, content), Upload::open(&repository, content)];
    std::thread::scope(|scope| {
        for upload in [&uploads[0], &uploads[1]] {
            upload.send(content).expect(200);
            for _ in 0..4 {
                scope.spawn(|| upload.finish(&repository, &digest).expect(201));
            }
        }
    });
    assert_eq!(repository.blob(&digest), content);
}

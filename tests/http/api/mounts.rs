//! Blobs that another repository has already.

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::in_every_mode;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;

in_every_mode![
    a_mount_makes_the_blob_readable_here,
    a_mount_without_a_source_finds_what_is_here_and_nothing_else,
    a_mount_that_cannot_be_is_a_session,
];

fn a_mount_makes_the_blob_readable_here(registry: &Registry) {
    let (source, target) = (Repository::new(registry, "team/base"), Repository::new(registry, "app"));
    let digest = source.push_blob(b"shared");
    assert!(!target.has_blob(&digest));
    for query in
        [format!("mount={digest}&from=team/base"), format!("from=team%2Fbase&mount={}", digest.replace(':', "%3A"))]
    {
        let mounted = target.request("POST", &format!("blobs/uploads/?{query}")).send().expect(201);
        assert_eq!(mounted.expect_header("docker-content-digest"), digest);
        assert_eq!(mounted.expect_header("location"), format!("/v2/app/blobs/{digest}"));
        assert_eq!(mounted.header("docker-upload-uuid"), None);
    }
    assert_eq!(target.blob(&digest), b"shared");
}

fn a_mount_that_cannot_be_is_a_session(registry: &Registry) {
    let (source, target) = (Repository::new(registry, "base"), Repository::new(registry, "app"));
    let digest = source.push_blob(b"shared");
    let unknown = sha256(b"unknown");
    for query in [
        format!("mount={digest}"),
        format!("mount={digest}&from=nowhere"),
        format!("mount={digest}&from=app"),
        format!("mount={unknown}&from=base"),
    ] {
        let answer = target.request("POST", &format!("blobs/uploads/?{query}")).send().expect(202);
        assert_eq!(answer.expect_header("range"), "0-0");
        answer.expect_header("docker-upload-uuid");
        let location = answer.expect_header("location");
        assert!(!target.has_blob(&digest) && !target.has_blob(&unknown), "{query}");
        target.follow("GET", location).send().expect(204);
        // Clients that wanted a mount and nothing else give the session up.
        target.follow("DELETE", location).send().expect(204);
    }
    let location = target.request("POST", &format!("blobs/uploads/?mount={digest}&from=nowhere")).send().expect(202);
    let location = location.expect_header("location");
    target.follow("PUT", &format!("{location}?digest={digest}")).body("shared").send().expect(201);
    assert_eq!(target.blob(&digest), b"shared");
}

/// regclient asks so. What others have is none of the client's business.
fn a_mount_without_a_source_finds_what_is_here_and_nothing_else(registry: &Registry) {
    let (here, elsewhere) = (Repository::new(registry, "app"), Repository::new(registry, "team/base"));
    let digest = elsewhere.push_blob(b"a layer");
    let mount = || here.request("POST", &format!("blobs/uploads/?mount={digest}")).send();
    assert!(mount().expect(202).header("docker-upload-uuid").is_some());
    here.push_blob(b"a layer");
    let mounted = mount().expect(201);
    assert_eq!(mounted.expect_header("location"), format!("/v2/app/blobs/{digest}"));
    assert_eq!(mounted.header("docker-upload-uuid"), None);
}

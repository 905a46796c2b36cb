//! An upload whose server is killed in the middle of it.

use lambda_registry_tests::content::Content;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;
use rustix::process::Signal;

use crate::patience::wait_for;
use lambda_registry_tests::session::{PART, Session, received};

#[test]
fn an_upload_goes_on_after_its_last_part_when_the_server_was_killed() {
    let mut registry = Registry::start(&[]);
    let content = Content { number: 3, length: 5 * PART + 1000 };
    let session = Session::start(&registry, "killed");
    let mut patch = session.patch(&[]);
    patch.send(content.range(0, 3 * PART + 1000));
    wait_for("three parts to be stored", || (session.received() == 3 * PART).then_some(()));

    let location = session.location().to_owned();
    registry.signal(Signal::KILL);
    registry.restart();

    let session = Session::go_on(&registry, location);
    assert_eq!(session.received(), 3 * PART);
    // The request that died holds the session until its lease runs out.
    let answer = wait_for("the lease to run out", || {
        let answer = session.patch_from(3 * PART, content.length - 3 * PART, content.from(3 * PART));
        (answer.status != 416).then_some(answer)
    });
    assert_eq!(received(&answer.expect(202)), content.length);
    session.finish(&content.digest()).expect(201);
    assert!(Repository::new(&registry, "killed").blob(&content.digest()) == content.bytes());
}

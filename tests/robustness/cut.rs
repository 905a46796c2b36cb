//! A connection that breaks in the middle of a large upload.

use lambda_registry_tests::content::Content;
use lambda_registry_tests::in_modes_with_front;
use lambda_registry_tests::registry::Registry;

use crate::patience::wait_for;
use lambda_registry_tests::download::download;
use lambda_registry_tests::session::{PART, Session, received};

const LENGTH: u64 = 1 << 30;
const SENT: u64 = 500 << 20;

in_modes_with_front![an_upload_goes_on_after_its_last_part_when_the_connection_was_cut];

fn an_upload_goes_on_after_its_last_part_when_the_connection_was_cut(registry: &Registry) {
    let content = Content { number: 2, length: LENGTH };
    let expected = content.digest();
    let session = Session::start(registry, "cut");
    let mut patch = session.patch(&[]);
    patch.send(content.range(0, SENT));
    patch.cut();

    // Until the server has noticed, the broken request holds the session: 416, with what has arrived so far.
    let mut first = 0;
    let answer = wait_for("the server to notice that the connection was cut", || {
        first = session.received();
        // A single byte asks without moving the upload by more than that.
        let answer = session.patch_from(first, 1, content.range(first, first + 1));
        (answer.status != 416).then_some(answer)
    });
    assert_eq!(received(&answer.expect(202)), first + 1);
    assert_eq!(first % PART, 0, "{first} isn't where a part ends");
    assert!(first > 0 && first <= SENT, "{first} of {SENT}");

    let answer = session.patch_from(first + 1, LENGTH - first - 1, content.from(first + 1));
    assert_eq!(received(&answer.expect(202)), LENGTH);
    session.finish(&expected).expect(201);
    assert_eq!(download(registry, "cut", &expected), (expected, Some(LENGTH)));
}

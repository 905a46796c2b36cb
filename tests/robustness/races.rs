//! Two requests on one upload session.

use std::sync::Barrier;
use std::sync::mpsc::channel;

use lambda_registry_tests::content::Content;
use lambda_registry_tests::http::Answer;
use lambda_registry_tests::in_modes_with_front;
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;
use lambda_registry_tests::wire::Wire;

use lambda_registry_tests::session::{PART, Session, received};

in_modes_with_front![
    of_two_patches_at_once_one_wins_and_the_other_gets_416,
    of_two_patches_one_wins_and_the_other_gets_416,
    of_two_puts_one_wins_and_the_other_gets_416,
    a_patch_on_a_session_that_another_one_holds_gets_416_with_what_has_arrived,
    a_session_that_is_cancelled_under_a_patch_is_gone,
    a_blob_is_there_when_its_put_won_against_the_cancellation_and_only_then,
];

lambda_registry_tests::in_mode!(without_front, WithoutFront, of_two_patches_at_once_one_wins_and_the_other_gets_416);

/// Lengths below a part, and over several.
const LENGTHS: [u64; 3] = [1000, PART - 1, 2 * PART + 1000];
const ROUNDS: u64 = 8;

/// Contents that differ from each other and from those of all other rounds.
fn rivals(round: u64) -> (u64, [Content; 2]) {
    let length = LENGTHS[(round % 3) as usize];
    (length, [Content { number: 2 * round, length }, Content { number: 2 * round + 1, length }])
}

/// Sends half of each body, waits until one of the two is refused, which nothing but the other one can cause, and sends
/// the other half of that one. Returns the winner, its answer and the loser's.
fn race(mut wires: [Wire; 2], contents: [Content; 2]) -> (usize, Answer, Answer) {
    let (report, reports) = channel();
    for (name, wire) in wires.iter_mut().enumerate() {
        let half = contents[name].length / 2;
        wire.report(name, report.clone());
        wire.send(contents[name].range(0, half));
    }
    let (loser, refused) = reports.recv().unwrap();
    let winner = 1 - loser;
    wires[winner].send(contents[winner].from(contents[winner].length / 2));
    wires[winner].end();
    let (answered, accepted) = reports.recv().unwrap();
    assert_eq!(answered, winner);
    (winner, accepted, refused)
}

fn of_two_patches_one_wins_and_the_other_gets_416(registry: &Registry) {
    for round in 0..ROUNDS {
        let (length, contents) = rivals(round);
        let session = Session::start(registry, "race/patches");

        let (winner, accepted, refused) = race([session.patch(&[]), session.patch(&[])], contents);

        refused.expect_error(416, "BLOB_UPLOAD_INVALID");
        assert!(received(&refused) <= length / 2);
        assert_eq!(refused.expect_header("location"), session.location());
        assert_eq!(received(&accepted.expect(202)), length);
        let digest = contents[winner].digest();
        session.finish(&digest).expect(201);
        assert!(Repository::new(registry, "race/patches").blob(&digest) == contents[winner].bytes());
    }
}

/// Both are complete requests that start at the same byte, which a gateway lets through whole.
fn of_two_patches_at_once_one_wins_and_the_other_gets_416(registry: &Registry) {
    let repository = Repository::new(registry, "race/at-once");
    for round in 0..3 * ROUNDS {
        let contents = [2 * round, 2 * round + 1].map(|number| Content { number, length: 4_000_000 });
        let (session, start) = (Session::start(registry, &repository.name), Barrier::new(2));
        let answers = std::thread::scope(|scope| {
            let patch = |content: Content| {
                let (session, start) = (&session, &start);
                move || {
                    start.wait();
                    session.patch_from(0, content.length, content.from(0))
                }
            };
            contents.map(|content| scope.spawn(patch(content))).map(|patch| patch.join().unwrap())
        });

        let winner = usize::from(answers[1].status == 202);
        assert_eq!(received(&answers[winner].clone().expect(202)), contents[winner].length);
        let refused = &answers[1 - winner];
        refused.expect_error(416, "BLOB_UPLOAD_INVALID");
        assert!([0, contents[winner].length].contains(&received(refused)), "{:?}", refused.headers);
        assert_eq!(session.received(), contents[winner].length);
        let digest = contents[winner].digest();
        session.finish(&digest).expect(201);
        assert!(repository.blob(&digest) == contents[winner].bytes());
    }
}

fn of_two_puts_one_wins_and_the_other_gets_416(registry: &Registry) {
    let repository = Repository::new(registry, "race/puts");
    for round in 0..ROUNDS {
        let (length, contents) = rivals(round);
        let session = Session::start(registry, &repository.name);
        let digests = contents.map(Content::digest);
        let puts = [session.put(&digests[0]), session.put(&digests[1])];

        let (winner, accepted, refused) = race(puts, contents);

        refused.expect_error(416, "BLOB_UPLOAD_INVALID");
        assert!(received(&refused) <= length / 2);
        accepted.expect(201);
        assert!(repository.blob(&digests[winner]) == contents[winner].bytes());
        assert!(!repository.has_blob(&digests[1 - winner]));
    }
}

fn a_patch_on_a_session_that_another_one_holds_gets_416_with_what_has_arrived(registry: &Registry) {
    let content = Content { number: 1, length: 2 * PART };
    let session = Session::start(registry, "race/held");
    let mut patch = session.patch(&[]);
    patch.send(content.range(0, PART + 1));
    crate::patience::wait_for("the first part to be stored", || (session.received() == PART).then_some(()));

    for first in [0, PART, PART + 1] {
        let refused = session.patch_from(first, 100, Content { number: 2, length: 100 }.from(0));
        refused.expect_error(416, "BLOB_UPLOAD_INVALID");
        assert_eq!(received(&refused), PART);
    }

    patch.send(content.from(PART + 1));
    assert_eq!(received(&patch.finish().expect(202)), content.length);
    session.finish(&content.digest()).expect(201);
    assert!(Repository::new(registry, "race/held").blob(&content.digest()) == content.bytes());
}

fn a_session_that_is_cancelled_under_a_patch_is_gone(registry: &Registry) {
    for round in 0..ROUNDS {
        let (length, [content, _]) = rivals(round);
        let session = Session::start(registry, "race/cancelled");
        // Some bytes of an earlier request, which the cancellation removes.
        session.patch_from(0, 10, content.range(0, 10)).expect(202);
        let mut patch = session.patch(&[]);
        patch.send(content.range(10, length / 2));

        session.cancel().expect(204);

        patch.send(content.from(length / 2));
        patch.finish().expect_error(404, "BLOB_UPLOAD_UNKNOWN");
        session.status().expect_error(404, "BLOB_UPLOAD_UNKNOWN");
        session.finish(&content.digest()).expect_error(404, "BLOB_UPLOAD_UNKNOWN");
        assert!(!Repository::new(registry, "race/cancelled").has_blob(&content.digest()));
    }
}

fn a_blob_is_there_when_its_put_won_against_the_cancellation_and_only_then(registry: &Registry) {
    let repository = Repository::new(registry, "race/finished");
    for round in 0..3 * ROUNDS {
        let (_, [content, _]) = rivals(round);
        let session = Session::start(registry, &repository.name);
        session.patch_from(0, content.length, content.from(0)).expect(202);
        let digest = content.digest();

        let start = Barrier::new(2);
        let at_once = |request: &dyn Fn() -> Answer| {
            start.wait();
            request()
        };
        let (finished, cancelled) = std::thread::scope(|scope| {
            let finished = scope.spawn(|| at_once(&|| session.finish(&digest)));
            let cancelled = at_once(&|| session.cancel());
            (finished.join().unwrap(), cancelled)
        });

        match (finished.status, cancelled.status) {
            (201, 404) => assert!(repository.blob(&digest) == content.bytes()),
            (404, 204) => assert!(!repository.has_blob(&digest)),
            statuses => panic!("PUT and DELETE got {statuses:?}: {:?}", String::from_utf8_lossy(&finished.body)),
        }
        session.status().expect_error(404, "BLOB_UPLOAD_UNKNOWN");
    }
}

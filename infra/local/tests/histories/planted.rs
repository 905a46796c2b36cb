//! The checker finds answers that are wrong, of every kind, and takes those that aren't.

use crate::checker::check;
use crate::history::{Entry, Event, Interval, Outcome, References, Universe};
use Event::{
    Converted, Delete, Derived, Drop, Fetched, Found, Garbled, Listed, Push, Referrers, Store, Tagged, Untag, Wanted,
};
use Outcome::{Absent, Done, Immutable, Missing, Referred, Unknown};

/// In microseconds.
const GRACE: u64 = 1000;

/// A tag that mustn't move; others may.
const FIXED: usize = 1;

/// Image 0 of blob 0, image 1 of blobs 0 and 1, list 2 of image 0, and signature 3 of image 1.
fn universe() -> Universe {
    let image = |blobs: &[usize]| References { blobs: blobs.to_vec(), ..References::default() };
    let list = References { children: vec![0], ..References::default() };
    let signature = References { subject: Some(1), ..References::default() };
    Universe { manifests: vec![image(&[0]), image(&[0, 1]), list, signature], immutable: (0, FIXED) }
}

/// Events in one repository, with their beginnings and ends.
fn history(events: &[(u64, u64, Event)]) -> Vec<Entry> {
    let entry = |(client, (start, end, event)): (usize, &(u64, u64, Event))| Entry {
        client,
        repository: 0,
        at: Interval { start: *start, end: *end },
        event: *event,
    };
    events.iter().enumerate().map(entry).collect()
}

/// Says why the last is wrong; the others aren't.
fn judge(events: &[(u64, u64, Event)]) -> Option<&'static str> {
    let history = history(events);
    let wrong = check(&universe(), GRACE, &history);
    let (last, before) = history.split_last().unwrap();
    assert!(wrong.iter().all(|wrong| !before.contains(&wrong.entry)), "{wrong:?}");
    wrong.iter().find(|wrong| wrong.entry == *last).map(|wrong| wrong.why)
}

fn push(manifest: usize, outcome: Outcome) -> Event {
    Push { manifest, tag: None, outcome }
}

fn tag(manifest: usize, outcome: Outcome) -> Event {
    Push { manifest, tag: Some(0), outcome }
}

#[track_caller]
fn wrong(why: &str, events: &[(u64, u64, Event)]) {
    assert_eq!(judge(events), Some(why), "{events:?}");
}

#[track_caller]
fn fine(events: &[(u64, u64, Event)]) {
    assert_eq!(judge(events), None, "{events:?}");
}

#[test]
fn a_manifest_that_was_acknowledged_is_there_until_somebody_deletes_it() {
    let there = |there| Found { manifest: 0, there };
    wrong("the manifest is there", &[(0, 1, push(0, Done)), (2, 3, there(false))]);
    fine(&[(0, 5, push(0, Done)), (2, 3, there(false))]);
    fine(&[(0, 1, push(0, Done)), (2, 9, Delete { manifest: 0, outcome: Done }), (4, 5, there(false))]);
    fine(&[(0, 1, push(0, Done)), (2, 3, Delete { manifest: 0, outcome: Unknown }), (4, 5, there(false))]);
    let refused = Delete { manifest: 0, outcome: Referred };
    wrong(
        "the manifest is there",
        &[(0, 1, push(2, Unknown)), (0, 1, push(0, Done)), (2, 3, refused), (4, 5, there(false))],
    );
}

#[test]
fn a_manifest_that_was_deleted_does_not_come_back() {
    let (there, deleted) = (Found { manifest: 0, there: true }, Delete { manifest: 0, outcome: Done });
    wrong("the manifest can't be there", &[(0, 1, push(0, Done)), (2, 3, deleted), (4, 5, there)]);
    wrong("the manifest can't be there", &[(2, 3, there)]);
    fine(&[(0, 1, push(0, Done)), (2, 5, deleted), (4, 6, there)]);
    fine(&[(0, 1, push(0, Done)), (2, 3, deleted), (4, 9, push(0, Unknown)), (5, 6, there)]);
}

#[test]
fn what_two_reads_show_fits_together() {
    let there = |there| Found { manifest: 0, there };
    let begin = [(0, 9, push(0, Unknown))];
    fine(&[begin[0], (10, 11, there(false))]);
    fine(&[begin[0], (10, 11, there(true))]);
    wrong("the manifest is there", &[begin[0], (10, 11, there(true)), (12, 13, there(false))]);
    wrong("the manifest can't be there", &[begin[0], (10, 11, there(false)), (12, 13, there(true))]);
    let absent = Delete { manifest: 0, outcome: Absent };
    wrong("the manifest is there", &[(0, 1, push(0, Done)), (2, 3, absent)]);
}

#[test]
fn a_tag_points_to_what_was_pushed_last() {
    let points = |manifest| Tagged { tag: 0, manifest };
    wrong("the tag can't point there", &[(0, 1, tag(0, Done)), (2, 3, tag(1, Done)), (4, 5, points(Some(0)))]);
    wrong("the tag can't point there", &[(0, 1, tag(0, Done)), (2, 3, points(Some(1)))]);
    wrong("the tag can't point there", &[(0, 1, tag(0, Done)), (2, 3, points(None))]);
    fine(&[(0, 1, tag(0, Done)), (2, 9, tag(1, Done)), (4, 5, points(Some(0)))]);
    fine(&[(0, 1, tag(0, Done)), (2, 3, tag(1, Unknown)), (4, 5, points(Some(0)))]);
    fine(&[(0, 1, tag(0, Done)), (2, 3, tag(1, Unknown)), (4, 5, points(Some(1)))]);
}

#[test]
fn a_tag_that_was_deleted_stays_away_and_one_that_was_not_stays() {
    let points = |manifest| Tagged { tag: 0, manifest };
    let untag = |outcome| Untag { tag: 0, outcome };
    wrong("the tag can't point there", &[(0, 1, tag(0, Done)), (2, 3, untag(Done)), (4, 5, points(Some(0)))]);
    wrong("the tag is there", &[(0, 1, tag(0, Done)), (2, 3, untag(Absent))]);
    wrong("no answer to the deletion of a tag", &[(0, 1, tag(0, Done)), (2, 3, untag(Referred))]);
    fine(&[(0, 1, tag(0, Done)), (2, 3, untag(Unknown)), (4, 5, points(None))]);
    fine(&[(0, 1, untag(Absent))]);
}

#[test]
fn tags_go_with_their_manifest_and_with_no_other() {
    let points = |manifest| Tagged { tag: 0, manifest };
    let delete = |manifest, outcome| Delete { manifest, outcome };
    fine(&[(0, 1, tag(0, Done)), (2, 3, delete(0, Done)), (4, 5, points(None))]);
    fine(&[(0, 1, tag(0, Done)), (2, 3, delete(0, Unknown)), (4, 5, points(None))]);
    wrong("the tag can't point there", &[(0, 1, tag(0, Done)), (2, 3, delete(0, Done)), (4, 5, points(Some(0)))]);
    let other = [(0, 1, tag(0, Done)), (0, 1, push(1, Done)), (2, 3, delete(1, Done)), (4, 5, points(None))];
    wrong("the tag can't point there", &other);
    let moved = [(0, 1, tag(0, Done)), (2, 3, tag(1, Done)), (4, 5, delete(0, Done)), (6, 7, points(None))];
    wrong("the tag can't point there", &moved);
}

#[test]
fn a_list_of_tags_has_all_that_are_there_and_no_other() {
    let listed = |tags: &[usize]| Listed { tags: tags.iter().copied().collect() };
    let tagged = |number, outcome| Push { manifest: 0, tag: Some(number), outcome };
    let begin = [(0, 1, tagged(0, Done)), (0, 1, tagged(2, Unknown))];
    fine(&[begin[0], begin[1], (2, 3, listed(&[0]))]);
    fine(&[begin[0], begin[1], (2, 3, listed(&[0, 2]))]);
    wrong("the list of tags is wrong", &[begin[0], begin[1], (2, 3, listed(&[2]))]);
    wrong("the list of tags is wrong", &[begin[0], begin[1], (2, 3, listed(&[0, 2])), (4, 5, listed(&[0]))]);
    wrong("the list of tags is wrong", &[begin[0], (2, 3, Untag { tag: 0, outcome: Done }), (4, 5, listed(&[0]))]);
    fine(&[begin[0], (2, 3, Delete { manifest: 0, outcome: Unknown }), (4, 5, listed(&[]))]);
    fine(&[begin[0], (2, 3, Delete { manifest: 0, outcome: Unknown }), (4, 5, listed(&[0]))]);
}

#[test]
fn a_tag_that_must_not_move_has_one_winner() {
    let fixed = |manifest, outcome| Push { manifest, tag: Some(FIXED), outcome };
    let points = |manifest| Tagged { tag: FIXED, manifest };
    let moved = "an immutable tag moved";
    fine(&[(0, 1, fixed(0, Done)), (2, 3, fixed(0, Done)), (4, 5, fixed(1, Immutable))]);
    wrong("the tag is free", &[(0, 1, fixed(0, Done)), (2, 3, fixed(0, Immutable))]);
    wrong("the tag is free", &[(2, 3, fixed(0, Immutable))]);
    let seen = [(0, 1, fixed(0, Unknown)), (2, 3, points(Some(0))), (4, 5, fixed(1, Done))];
    wrong(moved, &seen);
    fine(&[seen[0], seen[1], (3, 6, Untag { tag: FIXED, outcome: Unknown }), seen[2]]);
    fine(&[seen[0], seen[1], (3, 6, Delete { manifest: 0, outcome: Done }), seen[2]]);
    fine(&[seen[0], seen[2]]);
    let both = check(&universe(), GRACE, &history(&[(0, 9, fixed(0, Done)), (2, 7, fixed(1, Done))]));
    assert_eq!(both.iter().map(|wrong| wrong.why).collect::<Vec<_>>(), [moved, moved]);
    wrong("no answer to a push", &[(0, 1, tag(0, Immutable))]);
}

#[test]
fn referrers_are_listed_while_they_are_there_and_go_after_their_subject() {
    let listed = |referrers: &[usize]| Referrers { subject: 1, listed: referrers.iter().copied().collect() };
    let signed = [(0, 1, push(1, Done)), (0, 1, push(3, Done))];
    fine(&[signed[0], signed[1], (2, 3, listed(&[3]))]);
    wrong("the manifest is there", &[signed[0], signed[1], (2, 3, listed(&[]))]);
    wrong("no such referrer can be there", &[signed[0], (2, 3, listed(&[3]))]);
    let deleted = (2, 3, Delete { manifest: 1, outcome: Done });
    wrong("the manifest is there", &[signed[0], signed[1], deleted, (900, 901, listed(&[]))]);
    fine(&[signed[0], signed[1], deleted, (1002, 1003, listed(&[]))]);
    fine(&[signed[0], signed[1], deleted, (1002, 1003, Found { manifest: 3, there: false })]);
    wrong("the manifest is there", &[signed[0], signed[1], (1002, 1003, Found { manifest: 3, there: false })]);
}

#[test]
fn a_deletion_that_a_list_overtakes_may_have_taken_tags_and_no_other_one_that_is_refused() {
    let gone = (6, 7, Tagged { tag: 0, manifest: None });
    let refused = (3, 5, Delete { manifest: 0, outcome: Referred });
    fine(&[(0, 1, tag(0, Done)), refused, (4, 5, push(2, Done)), gone]);
    wrong("the tag can't point there", &[(0, 1, tag(0, Done)), (1, 2, push(2, Done)), refused, gone]);
}

#[test]
fn a_list_keeps_what_it_names() {
    let begin = [(0, 1, push(0, Done)), (2, 3, push(2, Done))];
    let with = |event| [begin[0], begin[1], (4, 5, event)];
    wrong("it is in a list", &with(Delete { manifest: 0, outcome: Done }));
    fine(&with(Delete { manifest: 0, outcome: Referred }));
    wrong("no list names it", &with(Delete { manifest: 2, outcome: Referred }));
    let gone = (4, 5, Delete { manifest: 2, outcome: Unknown });
    fine(&[begin[0], begin[1], gone, (6, 7, Delete { manifest: 0, outcome: Done })]);
    let torn = [
        begin[0],
        (1, 2, Delete { manifest: 0, outcome: Unknown }),
        begin[1],
        (4, 5, Found { manifest: 0, there: false }),
    ];
    wrong("it is in a list", &torn);
}

#[test]
fn a_manifest_keeps_its_blobs_for_ever() {
    let begin = [(0, 1, Store { blob: 0, outcome: Done }), (2, 3, push(0, Done))];
    let late = |event| [begin[0], begin[1], (5000, 5001, event)];
    wrong("the blob is there", &late(Fetched { blob: 0, there: false }));
    wrong("the blob is there", &late(Wanted { blob: 0, there: false }));
    wrong("the blob is there", &late(Drop { blob: 0, outcome: Absent }));
    wrong("a manifest names it", &late(Drop { blob: 0, outcome: Done }));
    fine(&late(Drop { blob: 0, outcome: Referred }));
    let deleted = (4, 5, Delete { manifest: 0, outcome: Done });
    fine(&[begin[0], begin[1], deleted, (5000, 5001, Fetched { blob: 0, there: false })]);
    wrong(
        "no manifest names it",
        &[(0, 1, Store { blob: 1, outcome: Done }), (2, 3, Drop { blob: 1, outcome: Referred })],
    );
}

#[test]
fn a_blob_stays_for_the_grace_period_after_somebody_made_sure_of_it() {
    let store = (0, 1, Store { blob: 0, outcome: Done });
    wrong("the blob is there", &[store, (900, 901, Fetched { blob: 0, there: false })]);
    fine(&[store, (1100, 1101, Fetched { blob: 0, there: false })]);
    let wanted = (900, 901, Wanted { blob: 0, there: true });
    wrong("the blob is there", &[store, wanted, (1100, 1101, Fetched { blob: 0, there: false })]);
    fine(&[store, (2, 3, Drop { blob: 0, outcome: Done }), (4, 5, Fetched { blob: 0, there: false })]);
    wrong(
        "the blob can't be there",
        &[store, (2, 3, Drop { blob: 0, outcome: Done }), (4, 5, Fetched { blob: 0, there: true })],
    );
    wrong("the blob can't be there", &[(4, 5, Wanted { blob: 0, there: true })]);
}

#[test]
fn a_push_is_refused_only_when_something_is_missing() {
    let store = |blob| Store { blob, outcome: Done };
    let missing = |manifest| push(manifest, Missing);
    wrong("all that it names is there", &[(0, 1, store(0)), (2, 3, missing(0))]);
    wrong("all that it names is there", &[(0, 1, store(0)), (2, 3, push(0, Done)), (4, 5, missing(2))]);
    fine(&[(0, 1, store(0)), (2, 3, missing(1))]);
    fine(&[(0, 1, store(0)), (2, 1500, missing(0))]);
    fine(&[(0, 1, store(0)), (2, 9, Drop { blob: 0, outcome: Unknown }), (2, 3, missing(0))]);
    wrong("no answer to a push", &[(0, 1, push(0, Referred))]);
}

#[test]
fn a_conversion_that_was_handed_out_lives_while_its_source_does() {
    let (converted, gone) = (Converted { source: 0 }, Derived { source: 0, there: false });
    wrong("what was handed out is gone", &[(0, 1, push(0, Done)), (2, 3, converted), (4, 5, gone)]);
    let deleted = (4, 5, Delete { manifest: 0, outcome: Unknown });
    fine(&[(0, 1, push(0, Done)), (2, 3, converted), deleted, (6, 7, gone)]);
}

#[test]
fn wrong_bytes_are_wrong() {
    wrong("bytes or a status that fit nothing", &[(0, 1, Garbled)]);
}

#[test]
fn repositories_have_nothing_to_do_with_each_other() {
    let at = Interval { start: 0, end: 1 };
    let pushed = Entry { client: 0, repository: 0, at, event: push(0, Done) };
    let read = Entry {
        client: 0,
        repository: 1,
        at: Interval { start: 2, end: 3 },
        event: Found { manifest: 0, there: true },
    };
    assert_eq!(check(&universe(), GRACE, &[pushed, read]).len(), 1);
}

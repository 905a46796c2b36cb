//! What the examples of the documentation leave open.

use lifecycle::evaluate;

use crate::support::{DAY, NOW, count, days, digest, expired, image, policy, repository, rule, tagged};

#[test]
fn a_day_has_24_hours_and_what_is_exactly_as_old_stays() {
    let policy = policy(&[rule(1, days("any", "sinceImagePushed", 14))]);
    let mut images = repository(&[("at the limit", &[], 14), ("a second more", &[], 14), ("from the future", &[], 0)]);
    images[1].1.pushed_at -= 1;
    images[2].1.pushed_at += DAY;
    assert_eq!(expired(&policy, &images), ["a second more"]);
}

#[test]
fn an_image_that_was_never_pulled_counts_from_its_push() {
    let policy = policy(&[rule(1, days("any", "sinceImagePulled", 30))]);
    let mut images = repository(&[
        ("never pulled, old", &[], 31),
        ("never pulled, young", &[], 29),
        ("pulled lately", &[], 90),
        ("pulled long ago", &[], 90),
        ("pushed again after its last pull", &[], 10),
    ]);
    images[2].1.pulled_at = Some(NOW - 30 * DAY);
    images[3].1.pulled_at = Some(NOW - 30 * DAY - 1);
    images[4].1.pulled_at = Some(NOW - 90 * DAY);
    assert_eq!(expired(&policy, &images), ["pulled long ago", "never pulled, old"]);
}

#[test]
fn pulls_dont_matter_to_the_other_rules() {
    for selection in [count("any", 1), days("any", "sinceImagePushed", 5)] {
        let mut images = repository(&[("pulled just now", &[], 9), ("never pulled", &[], 3)]);
        images[0].1.pulled_at = Some(NOW);
        assert_eq!(expired(&policy(&[rule(1, selection)]), &images), ["pulled just now"]);
    }
}

#[test]
fn what_is_kept_by_another_neither_expires_nor_is_counted() {
    let mut images = repository(&[
        ("list 1", &["v1"], 9),
        ("its amd64", &[], 9),
        ("its arm64", &["v1-arm64"], 9),
        ("its signature", &["sha256-1.sig"], 8),
        ("list 2", &["v2"], 7),
        ("untagged", &[], 6),
    ]);
    for (_, part) in &mut images[1..=3] {
        part.kept_by = Some(digest("list 1"));
    }
    assert_eq!(expired(&policy(&[rule(1, count("any", 3))]), &images), [""; 0]);
    assert_eq!(expired(&policy(&[rule(1, count("any", 2))]), &images), ["list 1"]);
    assert_eq!(expired(&policy(&[rule(1, days("untagged", "sinceImagePushed", 1))]), &images), ["untagged"]);
    // Once the list is gone its parts are images like others.
    for (_, part) in &mut images[1..=3] {
        part.kept_by = None;
    }
    images.remove(0);
    assert_eq!(
        expired(&policy(&[rule(1, days("untagged", "sinceImagePushed", 1))]), &images),
        ["its amd64", "untagged"]
    );
}

#[test]
fn an_image_that_an_earlier_rule_lets_stay_is_out_of_reach_for_later_ones() {
    let keep = rule(1, tagged("tagPatternList", &["release-*"], count("tagged", 1000)));
    let sweep = rule(2, days("any", "sinceImagePushed", 1));
    let images = repository(&[("release", &["release-1"], 400), ("untagged", &[], 2), ("build", &["build-7"], 2)]);
    let mut found = expired(&policy(&[keep, sweep]), &images);
    found.sort();
    assert_eq!(found, ["build", "untagged"]);
}

#[test]
fn the_numbers_decide_whose_turn_is_first_and_not_the_order_of_the_rules() {
    let images =
        repository(&[("A", &["beta-1", "prod-1"], 10), ("B", &["beta-2", "prod-2"], 9), ("C", &["beta-3"], 8)]);
    let prod = rule(5, tagged("tagPrefixList", &["prod"], count("tagged", 1)));
    let beta = rule(70, tagged("tagPrefixList", &["beta"], count("tagged", 1)));
    assert_eq!(expired(&policy(&[beta.clone(), prod.clone()]), &images), ["A"]);
    assert_eq!(expired(&policy(&[prod, beta]), &images), ["A"]);
}

#[test]
fn the_reason_names_the_rule_what_was_exceeded_and_the_day() {
    let mut pulled = image("pulled", &["b", "a"], 60);
    pulled.pulled_at = Some(NOW - 40 * DAY);
    let reason = |selection, image: &lifecycle::Image| {
        let expired = evaluate(&policy(&[rule(10, selection)]), &[image.clone(), self::image("younger", &[], 0)], NOW);
        assert_eq!(expired.len(), 1);
        assert_eq!(expired[0].rule_priority, 10);
        assert_eq!(expired[0].tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        expired[0].reason.clone()
    };
    assert_eq!(reason(count("any", 1), &pulled), "rule 10: not one of the newest 1, pushed 2026-09-23");
    assert_eq!(reason(days("any", "sinceImagePushed", 14), &pulled), "rule 10: older than 14 days, pushed 2026-09-23");
    assert_eq!(
        reason(days("any", "sinceImagePulled", 1), &pulled),
        "rule 10: not pulled for more than 1 day, last on 2026-10-13"
    );
    pulled.pulled_at = None;
    assert_eq!(
        reason(days("any", "sinceImagePulled", 30), &pulled),
        "rule 10: not pulled for more than 30 days, nor ever since the push on 2026-09-23"
    );
}

#[test]
fn the_largest_numbers_are_no_trouble() {
    let mut image = image("from the end of time", &[], 0);
    image.pushed_at = u64::MAX;
    for kind in ["sinceImagePushed", "sinceImagePulled"] {
        assert_eq!(evaluate(&policy(&[rule(1, days("any", kind, i32::MAX as u32))]), &[image.clone()], u64::MAX), []);
    }
    let expired = evaluate(&policy(&[rule(1, count("any", 1))]), &[image.clone(), self::image("b", &[], 0)], NOW);
    assert_eq!(expired.len(), 1);
    image.digest = digest("another");
    let both = [image.clone(), self::image("from the end of time", &[], 0)];
    assert_eq!(evaluate(&policy(&[rule(1, count("any", 2))]), &both, u64::MAX), []);
}

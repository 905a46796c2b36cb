//! What holds for every policy and every repository.

use std::collections::BTreeSet;

use lifecycle::{Image, evaluate};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use protocol::Tag;
use serde_json::Value;

use crate::support::{DAY, NOW, count, days, digest, document, policy, rule, tagged};

const TAGS: [&str; 6] = ["alpha-1", "alpha-2", "beta-1", "beta-2", "prod", "latest"];
const PATTERNS: [&str; 6] = ["alpha*", "*-1", "*a*", "prod", "*", "beta-*"];

/// Repositories in which several images were pushed in the same second, and some are kept by another.
fn images() -> impl Strategy<Value = Vec<Image>> {
    let tags = subsequence(TAGS.to_vec(), 0..=3);
    let image = (tags, 0..20_u64, prop::option::of(0..20_u64), prop::bool::weighted(0.2));
    let image = image.prop_map(|(tags, pushed, pulled, is_kept)| Image {
        digest: digest("numbered below"),
        tags: tags.iter().map(|tag| tag.parse::<Tag>().unwrap()).collect(),
        pushed_at: NOW - pushed * DAY / 2,
        pulled_at: pulled.map(|pulled| NOW - pulled * DAY / 2),
        kept_by: is_kept.then(|| digest("a list")),
    });
    prop::collection::vec(image, 0..25).prop_map(|mut images| {
        for (number, image) in images.iter_mut().enumerate() {
            image.digest = digest(&number.to_string());
        }
        images
    })
}

/// Lists of different tags, then perhaps a rule for untagged images, and perhaps one for any; with any limit.
fn rules() -> impl Strategy<Value = Vec<Value>> {
    let limit = (select(vec!["imageCountMoreThan", "sinceImagePushed", "sinceImagePulled"]), 1..8_u32);
    let limited = |status: &'static str| {
        limit.clone().prop_map(move |(kind, number)| match kind {
            "imageCountMoreThan" => count(status, number),
            since => days(status, since, number),
        })
    };
    let lists = prop::collection::btree_set(subsequence(PATTERNS.to_vec(), 1..=2), 0..4);
    let by_tags = (lists, prop::collection::vec(limited("tagged"), 4)).prop_map(|(lists, limits)| {
        let rule = |(list, limit): (Vec<&str>, Value)| tagged("tagPatternList", &list, limit);
        lists.into_iter().zip(limits).map(rule).collect::<Vec<_>>()
    });
    let parts = (by_tags, prop::option::of(limited("untagged")), prop::option::of(limited("any")));
    let selections =
        parts.prop_map(|(by_tags, untagged, any)| by_tags.into_iter().chain(untagged).chain(any).collect::<Vec<_>>());
    let some = selections.prop_filter("a policy has rules", |selections| !selections.is_empty());
    some.prop_map(|selections| selections.into_iter().zip(1..).map(|(s, priority)| rule(priority * 10, s)).collect())
}

/// Whether a rule's tags are those of the image, by the words of the documentation and without the code that is tested.
fn is_about(rule: &Value, image: &Image) -> bool {
    let selection = &rule["selection"];
    let has = |pattern: &str| image.tags.iter().any(|tag| simple_match(pattern, tag.as_str()));
    match selection["tagStatus"].as_str().unwrap() {
        "any" => true,
        "untagged" => image.tags.is_empty(),
        _ => selection["tagPatternList"].as_array().unwrap().iter().all(|pattern| has(pattern.as_str().unwrap())),
    }
}

/// The six patterns, one by one.
fn simple_match(pattern: &str, tag: &str) -> bool {
    match pattern {
        "alpha*" => tag.starts_with("alpha"),
        "*-1" => tag.ends_with("-1"),
        "*a*" => tag.contains('a'),
        "*" => true,
        "beta-*" => tag.starts_with("beta-"),
        whole => tag == whole,
    }
}

proptest! {
    #[test]
    fn each_image_is_expired_at_most_once_and_by_the_first_rule_that_is_about_it(images in images(), rules in rules()) {
        let expired = evaluate(&policy(&rules), &images, NOW);
        let digests: BTreeSet<_> = expired.iter().map(|expiry| &expiry.digest).collect();
        prop_assert_eq!(digests.len(), expired.len());
        for expiry in &expired {
            let image = images.iter().find(|image| image.digest == expiry.digest).unwrap();
            prop_assert!(image.kept_by.is_none(), "what is kept stays");
            let first = rules.iter().find(|rule| is_about(rule, image)).unwrap();
            prop_assert_eq!(&first["rulePriority"], expiry.rule_priority);
            let prefix = format!("rule {}: ", expiry.rule_priority);
            prop_assert!(expiry.reason.starts_with(&prefix), "{}", expiry.reason);
            prop_assert_eq!(expiry.tags.iter().collect::<BTreeSet<_>>(), image.tags.iter().collect::<BTreeSet<_>>());
        }
    }

    #[test]
    fn the_first_rule_that_is_about_an_image_decides_as_if_it_were_alone(images in images(), rules in rules()) {
        let expired = evaluate(&policy(&rules), &images, NOW);
        let alone: Vec<_> = rules.iter().map(|rule| evaluate(&policy(std::slice::from_ref(rule)), &images, NOW)).collect();
        for image in &images {
            let first = rules.iter().position(|rule| is_about(rule, image));
            let is_due = first.is_some_and(|first| alone[first].iter().any(|expiry| expiry.digest == image.digest));
            prop_assert_eq!(expired.iter().any(|expiry| expiry.digest == image.digest), is_due);
        }
    }

    #[test]
    fn what_no_rule_is_about_stays(images in images(), rules in rules()) {
        let expired = evaluate(&policy(&rules), &images, NOW);
        for image in images.iter().filter(|image| !rules.iter().any(|rule| is_about(rule, image))) {
            prop_assert!(expired.iter().all(|expiry| expiry.digest != image.digest));
        }
    }

    #[test]
    fn neither_the_order_of_images_nor_of_tags_nor_of_rules_matters(
        images in images().prop_flat_map(|images| (Just(images.clone()), Just(images).prop_shuffle())),
        rules in rules().prop_flat_map(|rules| (Just(rules.clone()), Just(rules).prop_shuffle())),
    ) {
        let ((images, mut shuffled), (rules, shuffled_rules)) = (images, rules);
        shuffled.iter_mut().for_each(|image| image.tags.reverse());
        let expired = evaluate(&policy(&rules), &images, NOW);
        prop_assert_eq!(&evaluate(&policy(&shuffled_rules), &shuffled, NOW), &expired);
        let pushed = |digest| images.iter().find(|image| image.digest == digest).unwrap().pushed_at;
        let times: Vec<_> = expired.into_iter().map(|expiry| pushed(expiry.digest)).collect();
        prop_assert!(times.is_sorted(), "oldest first");
    }

    #[test]
    fn a_rule_that_counts_leaves_exactly_that_many_and_they_are_the_youngest(images in images(), number in 1..8_u32) {
        let expired = evaluate(&policy(&[rule(1, count("any", number))]), &images, NOW);
        let free: Vec<_> = images.iter().filter(|image| image.kept_by.is_none()).collect();
        let is_gone = |image: &&&Image| expired.iter().any(|expiry| expiry.digest == image.digest);
        let (gone, left): (Vec<&&Image>, Vec<&&Image>) = free.iter().partition(is_gone);
        prop_assert_eq!(left.len(), free.len().min(number as usize));
        let oldest_left = left.iter().map(|image| image.pushed_at).min();
        for image in gone {
            prop_assert!(Some(image.pushed_at) <= oldest_left);
        }
    }

    #[test]
    fn a_rule_about_age_expires_what_is_older_and_nothing_else(images in images(), number in 1..8_u32, pulls in any::<bool>()) {
        let kind = if pulls { "sinceImagePulled" } else { "sinceImagePushed" };
        let expired = evaluate(&policy(&[rule(1, days("any", kind, number))]), &images, NOW);
        for image in &images {
            let used = if pulls { image.pulled_at.unwrap_or(0).max(image.pushed_at) } else { image.pushed_at };
            let is_due = image.kept_by.is_none() && NOW - used > u64::from(number) * DAY;
            prop_assert_eq!(expired.iter().any(|expiry| expiry.digest == image.digest), is_due);
        }
    }

    #[test]
    fn after_it_was_applied_nothing_more_expires_by_a_policy_of_one_rule(images in images(), rules in rules()) {
        let policy = policy(&rules[..1]);
        let expired = evaluate(&policy, &images, NOW);
        let left: Vec<_> =
            images.into_iter().filter(|image| !expired.iter().any(|expiry| expiry.digest == image.digest)).collect();
        prop_assert_eq!(evaluate(&policy, &left, NOW), []);
    }

    #[test]
    fn a_policy_is_read_again_from_its_text(rules in rules()) {
        let policy = policy(&rules);
        prop_assert_eq!(policy.as_str(), document(&rules));
        prop_assert_eq!(lifecycle::Policy::parse(policy.as_str()), Ok(policy));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>(), rules in rules(), at in any::<prop::sample::Index>()) {
        let _ = lifecycle::Policy::parse(&text);
        let mut broken: Vec<_> = document(&rules).chars().collect();
        let at = at.index(broken.len());
        broken.splice(at..=at, text.chars());
        let _ = lifecycle::Policy::parse(&broken.into_iter().collect::<String>());
    }
}

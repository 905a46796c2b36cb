//! The examples of ECR's user guide, "Examples of lifecycle policies in Amazon ECR": its repositories, its policies, its
//! results. Those that archive images are among the [refusals](crate::refusals).

use serde_json::Value;

use crate::support::{count, days, expired, image, policy, repository, rule, tagged};

const LISTS: [(&str, &str); 2] = [("tagPatternList", "*"), ("tagPrefixList", "")];

/// A rule for the images with tags that begin with all of these, said in both ways.
fn by_prefixes(priority: u32, prefixes: &[&str], (list, end): (&str, &str), selection: &Value) -> Value {
    let tags: Vec<_> = prefixes.iter().map(|prefix| format!("{prefix}{end}")).collect();
    let tags: Vec<_> = tags.iter().map(String::as_str).collect();
    rule(priority, tagged(list, &tags, selection.clone()))
}

#[test]
fn filtering_on_image_age() {
    let policy = policy(&[rule(1, tagged("tagPatternList", &["prod*"], days("tagged", "sinceImagePushed", 14)))]);
    let images = repository(&[("old", &["prod-1"], 15), ("young", &["prod-2"], 13), ("other", &["beta"], 15)]);
    assert_eq!(expired(&policy, &images), ["old"]);
}

#[test]
fn filtering_on_image_count() {
    let policy = policy(&[rule(1, count("untagged", 1))]);
    let images = repository(&[("A", &[], 3), ("B", &[], 2), ("C", &[], 1), ("D", &["v1"], 9)]);
    assert_eq!(expired(&policy, &images), ["A", "B"]);
}

#[test]
fn filtering_on_multiple_rules() {
    let images =
        repository(&[("A", &["beta-1", "prod-1"], 10), ("B", &["beta-2", "prod-2"], 9), ("C", &["beta-3"], 8)]);
    for list in LISTS {
        let one = |priority, prefix| by_prefixes(priority, &[prefix], list, &count("tagged", 1));
        let example_a = policy(&[one(1, "prod"), one(2, "beta")]);
        assert_eq!(expired(&example_a, &images), ["A"], "example A, {list:?}");
        let example_b = policy(&[one(1, "beta"), one(2, "prod")]);
        assert_eq!(expired(&example_b, &images), ["A", "B"], "example B, {list:?}");
    }
}

#[test]
fn filtering_on_multiple_tags_in_a_single_rule() {
    let example_a = repository(&[
        ("A", &["alpha-1"], 12),
        ("B", &["beta-1"], 11),
        ("C", &["alpha-2", "beta-2"], 10),
        ("D", &["alpha-3"], 4),
        ("E", &["beta-3"], 3),
        ("F", &["alpha-4", "beta-4"], 2),
    ]);
    let example_b = repository(&[
        ("A", &["alpha-1", "beta-1", "gamma-1"], 10),
        ("B", &["alpha-2", "beta-2"], 9),
        ("C", &["alpha-3", "beta-3", "gamma-2"], 8),
    ]);
    for list in LISTS {
        let both = |selection| policy(&[by_prefixes(1, &["alpha", "beta"], list, &selection)]);
        let by_age = both(days("tagged", "sinceImagePushed", 5));
        assert_eq!(expired(&by_age, &example_a), ["C"], "example A, {list:?}");
        let by_count = both(count("tagged", 1));
        assert_eq!(expired(&by_count, &example_b), ["A", "B"], "example B, {list:?}");
    }
}

#[test]
fn filtering_on_all_images() {
    let example_a = repository(&[("A", &["alpha-1"], 4), ("B", &["beta-1"], 3), ("C", &[], 2), ("D", &["alpha-2"], 1)]);
    assert_eq!(expired(&policy(&[rule(1, count("any", 1))]), &example_a), ["A", "B", "C"], "example A");

    let mut example_b = repository(&[
        ("A", &["alpha-1", "beta-1"], 4),
        ("B", &[], 3),
        ("C", &["alpha-2"], 2),
        ("D", &["git-hash"], 1),
        ("E", &[], 1),
    ]);
    // ECR takes E as the newest of the two that were pushed a day ago.
    example_b[3].1.pushed_at -= 60;
    for list in LISTS {
        let policy = policy(&[
            by_prefixes(1, &["alpha"], list, &count("tagged", 1)),
            rule(2, days("untagged", "sinceImagePushed", 1)),
            rule(3, count("any", 1)),
        ]);
        assert_eq!(expired(&policy, &example_b), ["A", "B", "D"], "example B, {list:?}");
    }
}

#[test]
fn wildcards_stand_anywhere_in_a_pattern_and_four_of_them_in_each() {
    let matched = |pattern: &str, tag: &str| {
        let selection = tagged("tagPatternList", &[pattern], days("tagged", "sinceImagePushed", 1));
        expired(&policy(&[rule(1, selection)]), &[("it", image("it", &[tag], 2))]) == ["it"]
    };
    for tag in ["prod", "prod1", "production-team1"] {
        assert!(matched("prod*", tag), "{tag}");
    }
    for tag in ["repo-production", "prod-team"] {
        assert!(matched("*prod*", tag), "{tag}");
    }
    assert!(!matched("prod*", "repo-production"));
    assert!(matched("*test*1*2*3", "a-test-1-2-3") && matched("test*1*2*3*", "test123-b"));
}

#[test]
fn the_text_of_an_example_is_read_and_kept_as_it_stands() {
    let text = r#"{
    "rules": [
        {
            "rulePriority": 1,
            "description": "Expire images older than 14 days",
            "selection": {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": 14
            },
            "action": {
                "type": "expire"
            }
        }
    ]
}
"#;
    let policy = lifecycle::Policy::parse(text).unwrap();
    assert_eq!(policy.as_str(), text);
    assert_eq!(expired(&policy, &repository(&[("old", &[], 15), ("tagged", &["v1"], 15)])), ["old"]);
}

//! Every reason for which a policy is refused.

use lifecycle::{InvalidPolicy, InvalidRule, Policy, RuleName};
use serde_json::{Value, json};

use crate::support::{count, days, document, rule, tagged};

fn refused(text: &str) -> InvalidPolicy {
    match Policy::parse(text) {
        Ok(_) => panic!("{text} is taken"),
        Err(error) => error,
    }
}

/// Changes a rule that is fine, and says how it is refused then.
fn changed(change: impl FnOnce(&mut Value)) -> String {
    let mut rule = rule(10, tagged("tagPatternList", &["prod*"], days("tagged", "sinceImagePushed", 14)));
    assert!(Policy::parse(&document(&[rule.clone()])).is_ok());
    change(&mut rule);
    refused(&document(&[rule])).to_string()
}

fn without(field: &str) -> impl FnOnce(&mut Value) {
    move |rule| {
        let (object, name) = field.rsplit_once('.').unwrap_or(("", field));
        let object = if object.is_empty() { rule } else { &mut rule[object] };
        object.as_object_mut().unwrap().remove(name).unwrap();
    }
}

#[test]
fn a_document_that_is_no_policy() {
    let not_json = refused("{\"rules\": [");
    assert!(matches!(not_json, InvalidPolicy::NotJson(_)), "{not_json}");
    for (text, problem) in [
        ("[]", "the policy: the document must be an object with a list of rules in it: {\"rules\": […]}, and is []"),
        ("{}", "the policy: rules is missing; it must be a list of objects, one for each rule"),
        ("{\"rules\": {}}", "the policy: rules must be a list of objects, one for each rule, and is {}"),
        ("{\"rules\": [1]}", "the policy: rules must be a list of objects, one for each rule, and is [1]"),
        ("{\"rules\": null}", "the policy: rules must be a list of objects, one for each rule, and is null"),
        ("{\"rules\": [], \"version\": 1}", "the policy: there is no field version; correct its name or remove it"),
        ("{\"rules\": [], \"rules\": []}", "the policy: rules stands there twice; remove one"),
        ("{\"rules\": []}", "the policy has no rules; add one, or remove the policy"),
    ] {
        assert_eq!(refused(text).to_string(), problem);
    }
}

#[test]
fn one_character_too_many_and_one_rule_too_many() {
    let rules = |rules: u32| -> Vec<_> {
        let each = |n: u32| rule(n, tagged("tagPatternList", &[&format!("t{n}-*")], count("tagged", 1)));
        (1..=rules).map(each).collect()
    };
    assert!(Policy::parse(&document(&rules(50))).is_ok());
    assert_eq!(refused(&document(&rules(51))).to_string(), "the policy has 51 rules; use at most 50");

    let padded = |length: usize| {
        let text = document(&rules(1));
        let spaces = " ".repeat(length - text.len());
        text + &spaces
    };
    assert!(Policy::parse(&padded(30_720)).is_ok());
    assert_eq!(refused(&padded(30_721)), InvalidPolicy::TooLong(30_721));
    // Characters are counted and not bytes.
    let mut described = rule(1, count("any", 1));
    described["description"] = "é".repeat(30_000).into();
    assert!(Policy::parse(&document(&[described])).is_ok());
}

#[test]
fn a_field_that_is_missing() {
    for (field, expected) in [
        ("selection", "an object"),
        ("action", "an object"),
        ("selection.tagStatus", "\"tagged\", \"untagged\" or \"any\""),
        ("selection.countType", "\"imageCountMoreThan\", \"sinceImagePushed\" or \"sinceImagePulled\""),
        ("selection.countNumber", "a whole number from 1 to 2147483647"),
        ("selection.countUnit", "\"days\""),
        ("action.type", "\"expire\""),
    ] {
        assert_eq!(changed(without(field)), format!("rule 10: {field} is missing; it must be {expected}"));
    }
    assert_eq!(
        changed(without("rulePriority")),
        "rules[0]: rulePriority is missing; it must be a whole number from 1 to 2147483647, which no other rule has"
    );
}

#[test]
fn a_field_with_a_value_that_it_cant_have() {
    for (object, field, value) in [
        ("", "description", json!(1)),
        ("", "description", json!(null)),
        ("", "selection", json!([])),
        ("", "action", json!("expire")),
        ("selection", "tagStatus", json!("Tagged")),
        ("selection", "tagStatus", json!(null)),
        ("selection", "countType", json!("imagecountmorethan")),
        ("selection", "countUnit", json!("hours")),
        ("selection", "countNumber", json!(0)),
        ("selection", "countNumber", json!(-1)),
        ("selection", "countNumber", json!(1.5)),
        ("selection", "countNumber", json!("14")),
        ("selection", "countNumber", json!(2_147_483_648_u32)),
        ("selection", "tagPatternList", json!([])),
        ("selection", "tagPatternList", json!("prod*")),
        ("selection", "tagPatternList", json!([1])),
        ("action", "type", json!("delete")),
    ] {
        let error = changed(|rule| {
            let object = if object.is_empty() { rule } else { &mut rule[object] };
            object[field] = value.clone();
        });
        let dot = if object.is_empty() { "" } else { "." };
        assert!(error.starts_with(&format!("rule 10: {object}{dot}{field} must be ")), "{error}");
        assert!(error.ends_with(&format!(", and is {value}")), "{error}");
    }
    for value in [json!(0), json!(-1), json!("1"), json!(1.0), json!(null)] {
        let error = changed(|rule| rule["rulePriority"] = value.clone());
        assert!(error.starts_with("rules[0]: rulePriority must be a whole number from 1"), "{error}");
    }
}

#[test]
fn a_long_value_is_cut_off_in_the_complaint() {
    let error = changed(|rule| rule["selection"]["tagStatus"] = "é".repeat(10_000).into());
    assert!(error.chars().count() < 200 && error.ends_with('…'), "{error}");
}

#[test]
fn a_field_that_no_rule_has() {
    for (object, name) in [("", "selections"), ("selection", "tagPatterns"), ("action", "types")] {
        let error = changed(|rule| {
            let object = if object.is_empty() { rule } else { &mut rule[object] };
            object[name] = json!(1);
        });
        let field = if object.is_empty() { name.to_owned() } else { format!("{object}.{name}") };
        assert_eq!(error, format!("rule 10: there is no field {field}; correct its name or remove it"));
    }
}

#[test]
fn a_field_that_stands_there_twice() {
    let text = document(&[rule(10, count("any", 1))]);
    for (field, name) in [("countNumber", "selection.countNumber"), ("type", "action.type")] {
        let twice = text.replacen(&format!("\"{field}\":"), &format!("\"{field}\":0,\"{field}\":"), 1);
        assert_eq!(refused(&twice).to_string(), format!("rule 10: {name} stands there twice; remove one"));
    }
    let twice = text.replace("\"rulePriority\"", "\"rulePriority\":9,\"rulePriority\"");
    let problem = InvalidRule::Repeated { field: "rulePriority".to_owned() };
    assert_eq!(refused(&twice), InvalidPolicy::Rule { rule: RuleName::Place(0), problem });
}

#[test]
fn what_is_about_classes_of_storage() {
    let reason = "there are no storage classes here, and nothing to move an image to";
    for (change, what) in [
        (json!({"action": {"type": "transition", "targetStorageClass": "archive"}}), "transition"),
        (json!({"action": {"type": "expire", "targetStorageClass": "archive"}}), "action.targetStorageClass"),
        (json!({"selection": {"storageClass": "archive"}}), "selection.storageClass"),
        (json!({"selection": days("any", "sinceImageTransitioned", 90)}), "sinceImageTransitioned"),
    ] {
        let error = changed(|rule| {
            for (field, value) in change.as_object().unwrap() {
                rule[field] = value.clone();
            }
        });
        assert!(error.starts_with(&format!("rule 10: {what} isn't supported: {reason}")), "{error}");
    }
}

#[test]
fn tags_where_there_are_none_and_none_where_there_must_be() {
    let without_tags = changed(without("selection.tagPatternList"));
    assert!(without_tags.starts_with("rule 10: selection.tagStatus is tagged, so say which tags"), "{without_tags}");
    let both = changed(|rule| rule["selection"]["tagPrefixList"] = json!(["beta"]));
    assert!(both.starts_with("rule 10: it has both selection.tagPatternList and selection.tagPrefixList"), "{both}");
    for status in ["untagged", "any"] {
        for list in ["tagPatternList", "tagPrefixList"] {
            let mut selection = count(status, 1);
            selection[list] = json!(["prod"]);
            let error = refused(&document(&[rule(3, selection)])).to_string();
            let problem = format!(
                "rule 3: selection.{list} goes with the tagStatus tagged only, and selection.tagStatus is {status}; "
            );
            assert!(error.starts_with(&problem), "{error}");
        }
    }
}

#[test]
fn a_list_with_something_that_is_no_pattern_or_no_prefix() {
    for (list, tag, problem) in [
        ("tagPatternList", "", "a pattern of tags is empty; use * for every tag"),
        ("tagPatternList", "test*1*2*3*4*5*6", "has more than 4 '*'; use at most 4"),
        ("tagPatternList", "a b", "has ' ' in it, which no tag has"),
        ("tagPrefixList", "", "a pattern of tags is empty"),
        ("tagPrefixList", "prod*", "\"prod*\" has a '*' in it, and no wildcard is allowed here"),
        ("tagPrefixList", "a/b", "has '/' in it, which no tag has"),
    ] {
        let selection = tagged(list, &["fine", tag], count("tagged", 1));
        let error = refused(&document(&[rule(7, selection)])).to_string();
        assert!(error.starts_with(&format!("rule 7: selection.{list}: ")) && error.contains(problem), "{error}");
    }
}

#[test]
fn a_unit_where_images_are_counted() {
    let mut selection = count("any", 1);
    selection["countUnit"] = "days".into();
    let error = refused(&document(&[rule(7, selection)])).to_string();
    assert!(
        error.starts_with("rule 7: selection.countUnit goes with sinceImagePushed and sinceImagePulled"),
        "{error}"
    );
}

#[test]
fn rules_that_dont_go_together() {
    let by = |priority, list, tags: &[&str]| rule(priority, tagged(list, tags, count("tagged", 1)));
    for (rules, error) in [
        ([rule(4, count("any", 1)), rule(4, count("untagged", 1))], InvalidPolicy::SamePriority(4)),
        (
            [rule(4, count("any", 1)), rule(9, count("untagged", 1))],
            InvalidPolicy::AnyBeforeOthers { any: 4, highest: 9 },
        ),
        (
            [rule(9, count("any", 1)), rule(4, count("any", 2))],
            InvalidPolicy::SameStatus { status: "any", first: 4, second: 9 },
        ),
        (
            [rule(4, count("untagged", 1)), rule(9, days("untagged", "sinceImagePushed", 1))],
            InvalidPolicy::SameStatus { status: "untagged", first: 4, second: 9 },
        ),
        (
            [by(4, "tagPatternList", &["b*", "a*"]), by(9, "tagPrefixList", &["a", "b", "a"])],
            InvalidPolicy::SameTags { first: 4, second: 9 },
        ),
    ] {
        assert_eq!(refused(&document(&rules)), error);
        // Whichever of the two rules it names.
        let words = error.to_string();
        assert!(words.starts_with("rule 4: ") || words.starts_with("rule 9: "), "{words}");
        assert!(words.contains("; give ") || words.contains("; remove "), "{words}");
    }
    assert!(Policy::parse(&document(&[by(4, "tagPrefixList", &["a"]), by(9, "tagPrefixList", &["a", "b"])])).is_ok());
}

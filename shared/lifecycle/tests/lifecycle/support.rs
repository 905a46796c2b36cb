//! Short words for images and policies.

use lifecycle::{Expiry, Image, Policy, evaluate};
use protocol::{Digest, Tag};
use serde_json::{Value, json};

/// 2026-11-22 12:00:00 UTC.
pub(crate) const NOW: u64 = 1_795_348_800;
pub(crate) const DAY: u64 = 24 * 60 * 60;

/// An image that is named by what its digest is made of.
pub(crate) fn image(name: &str, tags: &[&str], days: u64) -> Image {
    Image {
        digest: digest(name),
        tags: tags.iter().map(|tag| tag.parse::<Tag>().unwrap()).collect(),
        pushed_at: NOW - days * DAY,
        pulled_at: None,
        kept_by: None,
    }
}

pub(crate) fn digest(name: &str) -> Digest {
    Digest::sha256(name.as_bytes())
}

/// A rule that expires.
pub(crate) fn rule(priority: u32, selection: Value) -> Value {
    json!({"rulePriority": priority, "selection": selection, "action": {"type": "expire"}})
}

pub(crate) fn count(status: &str, number: u32) -> Value {
    json!({"tagStatus": status, "countType": "imageCountMoreThan", "countNumber": number})
}

pub(crate) fn days(status: &str, kind: &str, number: u32) -> Value {
    json!({"tagStatus": status, "countType": kind, "countUnit": "days", "countNumber": number})
}

/// A selection by tags; `list` is `tagPatternList` or `tagPrefixList`.
pub(crate) fn tagged(list: &str, tags: &[&str], mut selection: Value) -> Value {
    selection["tagStatus"] = "tagged".into();
    selection[list] = json!(tags);
    selection
}

pub(crate) fn document(rules: &[Value]) -> String {
    json!({"rules": rules}).to_string()
}

pub(crate) fn policy(rules: &[Value]) -> Policy {
    Policy::parse(&document(rules)).unwrap_or_else(|error| panic!("{error}"))
}

/// What the policy expires now, by the names of the images.
pub(crate) fn expired(policy: &Policy, images: &[(&str, Image)]) -> Vec<String> {
    let all: Vec<_> = images.iter().map(|(_, image)| image.clone()).collect();
    let name = |expiry: &Expiry| {
        let (name, _) = images.iter().find(|(_, image)| image.digest == expiry.digest).unwrap();
        (*name).to_owned()
    };
    evaluate(policy, &all, NOW).iter().map(name).collect()
}

/// Images from their names, tags and ages in days.
pub(crate) fn repository<'a>(images: &[(&'a str, &[&str], u64)]) -> Vec<(&'a str, Image)> {
    images.iter().map(|(name, tags, days)| (*name, image(name, tags, *days))).collect()
}

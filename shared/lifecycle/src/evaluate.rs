//! What a policy comes to for the images of a repository.

use protocol::{Digest, Tag};
use time::OffsetDateTime;

use crate::Policy;
use crate::rule::{Limit, Rule};

const DAY: u64 = 24 * 60 * 60;

/// A manifest of a repository, so far as policies are about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its digest; no two images have the same.
    pub digest: Digest,
    /// The tags that point to it, in any order.
    pub tags: Vec<Tag>,
    /// When it was pushed, in seconds since 1970.
    pub pushed_at: u64,
    /// When it was last pulled, in seconds since 1970; None if that is not known to have happened.
    pub pulled_at: Option<u64>,
    /// A manifest of the repository that this one goes with: a list that it is part of, or the subject that it refers to.
    /// None if there is none, or none any more.
    pub kept_by: Option<Digest>,
}

/// An image that expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Which one.
    pub digest: Digest,
    /// The tags that go with it, sorted.
    pub tags: Vec<Tag>,
    /// The `rulePriority` of the rule that expires it.
    pub rule_priority: u32,
    /// Why, for people: `rule 10: older than 14 days, pushed 2026-11-01`.
    pub reason: String,
}

/// The images that expire at `now`, in seconds since 1970: oldest first, and by digest where two were pushed in the same
/// second. Depends on nothing but its arguments, and not on the order of the images.
///
/// As at ECR ("Lifecycle policy evaluation rules"):
/// - Every rule looks at all images, also at those that another rule expires. Then the rules take their turns by priority.
/// - A rule is about the images that match its `tagStatus` and its tags. An image that an earlier rule is about is out of
///   reach for every later one, whether or not the earlier rule expires it: so it is expired by one rule or by none.
/// - Of several patterns or prefixes each must match one of the image's tags.
/// - `imageCountMoreThan` keeps that many of a rule's images, the youngest by push.
/// - `sinceImagePushed` expires what was pushed longer ago than that many days of 24 hours; not what is exactly as old.
/// - `sinceImagePulled` does so by the last pull, and by the push where there was none.
///
/// Otherwise than at ECR:
/// - An image that is [kept by](Image::kept_by) another isn't seen by any rule: it doesn't expire, and isn't counted either.
///   So an image for three platforms with its signature counts as one. ECR doesn't expire the parts of a list before the
///   list, but counts them.
/// - `sinceImagePulled` may expire. At ECR it moves an image to the archive, from where another rule expires it.
/// - An image that was pushed again after its last pull is as old as that push for `sinceImagePulled`.
pub fn evaluate(policy: &Policy, images: &[Image], now: u64) -> Vec<Expiry> {
    let mut images: Vec<&Image> = images.iter().filter(|image| image.kept_by.is_none()).collect();
    images.sort_unstable_by_key(|image| (image.pushed_at, &image.digest));
    let mut out_of_reach = vec![false; images.len()];
    let mut expired = Vec::new();
    for rule in policy.rules() {
        let selected: Vec<_> =
            images.iter().enumerate().filter(|(_, image)| rule.selection.matches(&image.tags)).collect();
        for (older, (index, image)) in selected.iter().enumerate() {
            let younger = selected.len() - older - 1;
            if !std::mem::replace(&mut out_of_reach[*index], true) && exceeds(image, rule.limit, younger, now) {
                expired.push((*index, expiry(image, rule)));
            }
        }
    }
    expired.sort_unstable_by_key(|(index, _)| *index);
    expired.into_iter().map(|(_, expiry)| expiry).collect()
}

/// Whether an image than which `younger` of the rule's images are younger is too much.
fn exceeds(image: &Image, limit: Limit, younger: usize, now: u64) -> bool {
    let is_older = |days: u32, than: u64| now.saturating_sub(than) > u64::from(days) * DAY;
    match limit {
        Limit::Count(count) => younger >= count as usize,
        Limit::Pushed(days) => is_older(days, image.pushed_at),
        Limit::Pulled(days) => is_older(days, pulled_since_push(image).unwrap_or(image.pushed_at)),
    }
}

fn pulled_since_push(image: &Image) -> Option<u64> {
    image.pulled_at.filter(|pulled_at| *pulled_at >= image.pushed_at)
}

fn expiry(image: &Image, rule: &Rule) -> Expiry {
    let mut tags = image.tags.clone();
    tags.sort_unstable();
    let pushed = date(image.pushed_at);
    let why = match rule.limit {
        Limit::Count(count) => format!("not one of the newest {count}, pushed {pushed}"),
        Limit::Pushed(days) => format!("older than {}, pushed {pushed}", in_days(days)),
        Limit::Pulled(days) => match pulled_since_push(image) {
            Some(pulled_at) => format!("not pulled for more than {}, last on {}", in_days(days), date(pulled_at)),
            None => format!("not pulled for more than {}, nor ever since the push on {pushed}", in_days(days)),
        },
    };
    let reason = format!("rule {}: {why}", rule.priority);
    Expiry { digest: image.digest.clone(), tags, rule_priority: rule.priority, reason }
}

fn in_days(days: u32) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}

/// The day in UTC, as `2026-11-01`.
fn date(seconds: u64) -> String {
    let moment = i64::try_from(seconds).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    moment.map_or_else(|| format!("{seconds} seconds after 1970"), |moment| moment.date().to_string())
}

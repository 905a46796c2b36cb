//! What stands in a repository, and what that says about each thing in it. Pure: what is read comes in, judgements go out.

use std::collections::{HashMap, HashSet};

use lifecycle::{Image, Policy};
use protocol::{Digest, Tag};
use storage::{ManifestEntry, Mark, TagEntry};

use crate::finding::Reason;
use crate::step::Due;
use crate::terms::is_grace_over;

/// A digest, short. Those of SHA-512 are cut: should two ever be the same, something stays that could go.
type Short = [u8; 32];

fn short(digest: &Digest) -> Short {
    let raw = digest.raw();
    std::array::from_fn(|at| raw.get(at).copied().unwrap_or_default())
}

/// A manifest, without what it refers to.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) digest: Digest,
    pub(crate) is_derived: bool,
    pub(crate) mark: Option<Mark>,
    at: u64,
    subject: Option<Digest>,
    is_dismantled: bool,
}

/// The manifests of a repository and what they refer to. Some 200 bytes for each manifest, and 50 for each blob.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    manifests: Vec<Seen>,
    existing: HashSet<Short>,
    /// By child, a list that names it, as its place in `manifests`.
    parents: HashMap<Short, usize>,
    blobs: HashSet<Short>,
    tags: HashMap<Short, Vec<Tag>>,
    unclear: usize,
}

/// What is known of a repository besides what stands in it.
#[derive(Debug)]
pub(crate) struct Wishes<'a> {
    /// Seconds since 1970.
    pub(crate) now: u64,
    /// In seconds.
    pub(crate) grace: u64,
    /// Whether untagged manifests go.
    pub(crate) untagged: bool,
    /// Manifests that were deleted, with the time; those whose referrers are due.
    pub(crate) deleted: &'a HashSet<Digest>,
    /// Derived manifests that have no source any more.
    pub(crate) ownerless: &'a HashSet<Digest>,
    /// The policy, and when manifests were last pulled.
    pub(crate) lifecycle: Option<(&'a Policy, &'a HashMap<Digest, u64>)>,
}

/// A manifest that isn't simply kept.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) manifest: Seen,
    pub(crate) due: Due,
    pub(crate) reason: Reason,
}

impl Survey {
    pub(crate) fn see(&mut self, entry: ManifestEntry) {
        let ManifestEntry { digest, is_derived, at, subject, references, mark, is_dismantled, .. } = entry;
        match references {
            Some(references) => {
                self.blobs.extend(references.blobs.iter().map(short));
                for child in &references.manifests {
                    self.parents.entry(short(child)).or_insert(self.manifests.len());
                }
            }
            None => self.unclear += 1,
        }
        self.existing.insert(short(&digest));
        self.manifests.push(Seen { digest, is_derived, mark, at, subject, is_dismantled });
    }

    pub(crate) fn see_tag(&mut self, entry: TagEntry) {
        self.tags.entry(short(&entry.digest)).or_default().push(entry.tag);
    }

    /// How many manifests don't say what they refer to. While there are any, nothing can be told from nobody referring to
    /// it.
    pub(crate) fn unclear(&self) -> usize {
        self.unclear
    }

    pub(crate) fn exists(&self, digest: &Digest) -> bool {
        self.existing.contains(&short(digest))
    }

    /// Whether a manifest refers to the blob.
    pub(crate) fn refers_to(&self, blob: &Digest) -> bool {
        self.blobs.contains(&short(blob))
    }

    pub(crate) fn derived(&self) -> Vec<Digest> {
        self.manifests.iter().filter(|seen| seen.is_derived).map(|seen| seen.digest.clone()).collect()
    }

    /// A manifest that keeps this one: a list that it is in, or a subject that is there.
    fn keeper<'a>(&'a self, seen: &'a Seen) -> Option<&'a Digest> {
        let parent = self.parents.get(&short(&seen.digest)).map(|place| &self.manifests[*place].digest);
        parent.or_else(|| seen.subject.as_ref().filter(|subject| self.exists(subject)))
    }

    fn is_tagged(&self, seen: &Seen) -> bool {
        self.tags.contains_key(&short(&seen.digest))
    }

    /// What was pushed, as lifecycle policies see it.
    pub(crate) fn images(&self, pulls: &HashMap<Digest, u64>) -> Vec<Image> {
        let pushed = self.manifests.iter().filter(|seen| !seen.is_derived);
        let image = |seen: &Seen| Image {
            digest: seen.digest.clone(),
            tags: self.tags.get(&short(&seen.digest)).cloned().unwrap_or_default(),
            pushed_at: seen.at,
            pulled_at: pulls.get(&seen.digest).copied(),
            kept_by: self.keeper(seen).cloned(),
        };
        pushed.map(image).collect()
    }

    /// The deleted manifest that this one goes with, as a referrer of it: not when it has a tag, is in a list, or its subject
    /// is there again.
    fn goes_with<'a>(&self, seen: &'a Seen, deleted: &HashSet<Digest>) -> Option<&'a Digest> {
        let subject = seen.subject.as_ref().filter(|subject| deleted.contains(*subject))?;
        (!self.is_tagged(seen) && self.keeper(seen).is_none()).then_some(subject)
    }

    /// Every manifest that isn't simply kept, in the order of digests.
    pub(crate) fn judge(&self, wishes: &Wishes<'_>) -> Vec<Judgement> {
        let expired = match wishes.lifecycle.filter(|_| self.unclear == 0) {
            Some((policy, pulls)) => lifecycle::evaluate(policy, &self.images(pulls), wishes.now),
            None => Vec::new(),
        };
        let mut expired: HashMap<Digest, (u32, String)> =
            expired.into_iter().map(|expiry| (expiry.digest, (expiry.rule_priority, expiry.reason))).collect();
        let mut judge = |seen: &Seen| -> Option<(Due, Reason)> {
            if let Some((rule, reason)) = expired.remove(&seen.digest) {
                return Some((Due::AtOnce, Reason::Lifecycle { rule, reason }));
            }
            self.leftover(seen, wishes).or_else(|| seen.mark.is_some().then_some((Due::Never, Reason::Kept)))
        };
        let judged = self.manifests.iter().filter_map(|seen| judge(seen).map(|(due, reason)| (seen, due, reason)));
        judged.map(|(seen, due, reason)| Judgement { manifest: seen.clone(), due, reason }).collect()
    }

    fn leftover(&self, seen: &Seen, wishes: &Wishes<'_>) -> Option<(Due, Reason)> {
        if seen.is_derived {
            return wishes.ownerless.contains(&seen.digest).then_some((Due::AfterGrace, Reason::SourceGone));
        }
        if self.unclear > 0 {
            return None;
        }
        if seen.is_dismantled && self.keeper(seen).is_none() {
            return Some((Due::AtOnce, Reason::Dismantled));
        }
        if let Some(subject) = self.goes_with(seen, wishes.deleted) {
            return Some((Due::AtOnce, Reason::SubjectDeleted(subject.clone())));
        }
        let is_old = is_grace_over(wishes.grace, seen.at, wishes.now);
        let is_untagged = wishes.untagged && is_old && !self.is_tagged(seen) && self.keeper(seen).is_none();
        is_untagged.then_some((Due::AfterGrace, Reason::Untagged))
    }

    /// Those of the deleted manifests that something is left of which goes with them.
    pub(crate) fn subjects_with_referrers(&self, deleted: &HashSet<Digest>) -> HashSet<Digest> {
        self.manifests.iter().filter_map(|seen| self.goes_with(seen, deleted)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use protocol::{Algorithm, MediaType};
    use storage::References;

    use super::*;

    fn digest(name: &str) -> Digest {
        Digest::sha256(name.as_bytes())
    }

    fn digests(names: &[&str]) -> HashSet<Digest> {
        names.iter().map(|name| digest(name)).collect()
    }

    /// A manifest of an hour ago that refers to nothing.
    fn entry(name: &str) -> ManifestEntry {
        ManifestEntry {
            digest: digest(name),
            media_type: MediaType::from("application/vnd.oci.image.manifest.v1+json"),
            size: 1,
            is_derived: false,
            at: 10_000,
            subject: None,
            references: Some(References::default()),
            mark: None,
            is_dismantled: false,
        }
    }

    fn list(name: &str, children: &[&str]) -> ManifestEntry {
        let references = Some(References::new([], children.iter().map(|child| digest(child))));
        ManifestEntry { references, ..entry(name) }
    }

    fn referrer(name: &str, subject: &str) -> ManifestEntry {
        ManifestEntry { subject: Some(digest(subject)), ..entry(name) }
    }

    fn survey(entries: Vec<ManifestEntry>, tagged: &[&str]) -> Survey {
        let mut survey = Survey::default();
        entries.into_iter().for_each(|entry| survey.see(entry));
        for name in tagged {
            survey.see_tag(TagEntry { tag: "latest".parse().unwrap(), digest: digest(name) });
        }
        survey
    }

    /// What goes where untagged manifests do, after so many seconds of grace.
    fn untagged(survey: &Survey, grace: u64) -> HashSet<Digest> {
        let (deleted, ownerless) = (HashSet::new(), HashSet::new());
        let (now, lifecycle) = (13_600, None);
        let wishes = Wishes { now, grace, untagged: true, deleted: &deleted, ownerless: &ownerless, lifecycle };
        let judged = survey.judge(&wishes);
        assert!(judged.iter().all(|it| it.due == Due::AfterGrace && it.reason == Reason::Untagged));
        judged.into_iter().map(|it| it.manifest.digest).collect()
    }

    #[test]
    fn a_tag_a_list_and_a_subject_keep_a_manifest() {
        let entries = || vec![entry("a"), list("b", &["a"]), referrer("c", "b"), entry("d")];
        assert_eq!(untagged(&survey(entries(), &["b"]), 0), digests(&["d"]));
        assert_eq!(untagged(&survey(entries(), &[]), 0), digests(&["b", "d"]), "the others follow when b is gone");
    }

    #[test]
    fn a_subject_that_is_not_there_keeps_nothing() {
        assert_eq!(untagged(&survey(vec![referrer("c", "gone")], &[]), 0), digests(&["c"]));
    }

    #[test]
    fn what_was_pushed_within_the_grace_period_is_not_untagged_yet() {
        assert_eq!(untagged(&survey(vec![entry("a")], &[]), 3_599), digests(&["a"]));
        assert_eq!(untagged(&survey(vec![entry("a")], &[]), 3_600), digests(&[]));
    }

    #[test]
    fn while_a_manifest_does_not_say_what_it_refers_to_none_is_untagged() {
        let unclear = ManifestEntry { references: None, ..entry("old") };
        let survey = survey(vec![entry("a"), unclear], &[]);
        assert_eq!((survey.unclear(), untagged(&survey, 0)), (1, digests(&[])));
    }

    #[test]
    fn a_referrer_of_what_was_deleted_goes_unless_something_keeps_it() {
        let entries = vec![
            referrer("lone", "gone"),
            referrer("tagged", "gone"),
            referrer("listed", "gone"),
            list("l", &["listed"]),
        ];
        let survey = survey(entries, &["tagged", "l"]);
        let (deleted, ownerless) = (digests(&["gone", "other"]), HashSet::new());
        let (now, grace, lifecycle) = (13_600, 0, None);
        let wishes = Wishes { now, grace, untagged: false, deleted: &deleted, ownerless: &ownerless, lifecycle };
        let judged: Vec<_> =
            survey.judge(&wishes).into_iter().map(|it| (it.manifest.digest, it.due, it.reason)).collect();
        assert_eq!(judged, [(digest("lone"), Due::AtOnce, Reason::SubjectDeleted(digest("gone")))]);
        assert_eq!(survey.subjects_with_referrers(&deleted), digests(&["gone"]));
    }

    #[test]
    fn what_a_removal_took_tags_of_goes_unless_something_keeps_it() {
        let begun = |name| ManifestEntry { is_dismantled: true, ..entry(name) };
        let survey = survey(vec![begun("lone"), begun("listed"), list("l", &["listed"])], &["l"]);
        let (deleted, ownerless) = (HashSet::new(), HashSet::new());
        let (now, grace, lifecycle) = (13_600, 3_600, None);
        let wishes = Wishes { now, grace, untagged: false, deleted: &deleted, ownerless: &ownerless, lifecycle };
        let judged: Vec<_> =
            survey.judge(&wishes).into_iter().map(|it| (it.manifest.digest, it.due, it.reason)).collect();
        assert_eq!(judged, [(digest("lone"), Due::AtOnce, Reason::Dismantled)]);
    }

    #[test]
    fn a_conversion_without_a_source_goes_and_others_stay() {
        let derived = |name| ManifestEntry { is_derived: true, ..entry(name) };
        let survey = survey(vec![derived("a"), derived("b")], &[]);
        let (deleted, ownerless) = (HashSet::new(), digests(&["b"]));
        let (now, grace, lifecycle) = (13_600, 0, None);
        let wishes = Wishes { now, grace, untagged: true, deleted: &deleted, ownerless: &ownerless, lifecycle };
        let judged: Vec<_> =
            survey.judge(&wishes).into_iter().map(|it| (it.manifest.digest, it.due, it.reason)).collect();
        assert_eq!(judged, [(digest("b"), Due::AfterGrace, Reason::SourceGone)]);
    }

    #[test]
    fn policies_see_what_was_pushed_with_its_tags_and_what_keeps_it() {
        let derived = ManifestEntry { is_derived: true, ..entry("derived") };
        let survey = survey(vec![entry("a"), list("b", &["a"]), referrer("c", "b"), derived], &["b"]);
        let images = survey.images(&HashMap::from([(digest("b"), 12_000)]));
        let seen: Vec<_> = images.iter().map(|it| (&it.digest, it.tags.len(), it.pulled_at, &it.kept_by)).collect();
        let (a, b, c) = (digest("a"), digest("b"), digest("c"));
        let expected = [(&a, 0, None, &Some(b.clone())), (&b, 1, Some(12_000), &None), (&c, 0, None, &Some(b.clone()))];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_blob_is_referred_to_by_digests_of_every_algorithm() {
        let blobs = [digest("blob"), Algorithm::Sha512.digest(b"blob")];
        let references = Some(References::new(blobs.clone(), []));
        let survey = survey(vec![ManifestEntry { references, ..entry("a") }], &[]);
        assert!(blobs.iter().all(|blob| survey.refers_to(blob)) && !survey.refers_to(&digest("other")));
    }
}

//! Finds answers in a history that no order of the overlapping requests explains. Pure.
//!
//! What is there is a set of registers: where each tag points, and whether each manifest is there. A request takes effect at
//! some moment between its start and its end; one that failed may have taken effect or not. A value that somebody read has
//! to have been written by a request that began before, and since that was over nothing may have happened for certain that
//! contradicts it.
//!
//! Blobs go by themselves when nothing refers to them, but not within the grace period after somebody stored them or asked
//! for them, and never while a manifest names them.

use std::collections::BTreeSet;

use crate::history::{Blob, Entry, Event, Interval, Manifest, Outcome, Repository, Tag, Universe};

/// An answer that nothing explains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) entry: Entry,
    pub(crate) why: &'static str,
}

/// What a request says about a register, whose value is a `V`.
#[derive(Clone, Copy, Debug)]
enum Say<V> {
    /// It has this value now.
    Is(V),
    /// It was given this value, maybe.
    MayBe(V),
    /// If it had the value, it has been given the other one; for certain or maybe.
    NoLonger { from: V, to: V, certain: bool },
}

/// How the requests of a register explain what one of them read.
struct Register<V> {
    initial: V,
    says: Vec<(Interval, Say<V>, bool)>,
}

impl<V: Copy + PartialEq> Register<V> {
    fn new(initial: V) -> Self {
        Self { initial, says: Vec::new() }
    }

    fn read(&mut self, at: Interval, value: V) {
        self.says.push((at, Say::Is(value), false));
    }

    fn write(&mut self, at: Interval, value: V, outcome: Outcome) {
        match outcome {
            Outcome::Done => self.says.push((at, Say::Is(value), true)),
            Outcome::Unknown => self.says.push((at, Say::MayBe(value), true)),
            Outcome::Absent | Outcome::Referred | Outcome::Missing | Outcome::Immutable => {}
        }
    }

    fn replace(&mut self, at: Interval, from: V, to: V, outcome: Outcome) {
        if may_be_done(outcome) {
            self.says.push((at, Say::NoLonger { from, to, certain: outcome == Outcome::Done }, true));
        }
    }

    /// Whether the register was for certain without `value` at some moment after `since` was over and before `at`.
    fn is_ruled_out(&self, value: V, since: Option<Interval>, at: Interval) -> bool {
        self.says.iter().any(|(when, say, _)| {
            let rules_out = match *say {
                Say::Is(other) => other != value,
                Say::NoLonger { from, certain, .. } => certain && from == value,
                Say::MayBe(_) => false,
            };
            rules_out && since.is_none_or(|since| since.is_before(*when)) && when.is_before(at)
        })
    }

    /// Whether the register can have had the value at a moment of `at`.
    fn explains(&self, value: V, at: Interval) -> bool {
        if value == self.initial && !self.is_ruled_out(value, None, at) {
            return true;
        }
        self.says.iter().any(|(when, say, writes)| {
            let gives = match *say {
                Say::Is(new) | Say::MayBe(new) => *writes && new == value,
                // It has to have had the other value, which nobody takes twice.
                Say::NoLonger { from, to, .. } => to == value && from != value && self.explains(from, *when),
            };
            gives && when.start <= at.end && !self.is_ruled_out(value, Some(*when), at)
        })
    }
}

fn may_be_done(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Done | Outcome::Unknown)
}

/// Every answer of a history that is wrong. `grace` is in microseconds.
pub(crate) fn check(universe: &Universe, grace: u64, history: &[Entry]) -> Vec<Wrong> {
    let checker = Checker { universe, grace, history };
    history.iter().filter_map(|entry| checker.wrong(entry).map(|why| Wrong { entry: *entry, why })).collect()
}

struct Checker<'a> {
    universe: &'a Universe,
    grace: u64,
    history: &'a [Entry],
}

impl Checker<'_> {
    fn of(&self, repository: Repository) -> impl Iterator<Item = &Entry> {
        self.history.iter().filter(move |entry| entry.repository == repository)
    }

    fn wrong(&self, entry: &Entry) -> Option<&'static str> {
        let (repository, at) = (entry.repository, entry.at);
        let unless = |fine: bool, why| if fine { None } else { Some(why) };
        match entry.event {
            Event::Garbled => Some("bytes or a status that fit nothing"),
            Event::Tagged { tag, manifest } => {
                unless(self.tag(repository, tag).explains(manifest, at), "the tag can't point there")
            }
            Event::Untag { tag, outcome } => match outcome {
                Outcome::Done => None,
                Outcome::Absent => unless(self.tag(repository, tag).explains(None, at), "the tag is there"),
                Outcome::Unknown => None,
                Outcome::Referred | Outcome::Missing | Outcome::Immutable => Some("no answer to the deletion of a tag"),
            },
            Event::Found { manifest, there: true } => {
                unless(self.manifest(repository, manifest).explains(true, at), "the manifest can't be there")
            }
            Event::Found { manifest, there: false } => self.manifest_is_gone(repository, manifest, at),
            Event::Delete { manifest, outcome } => match outcome {
                Outcome::Absent => self.manifest_is_gone(repository, manifest, at),
                Outcome::Done => unless(!self.is_in_a_list(repository, manifest, at), "it is in a list"),
                Outcome::Referred => {
                    let names = |list: usize| self.universe.manifests[list].children.contains(&manifest);
                    unless(self.may_be_named(repository, at, names), "no list names it")
                }
                Outcome::Unknown => None,
                Outcome::Missing | Outcome::Immutable => Some("no answer to a deletion"),
            },
            Event::Push { manifest, tag, outcome } => match (outcome, tag) {
                (Outcome::Missing, _) => unless(!self.has_all(repository, manifest, at), "all that it names is there"),
                (Outcome::Done, Some(tag)) if self.is_immutable(repository, tag) => {
                    unless(!self.points_elsewhere(repository, tag, manifest, at), "an immutable tag moved")
                }
                (Outcome::Immutable, Some(tag)) if self.is_immutable(repository, tag) => {
                    unless(self.may_point_elsewhere(repository, tag, manifest, at), "the tag is free")
                }
                (Outcome::Done | Outcome::Unknown, _) => None,
                (Outcome::Absent | Outcome::Referred | Outcome::Immutable, _) => Some("no answer to a push"),
            },
            Event::Listed { tags } => {
                let exists = |tag| self.tag_exists(repository, tag).explains(tags.has(tag), at);
                unless(self.tags().all(exists), "the list of tags is wrong")
            }
            Event::Referrers { subject, listed } => self.universe.referrers(subject).find_map(|referrer| match listed
                .has(referrer)
            {
                true => unless(self.manifest(repository, referrer).explains(true, at), "no such referrer can be there"),
                false => self.manifest_is_gone(repository, referrer, at),
            }),
            Event::Fetched { blob, there: true } | Event::Wanted { blob, there: true } => {
                unless(self.blob(repository, blob).explains(true, at), "the blob can't be there")
            }
            Event::Fetched { blob, there: false } | Event::Wanted { blob, there: false } => {
                unless(!self.has_blob(repository, blob, at), "the blob is there")
            }
            Event::Drop { blob, outcome } => match outcome {
                Outcome::Absent => unless(!self.has_blob(repository, blob, at), "the blob is there"),
                Outcome::Done => unless(!self.is_named(repository, blob, at), "a manifest names it"),
                Outcome::Referred => {
                    let names = |image: usize| self.universe.manifests[image].blobs.contains(&blob);
                    unless(self.may_be_named(repository, at, names), "no manifest names it")
                }
                Outcome::Unknown => None,
                Outcome::Missing | Outcome::Immutable => Some("no answer to a deletion"),
            },
            Event::Derived { source, there: false } => {
                let converted = |before: &&Entry| {
                    before.event == Event::Converted { source }
                        && before.at.is_before(at)
                        && !self.may_go_within(repository, source, before.at.start, at.end)
                        && !self.is_overtaken_within(repository, source, before.at.start, at.end)
                };
                unless(!self.of(repository).any(|before| converted(&before)), "what was handed out is gone")
            }
            Event::Derived { there: true, .. } | Event::Converted { .. } | Event::Store { .. } => None,
        }
    }

    fn manifest_is_gone(&self, repository: Repository, manifest: Manifest, at: Interval) -> Option<&'static str> {
        let may_be_collected = self.may_be_collected(repository, manifest, at.end);
        if !may_be_collected && !self.manifest(repository, manifest).explains(false, at) {
            return Some("the manifest is there");
        }
        self.is_in_a_list(repository, manifest, at).then_some("it is in a list")
    }

    fn tag(&self, repository: Repository, tag: Tag) -> Register<Option<Manifest>> {
        let mut register = Register::new(None);
        for Entry { at, event, .. } in self.of(repository) {
            match *event {
                Event::Push { manifest, tag: Some(named), outcome } if named == tag => {
                    register.write(*at, Some(manifest), outcome);
                }
                Event::Untag { tag: named, outcome } if named == tag => match outcome {
                    Outcome::Absent => register.read(*at, None),
                    outcome => register.write(*at, None, outcome),
                },
                Event::Tagged { tag: named, manifest } if named == tag => register.read(*at, manifest),
                // Its tags go with it.
                Event::Delete { manifest, outcome } => {
                    let outcome = self.of_what_goes_first(repository, manifest, *at, outcome);
                    register.replace(*at, Some(manifest), None, outcome);
                }
                _ => {}
            }
        }
        register
    }

    /// Whether there is such a tag, wherever it points.
    fn tag_exists(&self, repository: Repository, tag: Tag) -> Register<bool> {
        let mut register = Register::new(false);
        for Entry { at, event, .. } in self.of(repository) {
            match *event {
                Event::Push { tag: Some(named), outcome, .. } if named == tag => register.write(*at, true, outcome),
                Event::Untag { tag: named, outcome } if named == tag => match outcome {
                    Outcome::Absent => register.read(*at, false),
                    outcome => register.write(*at, false, outcome),
                },
                Event::Tagged { tag: named, manifest } if named == tag => register.read(*at, manifest.is_some()),
                Event::Listed { tags } => register.read(*at, tags.has(tag)),
                // If that is where it points.
                Event::Delete { manifest, outcome }
                    if may_be_done(self.of_what_goes_first(repository, manifest, *at, outcome)) =>
                {
                    register.replace(*at, true, false, Outcome::Unknown);
                }
                _ => {}
            }
        }
        register
    }

    /// Every tag that somebody names.
    fn tags(&self) -> impl Iterator<Item = Tag> {
        let named = self.history.iter().filter_map(|entry| match entry.event {
            Event::Push { tag, .. } => tag,
            Event::Untag { tag, .. } | Event::Tagged { tag, .. } => Some(tag),
            _ => None,
        });
        named.collect::<BTreeSet<_>>().into_iter()
    }

    fn is_immutable(&self, repository: Repository, tag: Tag) -> bool {
        self.universe.immutable == (repository, tag)
    }

    /// Whether a tag certainly points to another manifest when this one is pushed under it: it was seen or put there, before
    /// or afterwards, and nobody took it away in between.
    fn points_elsewhere(&self, repository: Repository, tag: Tag, manifest: Manifest, at: Interval) -> bool {
        self.of(repository).any(|entry| {
            let other = match entry.event {
                Event::Push { manifest, tag: Some(named), outcome: Outcome::Done } if named == tag => manifest,
                Event::Tagged { tag: named, manifest: Some(manifest) } if named == tag => manifest,
                _ => return false,
            };
            let (start, end) = (at.start.min(entry.at.start), at.end.max(entry.at.end));
            let is_freed = |by: &Entry| {
                let frees = match by.event {
                    Event::Untag { tag: named, outcome } => named == tag && may_be_done(outcome),
                    Event::Delete { manifest: gone, outcome } => {
                        let outcome = self.of_what_goes_first(repository, gone, by.at, outcome);
                        (gone == manifest || gone == other) && may_be_done(outcome)
                    }
                    _ => false,
                };
                frees && by.at.start <= end && start <= by.at.end
            };
            other != manifest && !self.of(repository).any(is_freed)
        })
    }

    fn may_point_elsewhere(&self, repository: Repository, tag: Tag, manifest: Manifest, at: Interval) -> bool {
        let register = self.tag(repository, tag);
        let mut others = (0..self.universe.manifests.len()).filter(|other| *other != manifest);
        others.any(|other| register.explains(Some(other), at))
    }

    fn manifest(&self, repository: Repository, manifest: Manifest) -> Register<bool> {
        let mut register = Register::new(false);
        for Entry { at, event, .. } in self.of(repository) {
            match *event {
                Event::Push { manifest: pushed, outcome, .. } if pushed == manifest => {
                    register.write(*at, true, outcome)
                }
                Event::Delete { manifest: deleted, outcome } if deleted == manifest => match outcome {
                    Outcome::Absent => register.read(*at, false),
                    outcome => register.write(*at, false, outcome),
                },
                Event::Found { manifest: found, there } if found == manifest => register.read(*at, there),
                Event::Referrers { subject, listed } if self.universe.manifests[manifest].subject == Some(subject) => {
                    register.read(*at, listed.has(manifest));
                }
                _ => {}
            }
        }
        register
    }

    /// The collector may take it at any moment, which only shows in that it is gone.
    fn blob(&self, repository: Repository, blob: Blob) -> Register<bool> {
        let mut register = Register::new(false);
        for Entry { at, event, .. } in self.of(repository) {
            match *event {
                Event::Store { blob: stored, outcome } if stored == blob => register.write(*at, true, outcome),
                Event::Drop { blob: dropped, outcome } if dropped == blob => match outcome {
                    Outcome::Absent => register.read(*at, false),
                    outcome => register.write(*at, false, outcome),
                },
                Event::Fetched { blob: read, there } | Event::Wanted { blob: read, there } if read == blob => {
                    register.read(*at, there);
                }
                _ => {}
            }
        }
        register
    }

    /// What a deletion came to for the tags and conversions of its manifest. They go first, so when a list that names it is
    /// pushed at that time the manifest may stay without them.
    fn of_what_goes_first(
        &self,
        repository: Repository,
        manifest: Manifest,
        at: Interval,
        outcome: Outcome,
    ) -> Outcome {
        match outcome {
            Outcome::Referred if self.is_listed_within(repository, manifest, at) => Outcome::Unknown,
            outcome => outcome,
        }
    }

    /// Whether a list that names it may be stored at that time.
    fn is_listed_within(&self, repository: Repository, child: Manifest, at: Interval) -> bool {
        self.of(repository).any(|entry| {
            let names = |list: Manifest| self.universe.manifests[list].children.contains(&child);
            matches!(entry.event, Event::Push { manifest, outcome, .. } if names(manifest) && may_be_done(outcome))
                && entry.at.start <= at.end
                && at.start <= entry.at.end
        })
    }

    fn is_overtaken_within(&self, repository: Repository, manifest: Manifest, start: u64, end: u64) -> bool {
        self.of(repository).any(|entry| {
            matches!(entry.event, Event::Delete { manifest: named, outcome: Outcome::Referred } if named == manifest)
                && entry.at.start <= end
                && start <= entry.at.end
                && self.is_listed_within(repository, manifest, entry.at)
        })
    }

    fn is_deleted_within(&self, repository: Repository, manifest: Manifest, start: u64, end: u64) -> bool {
        self.of(repository).any(|entry| {
            let deletes = |deleted, outcome| deleted == manifest && may_be_done(outcome);
            matches!(entry.event, Event::Delete { manifest, outcome } if deletes(manifest, outcome))
                && entry.at.start <= end
                && start <= entry.at.end
        })
    }

    /// Whether the collector can have taken a manifest: its subject was deleted, and the grace period is over.
    fn may_be_collected(&self, repository: Repository, manifest: Manifest, end: u64) -> bool {
        let Some(subject) = self.universe.manifests[manifest].subject else { return false };
        end.checked_sub(self.grace).is_some_and(|end| self.is_deleted_within(repository, subject, 0, end))
    }

    fn may_go_within(&self, repository: Repository, manifest: Manifest, start: u64, end: u64) -> bool {
        self.is_deleted_within(repository, manifest, start, end) || self.may_be_collected(repository, manifest, end)
    }

    /// Whether a manifest is there all the time, for certain: it was seen or stored before, and nobody deletes it.
    fn stays(&self, repository: Repository, manifest: Manifest, at: Interval) -> bool {
        self.of(repository).any(|entry| {
            let is_there = match entry.event {
                Event::Push { manifest: pushed, outcome: Outcome::Done, .. } => pushed == manifest,
                Event::Found { manifest: found, there: true } => found == manifest,
                _ => false,
            };
            is_there && entry.at.is_before(at) && !self.may_go_within(repository, manifest, entry.at.start, at.end)
        })
    }

    fn naming(&self, names: impl Fn(Manifest) -> bool) -> impl Iterator<Item = Manifest> {
        (0..self.universe.manifests.len()).filter(move |manifest| names(*manifest))
    }

    fn is_in_a_list(&self, repository: Repository, child: Manifest, at: Interval) -> bool {
        let mut lists = self.naming(|list| self.universe.manifests[list].children.contains(&child));
        lists.any(|list| self.stays(repository, list, at))
    }

    fn is_named(&self, repository: Repository, blob: Blob, at: Interval) -> bool {
        let mut images = self.naming(|image| self.universe.manifests[image].blobs.contains(&blob));
        images.any(|image| self.stays(repository, image, at))
    }

    /// Whether something that refers to it can have been there: conversions, too, live a little longer than their source.
    fn may_be_named(&self, repository: Repository, at: Interval, names: impl Fn(Manifest) -> bool) -> bool {
        self.of(repository).any(|entry| {
            let pushes = |outcome| may_be_done(outcome);
            matches!(entry.event, Event::Push { manifest, outcome, .. } if names(manifest) && pushes(outcome))
                && entry.at.start <= at.end
        })
    }

    /// Whether somebody made sure of the blob within the grace period, and nobody deletes it.
    fn is_secured(&self, repository: Repository, blob: Blob, at: Interval) -> bool {
        self.of(repository).any(|entry| {
            let secures = match entry.event {
                Event::Store { blob: stored, outcome: Outcome::Done } => stored == blob,
                Event::Wanted { blob: wanted, there: true } => wanted == blob,
                _ => false,
            };
            secures
                && entry.at.is_before(at)
                && at.end - entry.at.start < self.grace
                && !self.is_dropped_within(repository, blob, entry.at.start, at.end)
        })
    }

    fn is_dropped_within(&self, repository: Repository, blob: Blob, start: u64, end: u64) -> bool {
        self.of(repository).any(|entry| {
            let drops = |dropped, outcome| dropped == blob && may_be_done(outcome);
            matches!(entry.event, Event::Drop { blob, outcome } if drops(blob, outcome))
                && entry.at.start <= end
                && start <= entry.at.end
        })
    }

    fn has_blob(&self, repository: Repository, blob: Blob, at: Interval) -> bool {
        self.is_named(repository, blob, at) || self.is_secured(repository, blob, at)
    }

    /// Whether everything that a manifest refers to is there for certain.
    fn has_all(&self, repository: Repository, manifest: Manifest, at: Interval) -> bool {
        let references = &self.universe.manifests[manifest];
        references.blobs.iter().all(|blob| self.has_blob(repository, *blob, at))
            && references.children.iter().all(|child| self.stays(repository, *child, at))
    }
}

//! What happened in a history. One in which nothing happens shows nothing.

use crate::history::{Entry, Event, Outcome, Set};

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    requests: usize,
    failed_calls: usize,
    unknown: usize,
    pushed: usize,
    pulled: usize,
    converted: usize,
    deleted: usize,
    referred: usize,
    dropped: usize,
    wanted_and_absent: usize,
    immutable: usize,
    tags_listed: usize,
    referrers_listed: usize,
}

impl Summary {
    pub(crate) fn of(history: &[Entry], failed_calls: usize) -> Self {
        let mut summary = Self { requests: history.len(), failed_calls, ..Self::default() };
        for entry in history {
            let count = match entry.event {
                Event::Push { outcome: Outcome::Done, .. } => &mut summary.pushed,
                Event::Tagged { manifest: Some(_), .. } => &mut summary.pulled,
                Event::Converted { .. } => &mut summary.converted,
                Event::Delete { outcome: Outcome::Done, .. } => &mut summary.deleted,
                Event::Delete { outcome: Outcome::Referred, .. } => &mut summary.referred,
                Event::Drop { outcome: Outcome::Done, .. } => &mut summary.dropped,
                Event::Wanted { there: false, .. } => &mut summary.wanted_and_absent,
                Event::Push { outcome: Outcome::Immutable, .. } => &mut summary.immutable,
                Event::Listed { tags } if tags != Set::default() => &mut summary.tags_listed,
                Event::Referrers { listed, .. } if listed != Set::default() => &mut summary.referrers_listed,
                Event::Push { outcome: Outcome::Unknown, .. }
                | Event::Untag { outcome: Outcome::Unknown, .. }
                | Event::Delete { outcome: Outcome::Unknown, .. }
                | Event::Store { outcome: Outcome::Unknown, .. }
                | Event::Drop { outcome: Outcome::Unknown, .. } => &mut summary.unknown,
                _ => continue,
            };
            *count += 1;
        }
        summary
    }

    pub(crate) fn plus(&self, other: &Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            failed_calls: self.failed_calls + other.failed_calls,
            unknown: self.unknown + other.unknown,
            pushed: self.pushed + other.pushed,
            pulled: self.pulled + other.pulled,
            converted: self.converted + other.converted,
            deleted: self.deleted + other.deleted,
            referred: self.referred + other.referred,
            dropped: self.dropped + other.dropped,
            wanted_and_absent: self.wanted_and_absent + other.wanted_and_absent,
            immutable: self.immutable + other.immutable,
            tags_listed: self.tags_listed + other.tags_listed,
            referrers_listed: self.referrers_listed + other.referrers_listed,
        }
    }

    /// Everything happened that is to be tested.
    pub(crate) fn check(&self) {
        let Self { requests, failed_calls, unknown, pushed, pulled, converted, deleted, referred, .. } = *self;
        let Self { wanted_and_absent, immutable, tags_listed, referrers_listed, .. } = *self;
        let least = [requests, failed_calls, unknown, pushed, pulled, converted, deleted, referred];
        let further = [wanted_and_absent, immutable, tags_listed, referrers_listed];
        assert!(least.iter().chain(&further).all(|count| *count > 0), "too little happened: {self:?}");
    }
}

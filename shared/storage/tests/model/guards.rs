//! Which guards are in force.

use storage::Guard;

/// A set of guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InForce(u16);

impl InForce {
    pub(crate) fn all() -> Self {
        Self(Guard::ALL.into_iter().fold(0, |bits, guard| bits | bit(guard)))
    }

    pub(crate) fn without(self, guard: Guard) -> Self {
        Self(self.0 & !bit(guard))
    }

    pub(crate) fn has(self, guard: Guard) -> bool {
        self.0 & bit(guard) != 0
    }

    /// Whether a write that a guard is a condition of goes through.
    pub(crate) fn allow(self, guard: Guard, holds: bool) -> bool {
        holds || !self.has(guard)
    }
}

/// Without a wildcard: a guard that is new in the code has to come into the model.
fn bit(guard: Guard) -> u16 {
    match guard {
        Guard::StillMarked => 1,
        Guard::NothingMarkedSince => 1 << 1,
        Guard::Spared => 1 << 2,
        Guard::LookAfterMark => 1 << 3,
        Guard::Grace => 1 << 4,
        Guard::CountFirst => 1 << 5,
        Guard::ChildStays => 1 << 6,
        Guard::SameObject => 1 << 7,
        Guard::ObjectStays => 1 << 8,
        Guard::NotLinkedSince => 1 << 9,
        Guard::SameOrphan => 1 << 10,
    }
}

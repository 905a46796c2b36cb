//! Chance, by a seed: the same in every run and on every machine.

use local::faults::{Call, Fault, Refusal};

const ONCE: usize = 15;

/// A generator: splitmix64.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

impl Chance {
    /// One of many that a seed gives.
    pub(crate) fn new(seed: u64, number: u64) -> Self {
        Self(mixed(seed) ^ mixed(number.wrapping_add(0x9e37_79b9_7f4a_7c15)))
    }

    /// Below `bound`, which isn't zero.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        usize::try_from(mixed(self.0) % u64::try_from(bound).unwrap()).unwrap()
    }

    /// Once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// Of a thousand calls, [`ONCE`] fail once and `for_good` however often they are repeated. Few are never answered, because
/// that takes long.
pub(crate) fn faults(seed: u64, for_good: usize) -> impl Fn(&Call) -> Option<Fault> + Send + Sync + 'static {
    move |call| {
        let mut chance = Chance::new(seed, u64::try_from(call.number).unwrap());
        let drawn = chance.below(1000);
        if drawn >= ONCE + for_good || drawn < ONCE && call.attempt > 1 {
            return None;
        }
        let ways = Fault::ways(call);
        Some(match ways[chance.below(ways.len())] {
            Fault::Ignored | Fault::AnswerWithheld if drawn >= ONCE || !chance.once_in(4) => {
                Fault::Refused(Refusal::InternalError)
            }
            fault => fault,
        })
    }
}

//! The registry's bill beside ECR's, and where the one becomes the cheaper.

use super::bill::{Bill, Tariff};
use super::month::Each;
use super::usage::Usage;
use super::work::Records;

/// More images or pulls a month than anybody has.
const MOST: f64 = 1e12;

/// Two bills for the same month.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    pub(crate) registry: Bill,
    pub(crate) ecr: Bill,
    pub(crate) pulls: BreakEven,
    pub(crate) images: BreakEven,
}

/// Where the cheaper of the two changes, everything else as it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum BreakEven {
    /// The registry is cheaper, or costs the same, whatever the number.
    RegistryAlways,
    /// ECR is cheaper, whatever the number.
    EcrAlways,
    /// The smallest whole number with which the other one is.
    From(f64),
}

/// What bills are made from.
pub(crate) struct Reckoning<'a> {
    pub(crate) each: Each,
    pub(crate) records: &'a Records,
    pub(crate) tariff: Tariff<'a>,
}

impl Reckoning<'_> {
    pub(crate) fn compare(&self, usage: &Usage) -> Comparison {
        Comparison {
            registry: self.registry(usage),
            ecr: self.tariff.ecr(usage),
            pulls: self.pulls(usage),
            images: self.images(usage),
        }
    }

    pub(crate) fn registry(&self, usage: &Usage) -> Bill {
        self.tariff.registry(usage, &self.each.work(usage), self.records)
    }

    /// From which number of pulls on ECR is cheaper: pulls cost something here and nothing there.
    fn pulls(&self, usage: &Usage) -> BreakEven {
        let ecr_is_cheaper = |pulls| self.ecr_is_cheaper(&Usage { pulls, ..*usage });
        match (ecr_is_cheaper(0.0), ecr_is_cheaper(MOST)) {
            (true, _) => BreakEven::EcrAlways,
            (false, false) => BreakEven::RegistryAlways,
            (false, true) => BreakEven::From(first(ecr_is_cheaper)),
        }
    }

    /// From which number of images on the registry is cheaper: storage costs less here.
    fn images(&self, usage: &Usage) -> BreakEven {
        let ecr_is_cheaper = |images| self.ecr_is_cheaper(&Usage { images, ..*usage });
        match (ecr_is_cheaper(0.0), ecr_is_cheaper(MOST)) {
            (false, _) => BreakEven::RegistryAlways,
            (true, true) => BreakEven::EcrAlways,
            (true, false) => BreakEven::From(first(|images| !ecr_is_cheaper(images))),
        }
    }

    fn ecr_is_cheaper(&self, usage: &Usage) -> bool {
        self.registry(usage).total > self.tariff.ecr(usage).total
    }
}

/// The smallest whole number of which something is true that isn't true of 0, is true of [`MOST`], and stays true.
fn first(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut not, mut yes) = (0.0, MOST);
    while yes - not > 1.0 {
        let middle = f64::floor((not + yes) / 2.0);
        if holds(middle) {
            yes = middle;
        } else {
            not = middle;
        }
    }
    yes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_is_found_exactly() {
        for number in [1.0, 2.0, 1_000_003.0, MOST] {
            assert_eq!(first(|tried| tried >= number), number);
        }
    }
}

//! Pushes, mounts, deletions, conversions and the collector, in every order of their steps, each of them dying anywhere.
//!
//! A step is one call of AWS, and is named after the function that makes it; the items of a batch are read at different
//! moments. [`checker`] says what has to hold in every state, [`scenarios`] who meets whom. Take a guard away, and
//! something is lost or stays for ever: that is shown for each of them.
//!
//! What isn't in here: the bytes of uploads (sessions are one object each), manifests larger than an item, referrers,
//! sparse manifests, and time, but for the order that the grace period promises.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

mod actor;
mod checker;
mod collect;
mod convert;
mod delete;
mod guards;
mod push;
mod removal;
mod scenarios;
mod tie;
mod upload;
mod world;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use stateright::{Checker, HasDiscoveries, Model};
use storage::Guard;

use crate::actor::Step;
use crate::checker::Scenario;
use crate::guards::InForce;
use crate::scenarios::Scenarios;

/// What was found in a scenario.
struct Explored {
    name: &'static str,
    states: usize,
    /// Of what doesn't hold: what, and how it comes to that.
    faults: Vec<(&'static str, Vec<String>)>,
    steps: BTreeSet<Step>,
}

/// Everything, with all guards in force.
static EXPLORED: LazyLock<Vec<Explored>> = LazyLock::new(|| {
    let scenarios = Scenarios::with(InForce::all()).all();
    scenarios.into_iter().map(|scenario| explore(scenario, usize::MAX)).collect()
});

/// Goes breadth first until something doesn't hold, or further than so many steps.
fn explore(scenario: Scenario, steps: usize) -> Explored {
    let name = scenario.name;
    let checker = scenario.checker().threads(2).target_max_depth(steps).finish_when(HasDiscoveries::Any);
    let checker = checker.spawn_bfs().join();
    let trace = |path: stateright::Path<_, checker::Action>| {
        path.into_actions().into_iter().map(|action| format!("{action:?}")).collect::<Vec<_>>()
    };
    let mut faults: Vec<_> =
        checker.discoveries().into_iter().map(|(property, path)| (property, trace(path))).collect();
    faults.sort();
    Explored { name, states: checker.unique_state_count(), faults, steps: checker.model().steps() }
}

fn tell(fault: &(&str, Vec<String>)) -> String {
    let (property, trace) = fault;
    format!("not so: {property}\n    {}", trace.join("\n    "))
}

#[test]
fn nothing_is_lost_and_nothing_left_behind_in_any_order_of_the_steps() {
    let mut states = 0;
    for Explored { name, states: found, faults, .. } in &*EXPLORED {
        println!("{name}: {found} states");
        states += found;
        assert!(faults.is_empty(), "{name}: {}", faults.iter().map(tell).collect::<Vec<_>>().join("\n"));
    }
    println!("{states} states");
}

#[test]
fn without_any_one_of_the_guards_something_is_lost_or_left_behind() {
    for guard in Guard::ALL {
        let within = |steps| explore(Scenarios::with(InForce::all().without(guard)).that_needs(guard), steps);
        let Explored { name, mut faults, .. } = within(usize::MAX);
        // The first that is found needn't be the shortest.
        while let Some((_, trace)) = faults.first() {
            let shorter = within(trace.len()).faults;
            if shorter.is_empty() {
                break;
            }
            faults = shorter;
        }
        let fault = faults.first().unwrap_or_else(|| panic!("nothing is lost without {guard:?} in: {name}"));
        println!("without {guard:?}, in {name}: {}", tell(fault));
    }
}

//! How results are printed.

use std::array;

use crate::CLIENTS;

/// What happens in a second, here and at docker-registry: the best round of each, for each number of clients.
#[derive(Clone, Copy, Default)]
pub(crate) struct Rates {
    best: [[f64; 2]; CLIENTS.len()],
}

impl Rates {
    /// A round of [`CLIENTS`]`[clients]` clients.
    pub(crate) fn keep(&mut self, clients: usize, [here, there]: [f64; 2]) {
        let [best_here, best_there] = &mut self.best[clients];
        *best_here = best_here.max(here);
        *best_there = best_there.max(there);
    }

    /// A line for each number of clients, with how much more that is than with one.
    pub(crate) fn print(&self, what: &str) {
        let growth = |rates: [f64; 2]| -> [f64; 2] { array::from_fn(|side| rates[side] / self.best[0][side]) };
        for (clients, rates) in CLIENTS.iter().zip(self.best) {
            let ([here, there], [growth_here, growth_there]) = (rates, growth(rates));
            let ratio = here / there;
            println!(
                "{what:<34} {clients:>7} {here:>10.1} {there:>16.1} {ratio:>7.2} {growth_here:>8.1} {growth_there:>8.1}"
            );
        }
    }
}

pub(crate) fn heading() {
    println!(
        "{:<34} {:>7} {:>10} {:>16} {:>7} {:>17}",
        "In a second", "clients", "here", "docker-registry", "ratio", "times one client"
    );
}

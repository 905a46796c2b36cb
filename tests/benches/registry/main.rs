//! What the registry does in a second, beside docker-registry 2.8 on the same disk. `tests/benchmark registry` runs it.
//!
//! Everything is measured in turns, in several rounds, and the best round counts: what else the machine does makes a
//! round slower, never faster. The clients run on the same machine and take their share of it.

mod client;
mod layers;
mod manifests;
mod side_by_side;
mod table;
mod tags;

/// How many clients work at the same time.
const CLIENTS: [usize; 3] = [1, 16, 64];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    assert!(arguments.is_empty(), "unknown arguments: {arguments:?}");
    table::heading();
    layers::measure();
    manifests::measure();
    tags::measure();
}

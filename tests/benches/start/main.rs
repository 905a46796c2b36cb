//! How fast functions start, and what the first request waits for: processes of each function, built as they are
//! deployed, beside a function that does nothing. `tests/benchmark start` runs it.
//!
//! Each process stands behind a Lambda Runtime API of its own. Table and bucket are the embedded ones, in memory, behind
//! relays that speak TLS and count connections, so that handshakes are in the times; what isn't in them is the network.
//! Every round starts each function once, so that whatever else the machine does meets all of them.

#[path = "../../start/events.rs"]
mod events;
#[path = "../../start/function.rs"]
mod function;
mod measure;
#[path = "../../start/relay.rs"]
mod relay;
mod report;
#[path = "../../start/runtime_api.rs"]
mod runtime_api;
#[path = "../../start/stores.rs"]
mod stores;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let rounds = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => 20,
        ["--rounds", rounds] => rounds.parse().expect("a number of rounds"),
        _ => panic!("unknown arguments: {arguments:?}"),
    };
    report::print(&measure::measure(rounds));
}

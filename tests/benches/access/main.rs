//! What it costs to ask who somebody is: in process, over HTTP beside a registry that is open, and at a cold start.
//! `tests/benchmark access` runs it.
//!
//! Everything that is compared is measured in turns, in several rounds, and the best round counts: what else the
//! machine does makes a round slower, never faster.

mod cold_start;
mod in_process;
mod requests;

use lambda_registry_tests::measure;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            measure::in_process("In process, one core", &in_process::cases());
            requests::measure();
            cold_start::measure();
        }
        // What callgrind looks at.
        ["repeat", case, times] => measure::repeat(&in_process::cases(), case, times),
        _ => panic!("unknown arguments: {arguments:?}"),
    }
}

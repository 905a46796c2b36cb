//! What a conversion costs: in process, in instructions, and as pulls beside docker-registry. `tests/benchmark` runs
//! it.
//!
//! Everything that is compared is measured in turns, in several rounds, and the best round counts: what else the
//! machine does makes a round slower, never faster.

mod image;
mod in_process;
mod pulls;

use lambda_registry_tests::measure;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            measure::in_process("In process, one core", &in_process::cases());
            pulls::measure();
        }
        // What callgrind looks at.
        ["repeat", case, times] => measure::repeat(&in_process::cases(), case, times),
        _ => panic!("unknown arguments: {arguments:?}"),
    }
}

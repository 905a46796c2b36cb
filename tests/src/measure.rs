//! What a computation costs: how often a second has room for it, and how many instructions it takes.

use std::process::Command;
use std::time::{Duration, Instant};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(200);

/// How often callgrind sees a computation in its shorter run; the longer one has twice as many. What is short is seen
/// more often, so that it shows beside what a start costs.
const REPEATED: std::ops::RangeInclusive<usize> = 10..=10_000;
/// What the shorter run would take without callgrind.
const SHORT_RUN: Duration = Duration::from_millis(5);

/// A computation.
pub struct Case {
    name: String,
    run: Box<dyn Fn()>,
}

impl Case {
    /// Under a name that no other one has.
    pub fn new(name: impl Into<String>, run: impl Fn() + 'static) -> Self {
        Self { name: name.into(), run: Box::new(run) }
    }
}

/// Prints how often a second has room for each, and its instructions. The program has to answer `repeat <name> <times>`
/// with [`repeat`].
pub fn in_process(heading: &str, cases: &[Case]) {
    let mut best = vec![0.0; cases.len()];
    for _ in 0..ROUNDS {
        for (best, case) in best.iter_mut().zip(cases) {
            *best = rate(case).max(*best);
        }
    }
    println!("{heading:<42} {:>12} {:>24}", "per second", "instructions (callgrind)");
    for (case, best) in cases.iter().zip(best) {
        println!("{:<42} {best:>12.0} {:>24}", case.name, instructions(&case.name, best));
    }
}

/// Computes as often as said, and does nothing else.
///
/// # Panics
/// When there is no such case.
pub fn repeat(cases: &[Case], name: &str, times: &str) {
    let case = cases.iter().find(|case| case.name == name).expect("the name of a case");
    (0..times.parse().expect("a number")).for_each(|_: usize| (case.run)());
}

fn rate(case: &Case) -> f64 {
    (case.run)();
    let (started, mut times) = (Instant::now(), 0_u32);
    while started.elapsed() < ROUND {
        (case.run)();
        times += 1;
    }
    f64::from(times) / started.elapsed().as_secs_f64()
}

/// Two runs that differ only in the number of computations, so that what a start costs cancels out.
fn instructions(name: &str, per_second: f64) -> u64 {
    let repeated = (SHORT_RUN.as_secs_f64() * per_second) as usize;
    let repeated = repeated.clamp(*REPEATED.start(), *REPEATED.end());
    let (short, long) = (collected(name, repeated), collected(name, 2 * repeated));
    long.saturating_sub(short) / repeated as u64
}

fn collected(name: &str, times: usize) -> u64 {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    valgrind.arg(std::env::current_exe().expect("this program")).args(["repeat", name, &times.to_string()]);
    let output = valgrind.output().expect("valgrind can be started");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words}");
    let (_, count) = words.split_once("Collected : ").expect("callgrind says what it counted");
    count.split_whitespace().next().and_then(|count| count.parse().ok()).expect("a number")
}

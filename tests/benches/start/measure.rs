//! Rounds in which every function starts once and serves a hundred requests.

use std::path::PathBuf;
use std::time::Duration;

use crate::events::{Desk, check};
use crate::function::Function;
use crate::stores::{Connections, Stores};

/// The function that does nothing comes first.
const FUNCTIONS: [&str; 8] =
    ["minimal", "auth", "blob-get", "blob-upload", "manifest-get", "manifest-put", "schema1-upgrade", "collector"];
const REQUESTS: usize = 100;

/// What was seen of a function, one value a round.
pub(crate) struct Samples {
    /// Its name.
    pub(crate) function: &'static str,
    /// From the start of the process to its asking for the first event.
    pub(crate) starts: Vec<Duration>,
    /// The first request.
    pub(crate) firsts: Vec<Duration>,
    /// The hundredth.
    pub(crate) hundredths: Vec<Duration>,
    /// Bytes held when it asks for the first event.
    pub(crate) memory_after_start: Vec<u64>,
    /// Bytes held after the hundredth.
    pub(crate) memory_after_requests: Vec<u64>,
    /// Connections that initialisation opened.
    pub(crate) opened_by_start: Vec<Connections>,
    /// Connections that the first request opened.
    pub(crate) opened_by_first: Vec<Connections>,
    /// Connections that all others opened.
    pub(crate) opened_by_others: Vec<Connections>,
}

impl Samples {
    fn none(function: &'static str) -> Self {
        Self {
            function,
            starts: Vec::new(),
            firsts: Vec::new(),
            hundredths: Vec::new(),
            memory_after_start: Vec::new(),
            memory_after_requests: Vec::new(),
            opened_by_start: Vec::new(),
            opened_by_first: Vec::new(),
            opened_by_others: Vec::new(),
        }
    }

    fn add(
        &mut self,
        stores: &Stores,
        start: impl Fn(&str) -> (Function, Duration),
        events: &[Vec<u8>],
        status: Option<u64>,
    ) {
        let before = stores.connections();
        let (mut function, took) = start(self.function);
        let started = stores.connections();
        self.starts.push(took);
        self.memory_after_start.push(function.memory());
        self.opened_by_start.push(started - before);
        for (number, event) in (1..).zip(events) {
            let (answer, took) = function.invoke(event);
            check(&answer, status);
            if number == 1 {
                self.firsts.push(took);
                self.opened_by_first.push(stores.connections() - started);
            }
            if number == REQUESTS {
                self.hundredths.push(took);
            }
        }
        self.memory_after_requests.push(function.memory());
        let all = stores.connections() - started;
        self.opened_by_others.extend(self.opened_by_first.last().map(|&first| all - first));
    }
}

/// Measures every function, in turns. `FUNCTION_BINARIES` names the folder with what `tests/benchmark` built.
pub(crate) fn measure(rounds: usize) -> Vec<Samples> {
    let binaries = PathBuf::from(std::env::var("FUNCTION_BINARIES").expect("the functions' binaries"));
    let stores = Stores::start();
    let environment = stores.environment();
    let start = |name: &str| Function::start(&binaries.join(name).join("bootstrap"), &environment);
    let mut desk = Desk::new(&stores, start);
    let mut samples: Vec<_> = FUNCTIONS.into_iter().map(Samples::none).collect();
    for _ in 0..rounds {
        for samples in &mut samples {
            let (events, status) = desk.events(samples.function, REQUESTS);
            samples.add(&stores, start, &events, status);
        }
    }
    samples
}

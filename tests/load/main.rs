//! Many clients for a minute: pushes in every way, mounts, tags that move, pulls, lists, deletes.
//!
//! A client knows what it did to its own repository and holds the registry to it; what is in the shared one has to be
//! whole. No answer but the right one is taken: nothing is tried again.

mod client;
mod http;
mod image;
mod work;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lambda_registry_tests::modes::Mode;
use lambda_registry_tests::registry::Registry;

use client::Client;
use image::image;
use work::Work;

const CLIENTS: u64 = 64;

/// Images that every client pushes.
const SHARED: u64 = 8;

#[test]
fn sixty_four_clients_work_for_a_minute_without_an_error() {
    work_for(Duration::from_secs(60), Mode::OneProcess);
}

#[test]
fn sixty_four_clients_work_on_functions_that_are_processes_without_an_error() {
    work_for(Duration::from_secs(15), Mode::FunctionProcesses);
}

/// The same clients with the same wishes in every run; how far they come is up to the machine.
fn work_for(duration: Duration, mode: Mode) {
    let registry = Registry::start(mode.flags());
    let shared: Vec<_> = (0..SHARED).map(image).collect();
    let failed = AtomicBool::new(false);
    let started = Instant::now();
    let goes_on = || started.elapsed() < duration && !failed.load(Ordering::Relaxed);
    let done: Vec<Work> = std::thread::scope(|scope| {
        let client = |number| {
            let (registry, shared, goes_on, failed) = (&registry, &shared, &goes_on, &failed);
            scope.spawn(move || {
                // One failure is enough to be looked at.
                let _guard = Guard(failed);
                let mut client = Client::new(registry, shared, number);
                client.begin();
                while goes_on() {
                    client.work();
                }
                client.check_everything();
                client.done()
            })
        };
        let threads: Vec<_> = (0..CLIENTS).map(client).collect();
        threads.into_iter().map(|thread| thread.join().expect("a client without an error")).collect()
    });
    let done = done.into_iter().fold(Work::default(), Work::and);
    println!("{CLIENTS} clients in {:?}: {done}", started.elapsed());
    done.expect_some_of_everything();
}

/// Tells the others when a client fails.
struct Guard<'a>(&'a AtomicBool);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

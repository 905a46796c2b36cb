//! Several clients at once, and two registries in turns.

use std::sync::Barrier;
use std::time::Instant;

use lambda_registry_tests::docker_registry::DockerRegistry;
use lambda_registry_tests::registry::Registry;

use crate::client::Client;

/// Ours and docker-registry, each with data of its own in a temporary directory.
pub(crate) struct Pair {
    here: Registry,
    there: DockerRegistry,
}

impl Pair {
    pub(crate) fn start() -> Self {
        Self { here: Registry::start(&[]), there: DockerRegistry::start() }
    }

    /// The same for both, one after the other.
    pub(crate) fn each<T>(&self, work: impl Fn(&str) -> T) -> [T; 2] {
        [work(self.here.address()), work(self.there.address())]
    }
}

/// Lets so many clients work at the same time; each says how much it did. The sum in a second.
pub(crate) fn rate(address: &str, clients: usize, work: impl Fn(&mut Client, usize) -> f64 + Sync) -> f64 {
    let (start, work) = (Barrier::new(clients + 1), &work);
    std::thread::scope(|scope| {
        let client = |number| {
            let start = &start;
            scope.spawn(move || {
                let mut client = Client::new(address);
                start.wait();
                work(&mut client, number)
            })
        };
        let threads: Vec<_> = (0..clients).map(client).collect();
        start.wait();
        let started = Instant::now();
        let done: f64 = threads.into_iter().map(|thread| thread.join().expect("a client that ends")).sum();
        done / started.elapsed().as_secs_f64()
    })
}

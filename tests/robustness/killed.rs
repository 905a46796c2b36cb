//! kill -9 while clients push.

use std::collections::BTreeMap;
use std::sync::mpsc::{Sender, channel};

use lambda_registry_tests::content::Content;
use lambda_registry_tests::process::{Process, children};
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;
use rustix::process::Signal;

use crate::image::{Image, blobs};
use crate::patience::wait_for;
use crate::pusher::{Lost, Pusher, Way};

const ROUNDS: usize = 5;
const CLIENTS: u64 = 4;
const REPOSITORY: &str = "killed";

#[test]
fn what_was_acknowledged_survives_the_end_of_the_one_process() {
    acknowledged_survives(&[]);
}

#[test]
fn what_was_acknowledged_survives_the_end_of_many_processes() {
    acknowledged_survives(&["--functions", "process"]);
}

#[test]
fn function_processes_end_when_the_server_is_killed() {
    let registry = &mut Registry::start(&["--functions", "process"]);
    let functions = with_functions(registry);

    registry.signal(Signal::KILL);
    registry.wait();

    wait_for("the functions' processes to end", || (!functions.iter().any(Process::runs)).then_some(()));
}

/// The functions' processes, after requests to three of them.
fn with_functions(registry: &Registry) -> Vec<Process> {
    let image = Image::new(1, [100]);
    let repository = Repository::new(registry, "functions");
    image.blobs.iter().for_each(|blob| drop(repository.push_blob(blob)));
    repository.push("1", crate::image::MEDIA_TYPE, &image.manifest);
    assert_eq!(registry.manifest("functions", "1").digest, image.digest);
    repository.get(&format!("blobs/{}", blobs(&image.manifest)[0])).expect(307);
    let functions = children(registry.pid());
    assert_eq!(functions.len(), 3, "manifest-put, manifest-get, blob-get: {functions:?}");
    functions
}

/// What a client saw a 201 for.
#[derive(Clone)]
enum Acknowledged {
    Blob(String),
    /// A tag, and the manifest that was pushed under it.
    Tag(String, Vec<u8>),
}

fn acknowledged_survives(flags: &[&str]) {
    let mut registry = Registry::start(flags);
    let mut numbers = 0..;
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let (report, reports) = channel();
        let interrupted: Vec<Image> = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|client| {
                    let (pusher, report) = (Pusher::new(&registry), report.clone());
                    let first = 10_000 * (CLIENTS * round as u64 + client);
                    scope.spawn(move || push_until_lost(&pusher, first, &report))
                })
                .collect();
            drop(report);
            // Another moment in each round, and always one at which the clients are in the middle of something.
            acknowledged.extend(reports.iter().take(12 + 5 * round));
            registry.signal(Signal::KILL);
            acknowledged.extend(reports.iter());
            clients.into_iter().map(|client| client.join().unwrap()).collect()
        });

        registry.restart();

        expect_all(&registry, &acknowledged);
        let pusher = Pusher::new(&registry);
        for image in interrupted {
            expect_whole_or_not_at_all(&registry, &image);
            push(&pusher, &image, &format!("again-{}", numbers.next().unwrap()), |pushed| acknowledged.push(pushed))
                .unwrap();
        }
        expect_all(&registry, &acknowledged);
    }
}

//! kill -9 while clients push.

use std::collections::BTreeMap;
use std::sync::mpsc::{Sender, channel};

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::process::{Process, children};
use lambda_registry_tests::registry::Registry;
use lambda_registry_tests::repository::Repository;
use rustix::process::Signal;

use crate::patience::wait_for;
use crate::pusher::{Lost, Pusher, Way};
use lambda_registry_tests::image::{Image, blobs};

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
    repository.push("1", lambda_registry_tests::image::MEDIA_TYPE, &image.manifest);
    assert_eq!(registry.manifest("functions", "1").digest, image.digest);
    repository.get(&format!("blobs/{}", blobs(&image.manifest)[0])).expect(307);
    let functions = children(registry.pid());
    assert_eq!(functions.len(), 3, "manifest-put, manifest-get, blob-get: {functions:?}");
    functions
}

/// What a client saw a 201 for.
enum Acknowledged {
    Blob(String),
    /// A tag, and the manifest that was pushed under it.
    Tag(String, Vec<u8>),
}

/// An image on its way to the registry.
struct Push {
    client: u64,
    number: u64,
    image: Image,
}

fn acknowledged_survives(flags: &[&str]) {
    let mut registry = Registry::start(flags);
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let (report, reports) = channel();
        let interrupted: Vec<Push> = std::thread::scope(|scope| {
            let client = |client| {
                let (pusher, report) = (Pusher::new(&registry), report.clone());
                let first = 1000 * (CLIENTS * round as u64 + client);
                scope.spawn(move || push_until_lost(&pusher, client, first, &report))
            };
            let clients: Vec<_> = (0..CLIENTS).map(client).collect();
            drop(report);
            // Another moment in each round, and always one at which clients are in the middle of something.
            acknowledged.extend(reports.iter().take(12 + 5 * round));
            registry.signal(Signal::KILL);
            acknowledged.extend(reports.iter());
            clients.into_iter().map(|client| client.join().unwrap()).collect()
        });

        registry.restart();

        expect_all(&registry, &acknowledged, &interrupted);
        let pusher = Pusher::new(&registry);
        for push in &interrupted {
            push.to(&pusher, |done| acknowledged.push(done)).unwrap();
        }
        expect_all(&registry, &acknowledged, &[]);
    }
}

/// Pushes one image after the other, and returns the one that didn't get through.
fn push_until_lost(pusher: &Pusher, client: u64, first: u64, report: &Sender<Acknowledged>) -> Push {
    for number in first.. {
        // A layer below a part, and one of several.
        let push = Push { client, number, image: Image::new(number, [100_000, 9 << 20]) };
        if let Err(Lost) = push.to(pusher, |done| drop(report.send(done))) {
            return push;
        }
    }
    unreachable!("there is no end to it")
}

impl Push {
    /// Pushes the image under a tag of its own, and then under one that moves from image to image.
    fn to(&self, pusher: &Pusher, mut report: impl FnMut(Acknowledged)) -> Result<(), Lost> {
        for (blob, way) in self.image.blobs.iter().zip([Way::Put, Way::Put, Way::Patch]) {
            report(Acknowledged::Blob(pusher.push_blob(REPOSITORY, blob, way)?));
        }
        for tag in [format!("image-{}", self.number), format!("moving-{}", self.client)] {
            pusher.put_manifest(REPOSITORY, &tag, &self.image.manifest)?;
            report(Acknowledged::Tag(tag, self.image.manifest.clone()));
        }
        Ok(())
    }
}

/// All that was acknowledged is there. A tag may have moved on to an image whose push got no answer any more; what a tag
/// names is complete in any case.
#[track_caller]
fn expect_all(registry: &Registry, acknowledged: &[Acknowledged], interrupted: &[Push]) {
    let repository = Repository::new(registry, REPOSITORY);
    let mut tags = BTreeMap::new();
    for done in acknowledged {
        match done {
            Acknowledged::Blob(digest) => assert_eq!(sha256(&repository.blob(digest)), *digest),
            Acknowledged::Tag(tag, manifest) => drop(tags.insert(tag, manifest)),
        }
    }
    for (tag, manifest) in &tags {
        let found = registry.manifest(REPOSITORY, tag).body;
        let moved = interrupted.iter().any(|push| push.image.manifest == found);
        assert!(found == **manifest || moved, "{tag}: {}", String::from_utf8_lossy(&found));
        assert_eq!(registry.manifest(REPOSITORY, &sha256(manifest)).body, **manifest);
    }
    for tag in repository.tags() {
        for blob in blobs(&registry.manifest(REPOSITORY, &tag).body) {
            assert!(repository.has_blob(&blob), "{tag}: {blob}");
        }
    }
}

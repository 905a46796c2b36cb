//! Pulls by tag over HTTP, beside docker-registry 2.8. What both can is schema 2 as it is stored, and as schema 1.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use lambda_registry_tests::digest::sha256;
use lambda_registry_tests::docker_registry::DockerRegistry;
use lambda_registry_tests::http::Request;
use lambda_registry_tests::keep_alive::Client;
use lambda_registry_tests::registry::Registry;

use crate::image::Image;

const SCHEMA2: &str = "application/vnd.docker.distribution.manifest.v2+json";
const SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";

const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_millis(700);

/// Tags that are pulled for the first time in one round: schema 1 contains the tag, so each is a conversion of its own.
const FRESH: usize = 80;

/// Pulls per second of ours and of docker-registry, the best round of each.
#[derive(Clone, Copy, Default)]
struct Rates {
    ours: f64,
    theirs: f64,
}

impl Rates {
    fn keep(&mut self, ours: f64, theirs: f64) {
        *self = Self { ours: self.ours.max(ours), theirs: self.theirs.max(theirs) };
    }
}

/// Prints pulls per second.
pub(crate) fn measure() {
    let (ours, theirs) = (Registry::start(&[]), DockerRegistry::start());
    println!("\n{:<42} {:>12} {:>16} {:>7}", "Pulls by tag over HTTP, per second", "here", "docker-registry", "ratio");
    for layers in [10, 127] {
        for clients in [1, 8] {
            let repository = format!("layers-{layers}/clients-{clients}");
            for address in [ours.address(), theirs.address()] {
                push(address, &repository, &Image::new(layers));
            }
            let [mut stored, mut first, mut again] = [Rates::default(); 3];
            for round in 0..ROUNDS {
                let tags: Vec<_> = (round * FRESH..(round + 1) * FRESH).map(|tag| tag.to_string()).collect();
                let each_once = |address| once(address, &repository, &tags, clients);
                let for_a_while = |address, media_type| often(address, &repository, &tags, media_type, clients);
                stored.keep(for_a_while(ours.address(), SCHEMA2), for_a_while(theirs.address(), SCHEMA2));
                first.keep(each_once(ours.address()), each_once(theirs.address()));
                again.keep(for_a_while(ours.address(), SCHEMA1), for_a_while(theirs.address(), SCHEMA1));
            }
            let about = format!("{layers} layers, {clients} client{}", if clients == 1 { "" } else { "s" });
            for (what, rates) in
                [("as stored", stored), ("as schema 1, first pull", first), ("as schema 1, again", again)]
            {
                let Rates { ours, theirs } = rates;
                println!("{:<42} {ours:>12.0} {theirs:>16.0} {:>7.2}", format!("{about}: {what}"), ours / theirs);
            }
        }
    }
}

/// Pulls each tag once as schema 1, and gives the pulls per second.
fn once(address: &str, repository: &str, tags: &[String], clients: usize) -> f64 {
    side_by_side(address, clients, |client, number| {
        let mine = tags.iter().skip(number).step_by(clients);
        mine.map(|tag| client.pull(repository, tag, SCHEMA1, "")).count()
    })
}

/// Pulls the tags over and over, and gives the pulls per second.
fn often(address: &str, repository: &str, tags: &[String], media_type: &str, clients: usize) -> f64 {
    side_by_side(address, clients, |client, number| {
        let started = Instant::now();
        let mine = tags.iter().cycle().skip(number).take_while(|_| started.elapsed() < ROUND);
        mine.map(|tag| client.pull(repository, tag, media_type, "")).count()
    })
}

/// Lets this many clients work at the same time; each says how many pulls it made.
fn side_by_side(address: &str, clients: usize, work: impl Fn(&mut Client, usize) -> usize + Sync) -> f64 {
    let (start, work) = (Barrier::new(clients + 1), &work);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|number| {
                let start = &start;
                scope.spawn(move || {
                    let mut client = Client::new(address);
                    start.wait();
                    work(&mut client, number)
                })
            })
            .collect();
        start.wait();
        let started = Instant::now();
        let pulls: usize = threads.into_iter().map(|thread| thread.join().expect("a client that ends")).sum();
        pulls as f64 / started.elapsed().as_secs_f64()
    })
}

/// Pushes an image under a tag for each first pull.
fn push(address: &str, repository: &str, image: &Image) {
    let url = |path: &str| format!("http://{address}/v2/{repository}/{path}");
    for blob in image.layers.iter().chain([&image.config]) {
        let opened = Request::new("POST", &url("blobs/uploads/")).send().expect(202);
        let location = opened.expect_header("location");
        let location = location.strip_prefix(&format!("http://{address}")).unwrap_or(location);
        let separator = if location.contains('?') { '&' } else { '?' };
        let place = format!("http://{address}{location}{separator}digest={}", sha256(blob));
        Request::new("PUT", &place).body(blob.clone()).send().expect(201);
    }
    for tag in 0..ROUNDS * FRESH {
        let manifest = Request::new("PUT", &url(&format!("manifests/{tag}"))).header("Content-Type", SCHEMA2);
        manifest.body(image.manifest.clone()).send().expect(201);
    }
}

//! Pulls by tag with a token, beside a registry that is open.

use std::time::{Duration, Instant};

use lambda_registry_tests::desk::Desk;
use lambda_registry_tests::http::Request;
use lambda_registry_tests::keep_alive::Client;
use lambda_registry_tests::registry::Registry;

const TYPE: &str = "application/vnd.oci.image.index.v1+json";
const INDEX: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(700);

/// Prints pulls per second.
pub(crate) fn measure() {
    let (open, desk) = (Registry::start(&[]), Desk::start(&["--token-lifetime", "3600"]));
    let token = format!("Authorization: {}\r\n", desk.bearer(&desk.admin, "repository:team/app:pull,push"));
    push(&open, "");
    push(&desk.registry, &token);
    println!("\n{:<42} {:>12} {:>16} {:>7}", "Pulls by tag over HTTP, per second", "with a token", "open", "ratio");
    for clients in [1, 8] {
        let (mut with_token, mut without) = (0.0_f64, 0.0_f64);
        for _ in 0..ROUNDS {
            with_token = with_token.max(rate(&desk.registry, &token, clients));
            without = without.max(rate(&open, "", clients));
        }
        let what = format!("{clients} client{}", if clients == 1 { "" } else { "s" });
        println!("{what:<42} {with_token:>12.0} {without:>16.0} {:>7.2}", with_token / without);
    }
}

fn push(registry: &Registry, header: &str) {
    let mut request = Request::new("PUT", &registry.url("/v2/team/app/manifests/latest")).header("Content-Type", TYPE);
    if let Some((name, value)) = header.trim_end().split_once(": ") {
        request = request.header(name, value);
    }
    request.body(INDEX).send().expect(201);
}

fn rate(registry: &Registry, header: &str, clients: usize) -> f64 {
    let started = Instant::now();
    let pulls: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = Client::new(registry.address());
                    let mut pulls = 0;
                    while started.elapsed() < ROUND {
                        client.pull("team/app", "latest", TYPE, header);
                        pulls += 1;
                    }
                    pulls
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a client that ends")).sum()
    });
    pulls as f64 / started.elapsed().as_secs_f64()
}

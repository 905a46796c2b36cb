//! This registry beside docker-registry 2.8: the same images are pushed to both, every client asks both for them, and
//! the answers are compared.
//!
//! What this registry must answer is worked out from the image (`expected`) and compared to the byte; schema 1 has to be
//! what docker-registry makes of it. Where the two registries differ, a rule (`rules`) has to say why.

mod accept;
mod compare;
mod corpus;
mod draft;
mod edges;
mod expected;
mod image;
mod index;
mod json;
mod lists;
mod obstacle;
mod remote;
mod rules;
mod schema1;
mod specimen;
use lambda_registry_tests::types;
mod upgraded;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use lambda_registry_tests::docker_registry::DockerRegistry;
use lambda_registry_tests::registry::Registry;

use compare::{Fault, Findings, Pair, examine};
use rules::Rule;

/// Other images come with another seed: `DIFFERENTIAL_SEED=7`.
const SEED: u64 = 1;
const WORKERS: usize = 6;
/// For how many images a fault is shown in full.
const SHOWN: usize = 5;

#[test]
fn every_client_gets_what_docker_registry_gives_or_a_rule_says_why_not() {
    let seed = std::env::var("DIFFERENTIAL_SEED").map_or(SEED, |seed| seed.parse().unwrap());
    // With its usual settings docker-registry spends half of its time collecting garbage.
    let reference = DockerRegistry::start_with(&[("GOGC", "1000")]);
    let pair = Pair { ours: Registry::start(&[]), reference };
    let corpus = corpus::corpus(seed, &pair.reference);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut findings = Findings::default();
        while let Some((number, specimen)) = {
            let number = next.fetch_add(1, Ordering::Relaxed);
            corpus.get(number).map(|specimen| (number, specimen))
        } {
            let found = examine(&pair, number, specimen);
            findings.applied.extend(found.applied);
            findings.faults.extend(found.faults);
        }
        findings
    };
    let findings: Vec<Findings> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });

    println!("{} images, seed {seed}", corpus.len());
    let faults: Vec<&Fault> = findings.iter().flat_map(|found| &found.faults).collect();
    assert!(faults.is_empty(), "DIFFERENTIAL_SEED={seed}\n{}", summary(&faults));
    let applied: BTreeSet<Rule> = findings.iter().flat_map(|found| found.applied.iter().copied()).collect();
    let idle: Vec<_> = Rule::ALL.iter().filter(|(rule, _)| !applied.contains(rule)).collect();
    assert!(idle.is_empty(), "these rules explained nothing: {idle:?}");
}

#[test]
fn every_intended_difference_stands_in_the_documentation_and_no_other() {
    let conversion = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/conversion.md")).unwrap();
    let (_, table) = conversion.split_once("| Case | docker-registry 2.8 |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let documented: Vec<&str> = rows.map(|row| row.split('|').nth(1).unwrap().trim()).collect();
    let rules: Vec<&str> = Rule::ALL.iter().map(|(_, title)| *title).collect();
    assert_eq!(documented, rules);
}

/// Every image that isn't as it should be, and the first fault of some.
fn summary(faults: &[&Fault]) -> String {
    let mut images: BTreeMap<&str, Vec<&Fault>> = BTreeMap::new();
    for fault in faults {
        images.entry(&fault.specimen).or_default().push(fault);
    }
    let counts: Vec<String> = images.iter().map(|(image, faults)| format!("{:5} {image}", faults.len())).collect();
    let shown: Vec<&str> = images.values().take(SHOWN).map(|faults| faults[0].report.as_str()).collect();
    format!("faults by image:\n{}\n\nthe first of some:\n\n{}", counts.join("\n"), shown.join("\n\n"))
}

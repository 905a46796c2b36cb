//! What ties the model to the code: the names of functions, and the places that ask for a guard.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use storage::Guard;

use crate::EXPLORED;
use crate::actor::Step;

/// The code that the model is of.
const CODE: [&str; 2] = ["src", "../../functions/collector/src"];

/// Whether a guard is a condition of writes; others say in what order things are done.
fn is_condition(guard: Guard) -> bool {
    match guard {
        Guard::StillMarked
        | Guard::NothingMarkedSince
        | Guard::Spared
        | Guard::ChildStays
        | Guard::SameObject
        | Guard::ObjectStays
        | Guard::NotLinkedSince
        | Guard::SameOrphan => true,
        Guard::CountFirst | Guard::LookAfterMark | Guard::Grace => false,
    }
}

#[test]
fn every_step_is_named_after_a_function_of_the_code() {
    let code: String = CODE.iter().flat_map(|folder| sources(folder)).map(|(_, text)| text).collect();
    for Step { function, .. } in steps_taken() {
        let is_there = ["(", "<"].iter().any(|next| code.contains(&format!(" fn {function}{next}")));
        assert!(is_there, "there is no function {function}");
    }
}

#[test]
fn every_step_of_the_model_is_taken_in_some_scenario() {
    let taken = steps_taken();
    for (path, text) in sources("tests/model") {
        for arm in text.lines().filter_map(|line| line.split_once("=> (\"")).map(|(_, arm)| arm) {
            let Some((function, does)) = arm.trim_end_matches("\"),").split_once("\", \"") else { continue };
            let is_taken = taken.iter().any(|step| step.function == function && step.does == does);
            assert!(is_taken, "{}: nobody gets as far as this: {function} {does}", path.display());
        }
    }
}

#[test]
fn every_guard_is_asked_for_in_the_code() {
    let sources: Vec<_> = CODE.iter().flat_map(|folder| sources(folder)).collect();
    for guard in Guard::ALL {
        let asks = match is_condition(guard) {
            true => format!("Guard::{guard:?}.condition()"),
            false => format!("Guard::{guard:?}"),
        };
        let mut others = sources.iter().filter(|(path, _)| !path.ends_with("guards.rs"));
        assert!(others.any(|(_, text)| text.contains(&asks)), "nothing in the code says {asks}");
    }
}

fn steps_taken() -> BTreeSet<Step> {
    EXPLORED.iter().flat_map(|explored| explored.steps.iter().copied()).collect()
}

/// The Rust files below a folder of this crate, with their text.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut waiting = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has no Rust files");
    found
}

//! The house keeps its shape: who may import whom, and what stays out of the functions.
//!
//! The direction of imports is functions → runtime, access, storage, conversion, lifecycle, protocol; storage, conversion,
//! access, lifecycle → protocol; conversion and storage never meet but in a function and in the scrub; only
//! infra knows the functions.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What each crate may import of the workspace, tests aside.
const ALLOWED: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    // Stands in for the published one, in what we depend on.
    ("crc-fast", &[]),
    ("conversion", &["protocol"]),
    ("access", &["protocol"]),
    ("lifecycle", &["protocol"]),
    ("storage", &["protocol"]),
    ("runtime", &["access", "protocol", "storage"]),
    ("auth", FUNCTION),
    ("blob-get", FUNCTION),
    ("blob-upload", FUNCTION),
    ("manifest-get", FUNCTION),
    ("manifest-put", FUNCTION),
    ("schema1-upgrade", FUNCTION),
    ("collector", FUNCTION),
    (
        "local",
        &[
            "access",
            "auth",
            "blob-get",
            "blob-upload",
            "collector",
            "crc-fast",
            "manifest-get",
            "manifest-put",
            "protocol",
            "runtime",
            "schema1-upgrade",
            "serve",
            "storage",
        ],
    ),
    ("scrub", &["conversion", "protocol", "storage"]),
    ("serve", &[]),
    ("proxy", &["protocol", "serve"]),
    (
        "lambda-registry",
        &["access", "collector", "lifecycle", "local", "protocol", "proxy", "runtime", "scrub", "storage"],
    ),
    ("minimal", &[]),
    ("lambda-registry-tests", &[]),
];
const FUNCTION: &[&str] = &["access", "conversion", "lifecycle", "protocol", "runtime", "storage"];

/// Crates that do I/O or know AWS: none of these is for the pure ones.
const IMPURE: &[&str] = &["aws-config", "aws-sdk", "aws-smithy", "lambda", "tokio", "hyper", "reqwest", "http"];

/// What belongs to the local stack and to tests, and would cost a function bytes and start-up time.
const NOT_IN_FUNCTIONS: &[&str] = &[
    "clap",
    "dynoxide-rs",
    "local",
    "reqwest",
    "rusqlite",
    "s3s",
    "saphyr",
    "serde-saphyr",
    "stateright",
    "jiff",
    "tempfile",
    "aws-config",
];

#[test]
fn crates_import_only_what_stands_below_them() {
    let mut dependencies = dependencies();
    for (name, allowed) in ALLOWED {
        let found = dependencies.remove(*name).unwrap_or_else(|| panic!("there is no crate {name}"));
        let inside: BTreeSet<_> = found.iter().filter(|d| ALLOWED.iter().any(|(name, _)| name == d)).collect();
        for import in inside {
            assert!(allowed.contains(&import.as_str()), "{name} must not import {import}");
        }
    }
    assert!(dependencies.is_empty(), "say here what these may import: {:?}", dependencies.keys());
}

#[test]
fn the_pure_crates_know_no_io_and_no_aws() {
    for name in ["protocol", "conversion", "access", "lifecycle"] {
        for package in graph(name) {
            assert!(!IMPURE.iter().any(|impure| package.starts_with(impure)), "{name} brings {package}");
        }
    }
}

#[test]
fn nothing_of_the_local_stack_or_the_tests_is_in_a_function() {
    for name in ["auth", "blob-get", "blob-upload", "manifest-get", "manifest-put", "schema1-upgrade", "collector"] {
        let graph = graph(name);
        assert!(graph.contains("lambda_runtime"), "{name}'s graph was read");
        for package in NOT_IN_FUNCTIONS {
            assert!(!graph.contains(*package), "{name} brings {package}");
        }
    }
}

/// Crates of the workspace, with the direct dependencies of what they ship.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata: Value = serde_json::from_str(&cargo(&["metadata", "--format-version=1", "--no-deps"])).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let shipped = package["dependencies"].as_array().unwrap().iter().filter(|d| d["kind"].is_null());
            let names = shipped.map(|dependency| dependency["name"].as_str().unwrap().to_owned()).collect();
            (package["name"].as_str().unwrap().to_owned(), names)
        })
        .collect()
}

/// Everything that a crate ships with.
fn graph(name: &str) -> BTreeSet<String> {
    let tree = cargo(&["tree", "--package", name, "--edges", "normal", "--prefix", "none", "--format", "{p}"]);
    tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

fn cargo(arguments: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = Command::new(env!("CARGO")).args(arguments).arg("--locked").current_dir(root).output().unwrap();
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

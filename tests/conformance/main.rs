//! The official conformance suite of the distribution specification, against the local stack.
//!
//! It is a program of its own: `tests/run` builds the edition of it that `tests/tools/conformance` pins, and
//! `CONFORMANCE_SUITE` names a newer one. What it wrote stays under `target/conformance`, where a failure can be read up.

mod report;
mod suite;

use std::fs;
use std::io::Write as _;
use std::path::Path;

use lambda_registry_tests::desk::Desk;
use lambda_registry_tests::modes::Mode;
use lambda_registry_tests::registry::Registry;

use crate::report::Report;
use crate::suite::Suite;

#[test]
fn the_conformance_suite_finds_no_failure_in_one_process() {
    expect_conformance("one-process", Mode::OneProcess);
}

#[test]
fn the_conformance_suite_finds_no_failure_with_functions_as_processes() {
    expect_conformance("function-processes", Mode::FunctionProcesses);
}

#[test]
fn the_conformance_suite_finds_no_failure_without_the_front() {
    expect_conformance("without-front", Mode::WithoutFront);
}

#[test]
fn the_conformance_suite_finds_no_failure_where_it_has_to_log_in() {
    let suite = Suite::chosen();
    let desk = Desk::start(suite.flags());
    let results = suite.run(&desk.registry, Some(&desk.admin), "with-login");
    expect_no_failure(&suite, "with-login", &results);
}

#[track_caller]
fn expect_conformance(name: &str, mode: Mode) {
    let suite = Suite::chosen();
    let registry = Registry::start(&[mode.flags(), suite.flags()].concat());
    let results = suite.run(&registry, None, name);
    expect_no_failure(&suite, name, &results);
}

#[track_caller]
fn expect_no_failure(suite: &Suite, name: &str, results: &Path) {
    let report = Report::read(&fs::read_to_string(results.join("junit.xml")).expect("junit.xml"));

    let summary = format!(
        "conformance suite, {}, {name}: {} passed, {} failed, {} skipped: {}",
        suite.edition(),
        report.passed.len(),
        report.failed.len(),
        report.skipped.len(),
        results.display(),
    );
    // Past the capture of the test harness, so that a run that passes says which edition it was.
    writeln!(std::io::stderr(), "{summary}").expect("standard error");
    assert!(report.failed.is_empty(), "{summary}\n{}", report.failed.join("\n"));
    assert_eq!(report.skipped, suite.skipped(), "{summary}");
    assert!(report.passed.len() >= suite.passed_at_least(), "{summary}");
}

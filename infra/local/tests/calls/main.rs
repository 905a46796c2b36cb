//! What each operation costs, in calls of AWS and in what DynamoDB and S3 bill for them: the design's budget.
//!
//! docs/calls.json and docs/calls.md are what was measured last. A change of a number fails here until it is written down:
//! `REGENERATE=1 cargo test -p local --test calls`.
//!
//! Operations are measured in a registry that has served others, as in a function that is warm.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

mod bench;
#[path = "../access/http.rs"]
#[expect(dead_code, reason = "logins need more of it")]
mod http;
mod logins;
mod manifests;
mod pulls;
mod records;
mod row;
mod schema1;
#[path = "../schema1/bench.rs"]
#[expect(dead_code, reason = "what schema 1 does needs more of it")]
mod schema1_bench;
#[path = "../access/signed.rs"]
mod signed;
mod table;
mod uploads;

use std::collections::BTreeMap;
use std::fs;

use table::{Table, path};

/// As it stands in docs.
fn recorded() -> Table {
    serde_json::from_str(&fs::read_to_string(path("calls.json")).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_in_docs_is_what_is_measured() {
    let mut rows = Vec::new();
    rows.extend(pulls::measure().await);
    rows.extend(manifests::measure().await);
    rows.extend(uploads::measure().await);
    rows.extend(logins::measure().await);
    rows.extend(schema1::measure().await);
    let table = Table::new(records::measure().await, rows);
    let files = [("calls.json", table.to_json()), ("calls.md", table.to_markdown())];
    if std::env::var_os("REGENERATE").is_some() {
        for (name, text) in files {
            fs::write(path(name), text).unwrap();
        }
        return;
    }
    let recorded = recorded();
    assert_eq!(recorded.records, table.records);
    for (was, is) in recorded.operations.iter().zip(&table.operations) {
        assert_eq!(was, is, "an operation costs something else; is that wanted?");
    }
    for (name, text) in files {
        let same = fs::read_to_string(path(name)).unwrap() == text;
        assert!(
            same,
            "docs/{name} isn't up to date; write it anew with\nREGENERATE=1 cargo test -p local --test calls"
        );
    }
}

fn calls(calls: &[(&str, usize)]) -> BTreeMap<String, usize> {
    calls.iter().map(|&(operation, count)| (operation.to_owned(), count)).collect()
}

#[test]
fn a_manifest_is_one_transaction_whatever_the_number_of_its_layers() {
    let table = recorded();
    for layers in manifests::LAYERS {
        for (way, tags) in [("new", 1), ("moved-tag", 1), ("again", 0)] {
            // The layers, the config, the manifest, and its tag. The repository is read before.
            let batches = (layers + 2 + tags).div_ceil(100);
            let row = table.row(&manifests::name(layers, way));
            assert_eq!(
                row.calls,
                calls(&[("GetItem", 1), ("BatchGetItem", batches), ("TransactWriteItems", 1)]),
                "{}",
                row.what
            );
        }
    }
}

#[test]
fn a_pull_reads_at_most_a_record_for_each_step_and_writes_nothing() {
    let table = recorded();
    for (operation, reads) in [
        ("base", 0),
        ("manifest-by-tag", 2),
        ("manifest-by-tag-in-memory", 1),
        ("manifest-by-digest", 1),
        ("manifest-converted", 3),
        ("blob", 1),
        ("blob-head", 1),
        ("blob-head-missing", 1),
        ("schema1-pull", 3),
    ] {
        let row = table.row(operation);
        assert_eq!(row.calls.values().sum::<usize>(), reads, "{}", row.what);
        assert_eq!((row.write_units, row.s3_puts), (0.0, 0), "{}", row.what);
    }
}

#[test]
fn a_pull_is_written_down_by_one_transaction_a_day_after_its_answer() {
    let table = recorded();
    let row = table.row("pull-noted");
    assert_eq!((row.requests, row.calls.clone()), (0, calls(&[("GetItem", 1), ("TransactWriteItems", 1)])));
    assert!(row.write_units <= 4.0, "{}", row.write_units);
}

#[test]
fn bytes_that_clients_pull_and_push_over_signed_urls_pass_no_function() {
    let table = recorded();
    assert_eq!(table.row("blob").signed, calls(&[("GetObject", 1)]));
    assert_eq!(table.row("blob-head").signed, calls(&[("HeadObject", 1)]));
    assert_eq!(table.row("direct-finish").signed, calls(&[("PutObject", 1)]));
}

#[test]
fn a_login_costs_a_read_at_most_for_each_that_it_needs() {
    let table = recorded();
    for (operation, reads) in [
        ("challenge", 0),
        ("login", 0),
        ("token-user", 1),
        ("token-user-more", 2),
        ("token-aws", 1),
        ("token-nobody", 1),
    ] {
        let row = table.row(operation);
        assert_eq!((row.calls.values().sum::<usize>(), row.write_units), (reads, 0.0), "{}", row.what);
    }
}

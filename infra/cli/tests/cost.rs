//! `lambda-registry cost` as it is typed, and docs/cost.md, whose bills are those that it prints.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

fn cost(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lambda-registry"));
    // It needs nothing of its surroundings.
    command.env_clear().arg("cost").args(arguments).output().unwrap()
}

#[track_caller]
fn printed(arguments: &[&str]) -> String {
    let output = cost(arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn refused(arguments: &[&str], expected: &str) {
    let output = cost(arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(expected), "{said}");
}

#[track_caller]
fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&printed(&[arguments, &["--json"]].concat())).unwrap()
}

fn built_in_prices() -> String {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("prices");
    let file = fs::read_dir(directory).unwrap().next().unwrap().unwrap().path();
    fs::read_to_string(file).unwrap()
}

/// A command in a block for a shell, and in the next block what it prints.
#[test]
fn the_bills_in_the_documentation_are_those_that_the_commands_print() {
    const BEGIN: &str = "```sh\nlambda-registry cost ";
    const BETWEEN: &str = "\n```\n```text\n";
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/cost.md");
    let text = fs::read_to_string(&file).unwrap();
    let mut parts = text.split(BEGIN);
    let mut fresh = parts.next().unwrap().to_owned();
    let mut bills = 0;
    for part in parts {
        let (command, rest) = part.split_once(BETWEEN).unwrap_or_else(|| panic!("nothing is printed after {part}"));
        let (_, rest) = rest.split_once("```").unwrap();
        let words = command.replace("\\\n", " ");
        let bill = printed(&words.split_whitespace().collect::<Vec<_>>());
        fresh.extend([BEGIN, command, BETWEEN, &bill, "```", rest]);
        bills += 1;
    }
    assert!(bills >= 3, "{bills} bills");
    if std::env::var_os("REGENERATE").is_some() {
        fs::write(file, fresh).unwrap();
    } else {
        let hint =
            "docs/cost.md isn't up to date; write it anew with REGENERATE=1 cargo test -p lambda-registry --test cost";
        assert!(text == fresh, "{hint}");
    }
}

#[test]
fn a_registry_that_holds_nothing_and_does_nothing_costs_nothing() {
    let bill = json(&["--images", "0", "--pushes", "0", "--pulls", "0"]);
    assert_eq!((&bill["registry"]["total"], &bill["ecr"]["total"]), (&Value::from(0.0), &Value::from(0.0)));
}

#[test]
fn a_bill_names_its_prices_and_adds_up() {
    let bill = json(&["--images", "40", "--size", "1GiB", "--shared", "0%", "--egress", "50%", "--pull-secret"]);
    assert_eq!(bill["prices"]["region"], "us-east-1");
    assert!(built_in_prices().contains(bill["prices"]["date"].as_str().unwrap()));
    for whose in ["registry", "ecr"] {
        let lines = bill[whose]["lines"].as_array().unwrap();
        let sum: f64 = lines.iter().map(|line| line["usd"].as_f64().unwrap()).sum();
        assert!((sum - bill[whose]["total"].as_f64().unwrap()).abs() < 1e-9);
    }
    assert_eq!(bill["ecr"]["lines"][0]["usd"], 4.0);
    assert_eq!(bill["ecr"]["lines"][1]["usd"], 45.0);
}

#[test]
fn prices_of_ones_own_are_taken() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("prices.json");
    let mine = built_in_prices().replace("us-east-1", "mine").replace(
        r#""usd": 0.10}], "page": "https://aws.amazon.com/ecr"#,
        r#""usd": 0.20}], "page": "https://aws.amazon.com/ecr"#,
    );
    fs::write(&file, mine).unwrap();
    let bill = json(&["--prices", file.to_str().unwrap(), "--images", "10", "--size", "1GiB", "--shared", "0%"]);
    assert_eq!((&bill["prices"]["region"], &bill["ecr"]["total"]), (&Value::from("mine"), &Value::from(2.0)));
    fs::write(&file, "{}").unwrap();
    refused(&["--prices", file.to_str().unwrap()], "isn't a file of prices");
    refused(&["--prices", directory.path().join("none").to_str().unwrap()], "can't be read");
}

#[test]
fn what_cannot_be_reckoned_is_refused() {
    refused(&["--region", "eu-west-1"], "there are no prices of eu-west-1");
    refused(&["--pulls", "1", "--size", "1GB", "--egress", "2GB"], "2 GB leave AWS, but only 1 GB are pulled");
    refused(&["--layers", "0"], "--layers");
    refused(&["--size", "huge"], "isn't a size");
    refused(&["--shared", "2"], "isn't a share");
    refused(&["--milliseconds=-1"], "isn't a number of milliseconds");
}

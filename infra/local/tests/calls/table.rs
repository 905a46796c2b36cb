//! The table as files: docs/calls.json for programs, docs/calls.md for readers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::records::Records;
use crate::row::Row;

/// All that is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    pub(crate) about: String,
    /// What images leave in DynamoDB's table.
    pub(crate) records: Records,
    pub(crate) operations: Vec<Row>,
}

const ABOUT: &str = "What each operation costs in calls of AWS, measured by `cargo test -p local --test calls`; \
                     calls.md explains the columns. REGENERATE=1 writes this file.";

const HEAD: &str = "\
# What it costs in AWS calls

Measured, not planned: `infra/local/tests/calls` does each of these once in a registry that has served others, as a warm
function has, and counts what reaches S3 and DynamoDB, retries aside. It fails when a number changes;
`REGENERATE=1 cargo test -p local --test calls` writes this file and [calls.json](calls.json), from which
`lambda-registry cost` computes [a month's bill](cost.md).

- **Calls** are what the function asks AWS for; *by the client*, what the client asks S3 for over a signed URL.
- **Units**: DynamoDB bills a strongly consistent read as one for each 4 KB of item that it passes, a write as one for
  each KB, two in a transaction. The embedded DynamoDB says for each answer what DynamoDB would bill. Images here are
  small: a layer has a few bytes, a manifest some 200 for each layer.
- **S3**: PUT, POST and LIST cost one price, GET and HEAD another; DELETE and aborting cost nothing.
- Each row is one request to the API and one invocation of its function, unless it says that it runs in the background or
  after an answer.
- Authorization by a token costs nothing beside this. The first request with a password of user `AWS` costs one read a
  minute.
- What is in a function's memory, for as long as Lambda keeps it, isn't read again: \"in memory\" below.
- **Larger ones**: a manifest PUT reads everything it refers to, 100 in a batch; schema 1 reads its layers, 50 in a batch.
  A PATCH of p parts is p UploadPart and p transactions; the first of a session is CreateMultipartUpload as well. Reading
  a layer of schema 1 is one GetObject and one UpdateItem for each further 8 MiB.
- **Now and then**: a function's initialisation is one Query. `auth` reads its signing key every five minutes, and the pull
  secret from Secrets Manager once a minute at most. Where pushes create no repositories, POST of an upload reads once
  more.

";

/// The files, beside the other documents.
pub(crate) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

impl Table {
    pub(crate) fn new(records: Records, operations: Vec<Row>) -> Self {
        Self { about: ABOUT.to_owned(), records, operations }
    }

    /// The row of this name.
    #[track_caller]
    pub(crate) fn row(&self, operation: &str) -> &Row {
        let row = self.operations.iter().find(|row| row.operation == operation);
        row.unwrap_or_else(|| panic!("no operation {operation:?}"))
    }

    pub(crate) fn to_json(&self) -> String {
        // A row a line: a change is a line of a diff.
        let rows: Vec<String> = self.operations.iter().map(|row| serde_json::to_string(row).unwrap()).collect();
        format!(
            "{{\n\"about\": {},\n\"records\": {},\n\"operations\": [\n{}\n]\n}}\n",
            serde_json::to_string(&self.about).unwrap(),
            serde_json::to_string(&self.records).unwrap(),
            rows.join(",\n")
        )
    }

    pub(crate) fn to_markdown(&self) -> String {
        let mut text = HEAD.to_owned();
        text.push_str("| Request | Function | Calls | Read units | Write units | S3 PUT | S3 GET |\n");
        text.push_str("|---|---|---|---:|---:|---:|---:|\n");
        for row in &self.operations {
            writeln!(
                text,
                "| {} | `{}` | {} | {} | {} | {} | {} |",
                row.what,
                row.function,
                calls(row),
                row.read_units,
                row.write_units,
                row.s3_puts,
                row.s3_gets
            )
            .unwrap();
        }
        let Records { image, layer, new_blob, .. } = &self.records;
        write!(
            text,
            "\n## What stays in the table\n\
             DynamoDB's table holds about {image} bytes for each image with a tag, {layer} more for each layer that its\n\
             manifest names, and {new_blob} for each blob that is stored, a finished upload's tombstone included, which\n\
             goes with the collector, or after 14 days. That is the items' size and the 100 bytes that DynamoDB adds to each.\n"
        )
        .unwrap();
        text
    }
}

fn calls(row: &Row) -> String {
    let list = |calls: &BTreeMap<String, usize>, by: &str| -> Vec<String> {
        calls.iter().map(|(operation, count)| format!("{count} {operation}{by}")).collect()
    };
    let mut all = list(&row.calls, "");
    all.extend(list(&row.signed, " by the client"));
    if row.starts > 0 {
        all.push(format!("{} Invoke", row.starts));
    }
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

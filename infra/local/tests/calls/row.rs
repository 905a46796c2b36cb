//! What one operation costs, as it stands in the table.

use std::collections::BTreeMap;

use local::faults::{Metered, Service};
use protocol::{Function, Route};
use serde::{Deserialize, Serialize};

/// A row of docs/calls.json.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// Its name for programs.
    pub(crate) operation: String,
    /// What it is.
    pub(crate) what: String,
    /// Who answers; several requests are one operation when one can't be without the other.
    pub(crate) function: String,
    /// Requests to the API; each is an invocation of the function. 0 for work in the background or after an answer.
    pub(crate) requests: usize,
    /// Invocations of functions that nobody waits for, which this one starts.
    pub(crate) starts: usize,
    /// AWS's operations that the function calls.
    pub(crate) calls: BTreeMap<String, usize>,
    /// Requests to S3 that the client sends itself, over a signed URL.
    pub(crate) signed: BTreeMap<String, usize>,
    /// DynamoDB's read request units.
    pub(crate) read_units: f64,
    /// DynamoDB's write request units.
    pub(crate) write_units: f64,
    /// Requests to S3 that are billed as PUT, COPY, POST or LIST.
    pub(crate) s3_puts: usize,
    /// Requests to S3 that are billed as GET and all others.
    pub(crate) s3_gets: usize,
}

/// How a request to S3 is billed.
enum Class {
    Put,
    Get,
    Free,
}

impl Row {
    pub(crate) fn new(operation: &str, what: &str, function: Function, metered: &[Metered]) -> Self {
        let mut row = Self {
            operation: operation.to_owned(),
            what: what.to_owned(),
            function: function.name().to_owned(),
            requests: usize::from(!function.is_background()),
            starts: 0,
            calls: BTreeMap::new(),
            signed: BTreeMap::new(),
            read_units: 0.0,
            write_units: 0.0,
            s3_puts: 0,
            s3_gets: 0,
        };
        for request in metered {
            let list = if request.is_signed_url { &mut row.signed } else { &mut row.calls };
            *list.entry(request.operation.clone()).or_default() += 1;
            match request.service {
                Service::DynamoDb if is_read(&request.operation) => row.read_units += request.units,
                Service::DynamoDb => row.write_units += request.units,
                Service::S3 => match class(&request.operation) {
                    Class::Put => row.s3_puts += 1,
                    Class::Get => row.s3_gets += 1,
                    Class::Free => {}
                },
            }
        }
        row
    }

    /// The same with so many invocations started by it.
    pub(crate) fn starting(self, starts: usize) -> Self {
        Self { starts, ..self }
    }
}

/// Who answers a request.
pub(crate) fn function_of(method: &str, target: &str) -> Function {
    let path = target.split('?').next().unwrap_or_default();
    Route::parse(path).unwrap().function(method).unwrap()
}

fn is_read(operation: &str) -> bool {
    ["GetItem", "BatchGetItem", "Query"].contains(&operation)
}

/// As S3's price list has it. Parts of an upload and its beginning and end are PUT and POST.
#[track_caller]
fn class(operation: &str) -> Class {
    match operation {
        "PutObject"
        | "CopyObject"
        | "CreateMultipartUpload"
        | "UploadPart"
        | "CompleteMultipartUpload"
        | "ListObjectsV2"
        | "ListParts"
        | "ListMultipartUploads" => Class::Put,
        "GetObject" | "HeadObject" => Class::Get,
        "DeleteObject" | "AbortMultipartUpload" => Class::Free,
        other => panic!("how is {other} billed?"),
    }
}

//! What operations use of AWS, as it was measured.

use std::collections::BTreeMap;
use std::ops::{Add, Mul};

use serde::Deserialize;

use super::time::Clock;

/// What the registry's own tests measured: docs/calls.json.
const MEASURED: &str = include_str!("../../../../docs/calls.json");

/// The API bills each request for each part of this size of its payload, in bytes.
const METERED: f64 = 512.0 * 1_024.0;

/// Calls, units and sizes of records.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Measured {
    pub(crate) records: Records,
    operations: Vec<Operation>,
}

/// What images leave in DynamoDB's table, in bytes.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Records {
    pub(crate) image: f64,
    pub(crate) layer: f64,
    pub(crate) new_blob: f64,
}

/// A row of the table.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Operation {
    operation: String,
    pub(crate) function: String,
    requests: f64,
    pub(crate) calls: BTreeMap<String, u32>,
    read_units: f64,
    write_units: f64,
    s3_puts: f64,
    s3_gets: f64,
}

/// The table lacks an operation, or isn't one: a fault of this program.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MeasuredError {
    #[error("docs/calls.json can't be read: {0}")]
    Form(#[from] serde_json::Error),
    #[error("docs/calls.json has no operation {0:?}")]
    Missing(String),
}

/// A sum of what is billed by use.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Work {
    /// Requests to the API as it bills them: one for each 512 KB.
    pub(crate) requests: f64,
    /// Invocations of functions.
    pub(crate) invocations: f64,
    /// Their memory, in GB, times their time, in seconds.
    pub(crate) gb_seconds: f64,
    pub(crate) read_units: f64,
    pub(crate) write_units: f64,
    pub(crate) s3_puts: f64,
    pub(crate) s3_gets: f64,
}

impl Measured {
    /// The table that this program was built with.
    pub(crate) fn built_in() -> Result<Self, MeasuredError> {
        Ok(serde_json::from_str(MEASURED)?)
    }

    /// One operation's work, with a body of so many bytes.
    pub(crate) fn work(&self, operation: &str, bytes: f64, clock: &Clock) -> Result<Work, MeasuredError> {
        let row = self.operations.iter().find(|row| row.operation == operation);
        let row = row.ok_or_else(|| MeasuredError::Missing(operation.to_owned()))?;
        Ok(Work {
            requests: row.requests * (bytes / METERED).ceil().max(1.0),
            // Those in the background are invoked as well.
            invocations: 1.0,
            gb_seconds: clock.gb_seconds(row, bytes),
            read_units: row.read_units,
            write_units: row.write_units,
            s3_puts: row.s3_puts,
            s3_gets: row.s3_gets,
        })
    }
}

impl Add for Work {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            invocations: self.invocations + other.invocations,
            gb_seconds: self.gb_seconds + other.gb_seconds,
            read_units: self.read_units + other.read_units,
            write_units: self.write_units + other.write_units,
            s3_puts: self.s3_puts + other.s3_puts,
            s3_gets: self.s3_gets + other.s3_gets,
        }
    }
}

impl Mul<f64> for Work {
    type Output = Self;

    fn mul(self, times: f64) -> Self {
        Self {
            requests: self.requests * times,
            invocations: self.invocations * times,
            gb_seconds: self.gb_seconds * times,
            read_units: self.read_units * times,
            write_units: self.write_units * times,
            s3_puts: self.s3_puts * times,
            s3_gets: self.s3_gets * times,
        }
    }
}

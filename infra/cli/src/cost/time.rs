//! How long functions run. Nobody has measured that in AWS: it is put together from what was measured on one machine and
//! from what AWS says of its services, unless the user knows better.

use protocol::Function;

use super::memory;
use super::work::Operation;

/// Processor time of a request, in milliseconds of one core: the binaries as they are deployed, x86_64, warm, their calls
/// of the embedded stores included. docs/cost.md says how it was measured, and that reading layers of schema 1, which
/// depends on their size, isn't in a bill.
const PROCESSOR: &[(Function, f64)] = &[
    (Function::Auth, 0.5),
    (Function::BlobUpload, 1.6),
    (Function::BlobGet, 1.1),
    (Function::ManifestPut, 1.8),
    (Function::ManifestGet, 0.9),
];
/// The same for each byte of a body: its two hashes, and the way through the event and to S3.
const PROCESSOR_A_BYTE: f64 = 5.4 / 1e6;
/// A function of this memory has one core, of less its part of it (AWS's documentation of Lambda).
const MEGABYTES_A_CORE: f64 = 1_769.0;
/// What a call of DynamoDB is taken to need, in milliseconds: AWS promises "single-digit millisecond" answers.
const DYNAMODB: f64 = 5.0;
/// What a call of S3 is taken to need, in milliseconds: AWS says 100 to 200 for small objects.
const S3: f64 = 100.0;

/// How long invocations take.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Clock {
    /// Put together from the constants above.
    Estimate,
    /// So many milliseconds each, as the user's own logs say.
    Milliseconds(f64),
}

impl Clock {
    /// Memory, in GB, times time, in seconds, of one invocation with a body of so many bytes. Lambda bills whole
    /// milliseconds.
    pub(crate) fn gb_seconds(&self, operation: &Operation, bytes: f64) -> f64 {
        let megabytes = memory::megabytes(&operation.function).map_or(0.0, f64::from);
        let milliseconds = match self {
            Self::Milliseconds(milliseconds) => *milliseconds,
            Self::Estimate => estimate(operation, bytes, megabytes),
        };
        megabytes / 1_024.0 * milliseconds.ceil() / 1_000.0
    }
}

fn estimate(operation: &Operation, bytes: f64, megabytes: f64) -> f64 {
    let measured = PROCESSOR.iter().find(|(function, _)| function.name() == operation.function);
    let processor = measured.map_or(0.0, |(_, time)| *time) + bytes * PROCESSOR_A_BYTE;
    let waiting: f64 = operation.calls.iter().map(|(call, count)| f64::from(*count) * time_of(call)).sum();
    processor * (MEGABYTES_A_CORE / megabytes.max(1.0)).max(1.0) + waiting
}

fn time_of(call: &str) -> f64 {
    let is_of_dynamodb = call.ends_with("Item") || call.ends_with("Items") || call == "Query";
    if is_of_dynamodb { DYNAMODB } else { S3 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(function: &str, calls: serde_json::Value) -> Operation {
        let row = serde_json::json!({
            "operation": "", "function": function, "requests": 1, "calls": calls,
            "read_units": 0, "write_units": 0, "s3_puts": 0, "s3_gets": 0,
        });
        serde_json::from_value(row).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_function_waits_for_each_of_its_calls_and_its_processor_is_slower_with_less_memory() {
        let auth = operation("auth", serde_json::json!({"GetItem": 2, "TransactWriteItems": 1, "PutObject": 1}));
        let waiting = 3.0 * DYNAMODB + S3;
        assert_eq!(estimate(&auth, 0.0, 4_096.0), waiting + 0.5);
        assert_eq!(estimate(&auth, 0.0, MEGABYTES_A_CORE / 4.0), waiting + 2.0);
        assert_eq!(estimate(&auth, 1e6, 4_096.0), waiting + 0.5 + 5.4);
    }

    #[test]
    fn milliseconds_that_are_given_count_for_every_function_as_whole_ones() {
        let clock = Clock::Milliseconds(12.5);
        let memory = memory::megabytes("auth").map_or(0.0, f64::from);
        let expected = memory / 1_024.0 * 0.013;
        assert!((clock.gb_seconds(&operation("auth", serde_json::json!({})), 1e6) - expected).abs() < 1e-12);
    }

    #[test]
    fn every_function_that_clients_wait_for_was_measured() {
        let measured = |wanted: Function| PROCESSOR.iter().any(|(function, _)| *function == wanted);
        assert!(Function::ALL.iter().all(|function| measured(*function) != function.is_background()));
    }
}

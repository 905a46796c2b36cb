//! What the services would bill for the requests that reach them.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::{Faults, Service, call};

/// A request that a service has answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Metered {
    /// Who answered.
    pub service: Service,
    /// What was called, by AWS's name for it.
    pub operation: String,
    /// Whether a client sent it over a signed URL, rather than a function with the SDK.
    pub is_signed_url: bool,
    /// What DynamoDB bills for it: read request units of a read, write request units of a write. 0 for S3, which bills
    /// each request by its kind.
    pub units: f64,
}

/// The requests since it was read last. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Meter(Arc<Mutex<Vec<Metered>>>);

/// A request whose answer is still to come.
pub(super) struct Reading {
    service: Service,
    operation: String,
    is_signed_url: bool,
    /// Items that a transaction names.
    items: usize,
}

impl Faults {
    /// Takes down what each request would cost, from now on: DynamoDB is asked to say in its answers what it bills.
    #[must_use]
    pub fn metered(self) -> Self {
        Self { meter: Some(Meter::default()), ..self }
    }

    /// The requests that were answered since this was asked last; none without [`Faults::metered`].
    pub fn take_metered(&self) -> Vec<Metered> {
        let meter = self.meter.as_ref();
        meter.map(|meter| std::mem::take(&mut *meter.lock())).unwrap_or_default()
    }
}

impl Meter {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Metered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a request to DynamoDB one that asks for its price.
    pub(super) fn begin(service: Service, head: &mut Parts, body: &mut Bytes) -> Reading {
        let operation = call::operation(service, head);
        let mut items = 1;
        if service == Service::DynamoDb
            && let Ok(mut request) = serde_json::from_slice::<Value>(body)
        {
            items = request["TransactItems"].as_array().map_or(1, Vec::len);
            request["ReturnConsumedCapacity"] = json!("TOTAL");
            *body = request.to_string().into();
            head.headers.insert(CONTENT_LENGTH, body.len().into());
        }
        Reading { service, operation, is_signed_url: super::invocation(&head.headers).is_none(), items }
    }

    pub(super) fn end(&self, reading: Reading, answer: &Response<Bytes>) {
        let Reading { service, operation, is_signed_url, items } = reading;
        let units = match service {
            Service::S3 => 0.0,
            Service::DynamoDb if answer.status() == StatusCode::OK => billed(answer.body()),
            Service::DynamoDb => least_of_a_failure(&operation, items),
        };
        self.lock().push(Metered { service, operation, is_signed_url, units });
    }
}

/// The units in an answer, which may name several tables.
fn billed(answer: &[u8]) -> f64 {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let units = |capacity: &Value| capacity["CapacityUnits"].as_f64().unwrap_or_default();
    match &answer["ConsumedCapacity"] {
        Value::Array(tables) => tables.iter().map(units).sum(),
        table => units(table),
    }
}

/// A write whose condition doesn't hold costs as much as if it had, and its answer doesn't say how much that is: at
/// least a unit an item, two in a transaction.
fn least_of_a_failure(operation: &str, items: usize) -> f64 {
    match operation {
        "TransactWriteItems" => 2.0 * u32::try_from(items).map_or(0.0, f64::from),
        "PutItem" | "UpdateItem" | "DeleteItem" => 1.0,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_those_of_all_tables_in_the_answer() {
        assert_eq!(billed(br#"{"Item": {}, "ConsumedCapacity": {"TableName": "t", "CapacityUnits": 2.5}}"#), 2.5);
        assert_eq!(billed(br#"{"ConsumedCapacity": [{"CapacityUnits": 2.0}, {"CapacityUnits": 6.0}]}"#), 8.0);
        assert_eq!(billed(b"{}"), 0.0);
    }

    #[test]
    fn a_condition_that_fails_costs_like_a_write() {
        assert_eq!(least_of_a_failure("UpdateItem", 1), 1.0);
        assert_eq!(least_of_a_failure("TransactWriteItems", 3), 6.0);
        assert_eq!(least_of_a_failure("GetItem", 1), 0.0);
    }
}

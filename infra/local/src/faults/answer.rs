//! The answers of a service that fails, as AWS words them.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::{Call, Service};

/// A reason to refuse a call before it takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// S3's 500 `InternalError`, DynamoDB's `InternalServerError`.
    InternalError,
    /// S3's 200 with `InternalError` in its body, which `CompleteMultipartUpload` can end with.
    InternalErrorIn200,
    /// S3's 503 `SlowDown`.
    SlowDown,
    /// DynamoDB's 400 `ProvisionedThroughputExceededException`.
    ThroughputExceeded,
    /// DynamoDB's 400 `ThrottlingException`.
    Throttling,
    /// Another transaction has an item: `TransactionConflictException`, or a cancelled transaction with that reason.
    TransactionConflict,
    /// A transaction that is cancelled because of the traffic on an item.
    TransactionThrottled,
}

impl Refusal {
    /// Those that a call can get.
    pub(super) fn of(call: &Call) -> Vec<Self> {
        match (call.service, call.operation.as_str()) {
            (Service::S3, "CompleteMultipartUpload") => {
                vec![Self::InternalError, Self::InternalErrorIn200, Self::SlowDown]
            }
            (Service::S3, _) => vec![Self::InternalError, Self::SlowDown],
            (Service::DynamoDb, operation) => {
                let mut refusals = vec![Self::InternalError, Self::ThroughputExceeded, Self::Throttling];
                match operation {
                    "TransactWriteItems" => refusals.extend([Self::TransactionConflict, Self::TransactionThrottled]),
                    "PutItem" | "UpdateItem" | "DeleteItem" => refusals.push(Self::TransactionConflict),
                    _ => {}
                }
                refusals
            }
        }
    }

    /// The answer to a request with this body.
    pub(super) fn answer(self, service: Service, body: &[u8]) -> Response<Bytes> {
        match (service, self) {
            (Service::S3, Self::InternalErrorIn200) => s3(StatusCode::OK, "InternalError"),
            (Service::S3, Self::InternalError) => s3(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
            (Service::S3, _) => s3(StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
            (Service::DynamoDb, Self::InternalError | Self::InternalErrorIn200) => {
                dynamodb(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", json!({}))
            }
            (Service::DynamoDb, Self::ThroughputExceeded) => {
                dynamodb(StatusCode::BAD_REQUEST, "ProvisionedThroughputExceededException", json!({}))
            }
            (Service::DynamoDb, Self::Throttling | Self::SlowDown) => {
                dynamodb(StatusCode::BAD_REQUEST, "ThrottlingException", json!({}))
            }
            (Service::DynamoDb, Self::TransactionConflict) => cancelled(body, "TransactionConflict"),
            (Service::DynamoDb, Self::TransactionThrottled) => cancelled(body, "ThrottlingError"),
        }
    }
}

/// The service's 500.
pub(super) fn internal_error(service: Service) -> Response<Bytes> {
    Refusal::InternalError.answer(service, b"")
}

/// `BatchGetItem`'s answer when it has read nothing.
pub(super) fn unprocessed(body: &[u8]) -> Response<Bytes> {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    json_answer(StatusCode::OK, &json!({"Responses": {}, "UnprocessedKeys": request["RequestItems"]}))
}

/// The end of a write that meets a transaction: its own exception, or a list with the reason for each item of its own
/// transaction, here the first.
fn cancelled(body: &[u8], reason: &str) -> Response<Bytes> {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(items) = request["TransactItems"].as_array() else {
        return dynamodb(StatusCode::BAD_REQUEST, "TransactionConflictException", json!({}));
    };
    let code =
        |index| if index == 0 { json!({"Code": reason, "Message": "injected"}) } else { json!({"Code": "None"}) };
    let reasons: Vec<Value> = (0..items.len()).map(code).collect();
    dynamodb(StatusCode::BAD_REQUEST, "TransactionCanceledException", json!({"CancellationReasons": reasons}))
}

fn dynamodb(status: StatusCode, error: &str, mut body: Value) -> Response<Bytes> {
    body["__type"] = format!("com.amazonaws.dynamodb.v20120810#{error}").into();
    body["message"] = "injected".into();
    json_answer(status, &body)
}

fn json_answer(status: StatusCode, body: &Value) -> Response<Bytes> {
    answer(status, "application/x-amz-json-1.0", body.to_string())
}

fn s3(status: StatusCode, code: &str) -> Response<Bytes> {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Error><Code>{code}</Code><Message>injected</Message><RequestId>1</RequestId></Error>"
    );
    answer(status, "application/xml", body)
}

fn answer(status: StatusCode, media_type: &'static str, body: String) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(media_type));
    answer
}

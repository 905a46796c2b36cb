//! What IAM decides on: a request to AWS, as actions on resources.

use std::collections::BTreeSet;
use std::fmt;

use http::Method;
use http::request::Parts;
use serde_json::Value;

use crate::recorder::Service;
use crate::registry::EVENT_BUS;

/// An action that a role has to allow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    /// By IAM's name: `dynamodb:GetItem`.
    pub(crate) action: String,
    /// As the template names it: `Table.Arn`, `Bucket.Arn/<key>`.
    pub(crate) resource: String,
    /// The partition keys that it reaches, of an action on the table; in a transaction those of all its writes. The prefix
    /// of the keys that it lists, of an action on the bucket.
    pub(crate) leading_keys: BTreeSet<String>,
    /// Of a write in a transaction, its own one.
    pub(crate) own_key: Option<String>,
}

impl Call {
    pub(crate) fn new(action: &str, resource: &str, leading_keys: &[&str]) -> Self {
        let leading_keys = leading_keys.iter().map(|key| (*key).to_owned()).collect();
        Self { action: action.to_owned(), resource: resource.to_owned(), leading_keys, own_key: None }
    }

    /// What a request asks for; None when that isn't known.
    pub(crate) fn read(service: Service, head: &Parts, body: &[u8]) -> Option<Vec<Self>> {
        match service {
            Service::DynamoDb => on_the_table(target(head, "DynamoDB_20120810.")?, &serde_json::from_slice(body).ok()?),
            Service::S3 => on_the_bucket(head).map(|call| vec![call]),
            Service::Lambda => match head.uri.path() {
                "/2015-03-31/functions/schema1-upgrade/invocations" => {
                    Some(vec![Self::new("lambda:InvokeFunction", "Schema1UpgradeFunction.Arn", &[])])
                }
                "/2015-03-31/functions/collector/invocations" => {
                    Some(vec![Self::new("lambda:InvokeFunction", "CollectorFunction.Arn", &[])])
                }
                _ => None,
            },
            Service::EventBridge => {
                let operation = target(head, "AWSEvents.")?;
                let request: Value = serde_json::from_slice(body).ok()?;
                let entries = request["Entries"].as_array()?;
                let on_bus = |entry: &Value| {
                    let bus = entry["EventBusName"].as_str()?;
                    (bus == EVENT_BUS).then(|| Self::new(&format!("events:{operation}"), "EventBus", &[]))
                };
                entries.iter().map(on_bus).collect()
            }
            Service::SecretsManager => {
                let operation = target(head, "secretsmanager.")?;
                Some(vec![Self::new(&format!("secretsmanager:{operation}"), "PullSecret.Id", &[])])
            }
        }
    }
}

fn target<'a>(head: &'a Parts, prefix: &str) -> Option<&'a str> {
    head.headers.get("x-amz-target")?.to_str().ok()?.strip_prefix(prefix)
}

/// A transaction is authorized as the writes in it. Whether each of them counts with its own partition key or with those
/// of all isn't documented: here with all, so that a role allows it either way.
fn on_the_table(operation: &str, request: &Value) -> Option<Vec<Call>> {
    let keys = match operation {
        "GetItem" | "UpdateItem" | "DeleteItem" => vec![partition(&request["Key"])?],
        "PutItem" => vec![partition(&request["Item"])?],
        "Query" => vec![queried(request)?],
        "BatchGetItem" => {
            let keys = request["RequestItems"]["registry"]["Keys"].as_array()?;
            keys.iter().map(partition).collect::<Option<_>>()?
        }
        "TransactWriteItems" => return transaction(request["TransactItems"].as_array()?),
        _ => return None,
    };
    Some(vec![Call::new(&format!("dynamodb:{operation}"), "Table.Arn", &keys)])
}

fn transaction(items: &[Value]) -> Option<Vec<Call>> {
    let writes = items.iter().map(write).collect::<Option<Vec<_>>>()?;
    let keys: Vec<&str> = writes.iter().map(|(_, key)| *key).collect();
    let call = |(action, key): (&str, &str)| Call {
        own_key: Some(key.to_owned()),
        ..Call::new(&format!("dynamodb:{action}"), "Table.Arn", &keys)
    };
    Some(writes.into_iter().map(call).collect())
}

/// The action and the partition key of one write of a transaction.
fn write(item: &Value) -> Option<(&'static str, &str)> {
    let (kind, write) = item.as_object()?.iter().next()?;
    match kind.as_str() {
        "Put" => Some(("PutItem", partition(&write["Item"])?)),
        "Update" => Some(("UpdateItem", partition(&write["Key"])?)),
        "Delete" => Some(("DeleteItem", partition(&write["Key"])?)),
        "ConditionCheck" => Some(("ConditionCheckItem", partition(&write["Key"])?)),
        _ => None,
    }
}

fn partition(key: &Value) -> Option<&str> {
    key["pk"]["S"].as_str()
}

fn queried(request: &Value) -> Option<&str> {
    let condition = request["KeyConditionExpression"].as_str()?.strip_prefix("pk = ")?;
    request["ExpressionAttributeValues"][condition.split(' ').next()?]["S"].as_str()
}

/// Parts of an object are put like the object. What is there, and what its checksum is, is read like the object.
fn on_the_bucket(head: &Parts) -> Option<Call> {
    let key = head.uri.path().strip_prefix("/registry/")?;
    let query = head.uri.query().unwrap_or_default();
    if key.is_empty() {
        return listed(head, query);
    }
    let has = |wanted: &str| query.split('&').any(|parameter| parameter.split('=').next() == Some(wanted));
    let action = match head.method {
        Method::GET | Method::HEAD if !has("uploads") && !has("uploadId") => "GetObject",
        Method::PUT if !head.headers.contains_key("x-amz-copy-source") => "PutObject",
        Method::POST if has("uploads") || has("uploadId") => "PutObject",
        Method::DELETE if has("uploadId") => "AbortMultipartUpload",
        Method::DELETE => "DeleteObject",
        _ => return None,
    };
    Some(Call::new(&format!("s3:{action}"), &format!("Bucket.Arn/{key}"), &[]))
}

/// What begins with a prefix.
fn listed(head: &Parts, query: &str) -> Option<Call> {
    let parameters = || form_urlencoded::parse(query.as_bytes());
    let prefix = parameters().find(|(name, _)| name == "prefix").map(|(_, prefix)| prefix)?;
    let has = |wanted: &str| parameters().any(|(name, _)| name == wanted);
    let action = match head.method {
        Method::GET if has("uploads") => "s3:ListBucketMultipartUploads",
        Method::GET if has("list-type") => "s3:ListBucket",
        _ => return None,
    };
    Some(Call::new(action, "Bucket.Arn", &[prefix.as_ref()]))
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.action, self.resource)?;
        match self.leading_keys.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] => Ok(()),
            ref keys => write!(f, ", {}", keys.join(", ")),
        }
    }
}

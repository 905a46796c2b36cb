//! What table and bucket hold, whatever the registry says.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use local::faults::Service;

use crate::registry::Registry;

/// Every object is named, by a record or by the session it lies under, and every object that a record names is there.
pub(crate) async fn check_objects(registry: &Registry) {
    let (mut sessions, mut named) = (BTreeSet::new(), BTreeSet::new());
    for item in items(registry).await {
        if let Some(id) = text(&item, "sk").strip_prefix("UPLOAD#") {
            sessions.insert(id.to_owned());
        }
        if item.contains_key("object_key") {
            named.insert(text(&item, "object_key"));
        }
    }
    let objects = objects(registry).await;
    for object in &objects {
        let session = object.split('/').nth(1).unwrap();
        assert!(named.contains(object) || sessions.contains(session), "nobody knows of {object}");
    }
    for object in named {
        assert!(objects.contains(&object), "{object} is gone");
    }
}

/// How many records have a partition key that starts so.
pub(crate) async fn records(registry: &Registry, partition: &str) -> usize {
    items(registry).await.iter().filter(|item| text(item, "pk").starts_with(partition)).count()
}

type Item = std::collections::HashMap<String, AttributeValue>;

fn text(item: &Item, attribute: &str) -> String {
    item[attribute].as_s().unwrap().clone()
}

async fn items(registry: &Registry) -> Vec<Item> {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version_latest()
        .region(aws_sdk_dynamodb::config::Region::new("us-east-1"))
        .credentials_provider(aws_sdk_dynamodb::config::Credentials::new("local", "any", None, None, "test"))
        .endpoint_url(endpoint(registry, Service::DynamoDb));
    let client = aws_sdk_dynamodb::Client::from_conf(config.build());
    let (mut items, mut start) = (Vec::new(), None);
    loop {
        let page = client.scan().table_name("registry").consistent_read(true).set_exclusive_start_key(start);
        let page = page.send().await.unwrap();
        items.extend(page.items.unwrap_or_default());
        start = page.last_evaluated_key;
        if start.is_none() {
            return items;
        }
    }
}

async fn objects(registry: &Registry) -> BTreeSet<String> {
    let keys = aws_sdk_s3::config::Credentials::new("local", "local-registry-on-loopback", None, None, "test");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version_latest()
        .region(aws_sdk_s3::config::Region::new("us-east-1"))
        .credentials_provider(keys)
        .endpoint_url(endpoint(registry, Service::S3))
        .force_path_style(true);
    let client = aws_sdk_s3::Client::from_conf(config.build());
    let (mut objects, mut after) = (BTreeSet::new(), None);
    loop {
        let page = client.list_objects_v2().bucket("registry").set_start_after(after).send().await.unwrap();
        objects.extend(page.contents().iter().map(|object| object.key().unwrap().to_owned()));
        if page.is_truncated() != Some(true) {
            return objects;
        }
        after = objects.last().cloned();
    }
}

fn endpoint(registry: &Registry, service: Service) -> String {
    format!("http://{}", registry.faults.behind(service).unwrap())
}

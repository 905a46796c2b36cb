//! What table and bucket hold, whatever the registry says.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use local::faults::Service;
use protocol::Digest;

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

/// Every record's partition and sort key.
pub(crate) async fn keys(registry: &Registry) -> BTreeSet<(String, String)> {
    items(registry).await.iter().map(|item| (text(item, "pk"), text(item, "sk"))).collect()
}

/// Ids of the upload sessions that a request may still be working on: it was cut off, and nobody can know that yet.
pub(crate) async fn held_sessions(registry: &Registry) -> BTreeSet<String> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let is_held = |item: &&Item| {
        let lease = item.get("lease").map(|lease| lease.as_n().unwrap().parse::<u128>().unwrap());
        lease.is_some_and(|lease| lease > now)
    };
    let items = items(registry).await;
    let held = items.iter().filter(is_held).map(|item| text(item, "sk"));
    held.filter_map(|sk| sk.strip_prefix("UPLOAD#").map(str::to_owned)).collect()
}

/// Whether a record is there, and marked for deletion.
pub(crate) async fn is_marked(registry: &Registry, repository: &str, sk: &str) -> bool {
    let pk = format!("REPOSITORY#{repository}");
    let items = items(registry).await;
    items.iter().any(|item| text(item, "pk") == pk && text(item, "sk") == sk && item.contains_key("doomed"))
}

/// Makes a manifest's record say that it was pushed long ago.
pub(crate) async fn push_long_ago(registry: &Registry, repository: &str, digest: &Digest) {
    let record = key(&format!("REPOSITORY#{repository}"), &format!("MANIFEST#{digest}"));
    let update = table(registry).update_item().table_name("registry").set_key(Some(record));
    let update = update.update_expression("SET pushed_at = :then").condition_expression("attribute_exists(pk)");
    update.expression_attribute_values(":then", AttributeValue::N("1".to_owned())).send().await.unwrap();
}

/// Removes a record, as nothing in the registry would.
pub(crate) async fn remove(registry: &Registry, pk: &str, sk: &str) {
    table(registry).delete_item().table_name("registry").set_key(Some(key(pk, sk))).send().await.unwrap();
}

/// How many multipart uploads are begun and not ended.
pub(crate) async fn multiparts(registry: &Registry) -> usize {
    bucket(registry).list_multipart_uploads().bucket("registry").send().await.unwrap().uploads().len()
}

/// How many records have a partition key that starts so.
pub(crate) async fn records(registry: &Registry, partition: &str) -> usize {
    items(registry).await.iter().filter(|item| text(item, "pk").starts_with(partition)).count()
}

type Item = std::collections::HashMap<String, AttributeValue>;

fn text(item: &Item, attribute: &str) -> String {
    item[attribute].as_s().unwrap().clone()
}

fn key(pk: &str, sk: &str) -> Item {
    [("pk", pk), ("sk", sk)].map(|(name, text)| (name.to_owned(), AttributeValue::S(text.to_owned()))).into()
}

fn table(registry: &Registry) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version_latest()
        .region(aws_sdk_dynamodb::config::Region::new("us-east-1"))
        .credentials_provider(aws_sdk_dynamodb::config::Credentials::new("local", "any", None, None, "test"))
        .endpoint_url(endpoint(registry, Service::DynamoDb));
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

async fn items(registry: &Registry) -> Vec<Item> {
    let client = table(registry);
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

fn bucket(registry: &Registry) -> aws_sdk_s3::Client {
    let keys = aws_sdk_s3::config::Credentials::new("local", "local-registry-on-loopback", None, None, "test");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version_latest()
        .region(aws_sdk_s3::config::Region::new("us-east-1"))
        .credentials_provider(keys)
        .endpoint_url(endpoint(registry, Service::S3))
        .force_path_style(true);
    aws_sdk_s3::Client::from_conf(config.build())
}

/// Every object's key.
pub(crate) async fn objects(registry: &Registry) -> BTreeSet<String> {
    let client = bucket(registry);
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

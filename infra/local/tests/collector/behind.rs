//! What table and bucket hold, whatever the registry says.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use local::faults::Service;

use crate::bench::{ACCESS_KEY, Bench, NAME, SECRET_KEY, endpoint};

type Item = HashMap<String, AttributeValue>;

/// Everything in the table, by partition and sort key.
pub(crate) async fn items(bench: &Bench) -> BTreeMap<(String, String), Item> {
    let (mut items, mut start) = (BTreeMap::new(), None);
    loop {
        let page = table(bench).scan().table_name(NAME).consistent_read(true).set_exclusive_start_key(start);
        let page = page.send().await.unwrap();
        for item in page.items.unwrap_or_default() {
            let text = |name: &str| item[name].as_s().unwrap().clone();
            items.insert((text("pk"), text("sk")), item);
        }
        start = page.last_evaluated_key;
        if start.is_none() {
            return items;
        }
    }
}

/// Removes an item, as nothing in the registry would.
pub(crate) async fn remove(bench: &Bench, pk: &str, sk: &str) {
    let key = |text: &str| AttributeValue::S(text.to_owned());
    let delete = table(bench).delete_item().table_name(NAME).key("pk", key(pk)).key("sk", key(sk));
    delete.send().await.unwrap();
}

/// The keys of all objects.
pub(crate) async fn objects(bench: &Bench) -> BTreeSet<String> {
    let page = bucket(bench).list_objects_v2().bucket(NAME).send().await.unwrap();
    assert_ne!(page.is_truncated(), Some(true));
    page.contents().iter().map(|object| object.key().unwrap().to_owned()).collect()
}

/// How many multipart uploads are begun and not ended.
pub(crate) async fn multiparts(bench: &Bench) -> usize {
    bucket(bench).list_multipart_uploads().bucket(NAME).send().await.unwrap().uploads().len()
}

fn table(bench: &Bench) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version_latest()
        .region(aws_sdk_dynamodb::config::Region::new("us-east-1"))
        .credentials_provider(aws_sdk_dynamodb::config::Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "test"))
        .endpoint_url(endpoint(&bench.faults, Service::DynamoDb));
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

fn bucket(bench: &Bench) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version_latest()
        .region(aws_sdk_s3::config::Region::new("us-east-1"))
        .credentials_provider(aws_sdk_s3::config::Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "test"))
        .endpoint_url(endpoint(&bench.faults, Service::S3))
        .force_path_style(true);
    aws_sdk_s3::Client::from_conf(config.build())
}

/// Puts an item that can't be read, as nothing in the registry would.
pub(crate) async fn spoil(bench: &Bench, pk: &str, sk: &str) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put = table(bench).put_item().table_name(NAME).item("pk", text(pk)).item("sk", text(sk));
    put.item("deletions", text("not a number")).send().await.unwrap();
}

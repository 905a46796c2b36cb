//! What table and bucket hold, whatever the registry says.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use local::faults::{Faults, Service};

/// The names by which the local stack knows them.
const NAME: &str = "registry";
const REGION: &str = "us-east-1";
/// Keys of the embedded stores.
const KEYS: (&str, &str) = ("local", "local-registry-on-loopback");

/// Everything that is stored, to be compared.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    items: BTreeSet<String>,
    objects: BTreeSet<String>,
}

pub(crate) struct Stores {
    pub(crate) table: aws_sdk_dynamodb::Client,
    pub(crate) bucket: aws_sdk_s3::Client,
}

impl Stores {
    /// Those behind what fails.
    pub(crate) fn behind(faults: &Faults) -> Self {
        let endpoint = |service| format!("http://{}", faults.behind(service).unwrap());
        let table = aws_sdk_dynamodb::Config::builder()
            .behavior_version_latest()
            .region(aws_sdk_dynamodb::config::Region::new(REGION))
            .credentials_provider(aws_sdk_dynamodb::config::Credentials::new(KEYS.0, KEYS.1, None, None, "test"))
            .endpoint_url(endpoint(Service::DynamoDb));
        let bucket = aws_sdk_s3::Config::builder()
            .behavior_version_latest()
            .region(aws_sdk_s3::config::Region::new(REGION))
            .credentials_provider(aws_sdk_s3::config::Credentials::new(KEYS.0, KEYS.1, None, None, "test"))
            .endpoint_url(endpoint(Service::S3))
            .force_path_style(true);
        Self {
            table: aws_sdk_dynamodb::Client::from_conf(table.build()),
            bucket: aws_sdk_s3::Client::from_conf(bucket.build()),
        }
    }

    /// How a storage gets at them.
    pub(crate) fn config(&self, faults: &Faults, observer: Option<storage::Observer>) -> storage::Config {
        let endpoint = |service| Some(format!("http://{}", faults.behind(service).unwrap()));
        storage::Config {
            table: NAME.to_owned(),
            bucket: NAME.to_owned(),
            region: REGION.to_owned(),
            credentials: storage::Credentials {
                access_key_id: KEYS.0.to_owned(),
                secret_access_key: KEYS.1.to_owned(),
                session_token: None,
            },
            dynamodb_endpoint: endpoint(Service::DynamoDb),
            s3_endpoint: endpoint(Service::S3),
            policy: storage::Policy { create_on_push: true, sparse_manifests: false },
            s3_attempt_timeout: None,
            observer,
        }
    }

    pub(crate) async fn snapshot(&self) -> Snapshot {
        let items = self.items().await.into_iter();
        let items = items.map(|item| format!("{:?}", item.into_iter().collect::<BTreeMap<_, _>>())).collect();
        let (mut objects, mut after) = (BTreeSet::new(), None);
        loop {
            let page = self.bucket.list_objects_v2().bucket(NAME).set_start_after(after).send().await.unwrap();
            objects.extend(page.contents().iter().map(|object| object.key().unwrap().to_owned()));
            if page.is_truncated() != Some(true) {
                return Snapshot { items, objects };
            }
            after = objects.last().cloned();
        }
    }

    async fn items(&self) -> Vec<std::collections::HashMap<String, AttributeValue>> {
        let (mut items, mut start) = (Vec::new(), None);
        loop {
            let page = self.table.scan().table_name(NAME).consistent_read(true).set_exclusive_start_key(start);
            let page = page.send().await.unwrap();
            items.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() {
                return items;
            }
        }
    }

    /// How many records a partition has.
    pub(crate) async fn records(&self, partition: &str) -> usize {
        let items = self.items().await;
        items.iter().filter(|item| item["pk"].as_s().unwrap() == partition).count()
    }

    /// Sets an attribute of a record, which is there then.
    pub(crate) async fn set(&self, (pk, sk): (&str, &str), attribute: &str, value: AttributeValue) {
        let update = self.table.update_item().table_name(NAME);
        let update = update.key("pk", AttributeValue::S(pk.to_owned())).key("sk", AttributeValue::S(sk.to_owned()));
        let update = update.update_expression("SET #a = :v").expression_attribute_names("#a", attribute);
        update.expression_attribute_values(":v", value).send().await.unwrap();
    }

    pub(crate) async fn remove(&self, (pk, sk): (&str, &str)) {
        let delete = self.table.delete_item().table_name(NAME);
        let delete = delete.key("pk", AttributeValue::S(pk.to_owned())).key("sk", AttributeValue::S(sk.to_owned()));
        delete.send().await.unwrap();
    }
}

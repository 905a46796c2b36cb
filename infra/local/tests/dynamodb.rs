//! Embedded DynamoDB over HTTP with the real SDK.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{AttributeValue, BillingMode, TimeToLiveStatus};
use local::dynamodb::{Medium, Store};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const TABLE: &str = "registry";

struct Bench {
    client: Client,
    store: Store,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Bench {
    async fn start(medium: Medium) -> Self {
        let store = Store::open(medium).unwrap();
        store.create_table(TABLE).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let serving = store.clone();
        let server = tokio::spawn(async move {
            let shutdown = async { drop(stopped.await) };
            serving.serve(listener, shutdown).await.unwrap();
        });
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .endpoint_url(endpoint)
            .credentials_provider(Credentials::new("local", "local-secret", None, None, "test"))
            .build();
        Self { client: Client::from_conf(config), store, stop, server }
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        drop(self.client);
        self.server.await.unwrap();
    }

    async fn put(&self, sk: &str, attribute: &str, value: AttributeValue) {
        let put = self.client.put_item().table_name(TABLE).item("pk", text("REPOSITORY#a")).item("sk", text(sk));
        put.item(attribute, value).send().await.unwrap();
    }

    async fn get(&self, sk: &str) -> Option<std::collections::HashMap<String, AttributeValue>> {
        let get = self.client.get_item().table_name(TABLE).key("pk", text("REPOSITORY#a")).key("sk", text(sk));
        get.consistent_read(true).send().await.unwrap().item
    }
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn table_is_of_the_registrys_form() {
    let bench = Bench::start(Medium::Memory).await;
    let table = bench.client.describe_table().table_name(TABLE).send().await.unwrap().table.unwrap();
    let keys: Vec<&str> = table.key_schema().iter().map(|key| key.attribute_name()).collect();
    assert_eq!(keys, ["pk", "sk"]);
    assert_eq!(table.billing_mode_summary().unwrap().billing_mode(), Some(&BillingMode::PayPerRequest));
    assert!(table.stream_specification().is_none());
    let expiry = bench.client.describe_time_to_live().table_name(TABLE).send().await.unwrap();
    let expiry = expiry.time_to_live_description.unwrap();
    assert_eq!(expiry.time_to_live_status(), Some(&TimeToLiveStatus::Enabled));
    assert_eq!(expiry.attribute_name(), Some("expires_at"));
}

#[tokio::test(flavor = "multi_thread")]
async fn restart_keeps_items() {
    let root = TempDir::new().unwrap();
    let medium = Medium::File(root.path().join("dynamodb.sqlite"));
    let bench = Bench::start(medium.clone()).await;
    bench.put("SETTINGS", "created", text("today")).await;
    bench.stop().await;

    let bench = Bench::start(medium).await;
    assert_eq!(bench.get("SETTINGS").await.unwrap()["created"], text("today"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sweep_removes_what_has_expired() {
    let bench = Bench::start(Medium::Memory).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    bench.put("past", "expires_at", AttributeValue::N((now - 10).to_string())).await;
    bench.put("future", "expires_at", AttributeValue::N((now + 1000).to_string())).await;
    bench.put("never", "other", text("value")).await;
    assert_eq!(bench.store.sweep().unwrap(), 1);
    assert!(bench.get("past").await.is_none());
    assert!(bench.get("future").await.is_some());
    assert!(bench.get("never").await.is_some());
}

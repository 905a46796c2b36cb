//! Stores, handlers and the background function, side by side.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use access::{Access, Origin};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use local::faults::{Faults, Service};
use local::gateway::{Invoke, InvokeError};
use local::lambda::serve_invoke_api;
use manifest_get::ManifestGet;
use manifest_put::ManifestPut;
use protocol::{Digest, Function, RepositoryName};
use runtime::{
    Background, BackgroundConfig, Deadline, Gate, Handler, Incoming, Job as _, JobError, Response, Schema1Upgrade,
};
use schema1_upgrade::Upgrade;
use serde_json::{Value, json};
use storage::{Config, Credentials, LayerContent, Storage};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

pub(crate) const SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+json";
pub(crate) const SCHEMA2: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(crate) const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

const NAME: &str = "registry";

/// When less of the function's time is left, it begins nothing new.
pub(crate) const TOO_LATE: Duration = Duration::from_secs(29);

/// Operations of AWS and how often each was called.
pub(crate) type Calls = BTreeMap<String, usize>;

pub(crate) struct Bench {
    pub(crate) storage: Arc<Storage>,
    pub(crate) name: RepositoryName,
    config: Config,
    background: Background,
    manifest_get: ManifestGet,
    manifest_put: ManifestPut,
    started: mpsc::UnboundedReceiver<Schema1Upgrade>,
    calls: Arc<Mutex<Calls>>,
    slow: Arc<Mutex<Option<Deadline>>>,
    _stop: watch::Sender<bool>,
}

/// Lambda takes the events; what becomes of them is up to the test.
struct Events(mpsc::UnboundedSender<Schema1Upgrade>);

impl Invoke for Events {
    fn invoke(&self, function: Function, event: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, InvokeError>> {
        assert_eq!(function, Function::Schema1Upgrade);
        self.0.send(serde_json::from_slice(&event).unwrap()).unwrap();
        Box::pin(async { Ok(b"null".to_vec()) })
    }
}

impl Bench {
    pub(crate) async fn start() -> Self {
        Self::behind(&Faults::default()).await
    }

    /// With this in front of both stores.
    pub(crate) async fn behind(faults: &Faults) -> Self {
        let s3 = local::s3::Store::open(local::s3::Medium::Memory).unwrap();
        s3.create_bucket(NAME).unwrap();
        let keys = local::s3::Credentials { access_key: "test".into(), secret_key: "test".into() };
        let (listener, behind) = listen().await;
        tokio::spawn(async move { s3.serve(listener, &keys, std::future::pending()).await });
        let s3_endpoint = stand_before(faults, Service::S3, behind).await;

        let dynamodb = local::dynamodb::Store::open(local::dynamodb::Medium::Memory).unwrap();
        dynamodb.create_table(NAME).unwrap();
        let (listener, behind) = listen().await;
        tokio::spawn(async move { dynamodb.serve(listener, std::future::pending()).await });
        let dynamodb_endpoint = stand_before(faults, Service::DynamoDb, behind).await;

        let (listener, address) = listen().await;
        let lambda_endpoint = url(address);
        let (sender, started) = mpsc::unbounded_channel();
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(serve_invoke_api(listener, Arc::new(Events(sender)), [Duration::ZERO; 2], stopped));

        let calls = Arc::new(Mutex::new(Calls::new()));
        let slow = Arc::new(Mutex::new(None::<Deadline>));
        let (counted, slowed) = (calls.clone(), slow.clone());
        let observer = move |_: &str, operation: &str| {
            let mut calls = counted.lock().unwrap();
            *calls.entry(operation.to_owned()).or_default() += 1;
            let is_record = operation == "UpdateItem" && calls.contains_key("GetObject");
            drop(calls);
            if let Some(deadline) = slowed.lock().unwrap().filter(|_| is_record) {
                std::thread::sleep(deadline.remaining().saturating_sub(TOO_LATE));
            }
        };
        let config = Config {
            table: NAME.into(),
            bucket: NAME.into(),
            region: "us-east-1".into(),
            credentials: Credentials {
                access_key_id: "test".into(),
                secret_access_key: "test".into(),
                session_token: None,
            },
            dynamodb_endpoint: Some(dynamodb_endpoint),
            s3_endpoint: Some(s3_endpoint),
            policy: storage::Policy { create_on_push: true, sparse_manifests: false },
            observer: Some(Arc::new(observer)),
            s3_attempt_timeout: None,
        };
        let functions = BackgroundConfig {
            schema1_upgrade: Some(Function::Schema1Upgrade.name().to_owned()),
            collector: None,
            lambda_endpoint: Some(lambda_endpoint),
        };
        let background = Background::new(&functions, &config);
        let storage = Arc::new(Storage::new(&config));
        Self {
            name: "team/app".parse().unwrap(),
            manifest_get: ManifestGet::new(storage.clone(), background.clone()),
            manifest_put: ManifestPut::new(storage.clone(), background.clone()),
            storage,
            config,
            background,
            started,
            calls,
            slow,
            _stop: stop,
        }
    }

    pub(crate) async fn push_blob(&self, bytes: impl Into<Bytes>) -> Digest {
        let bytes = bytes.into();
        let digest = Digest::sha256(&bytes);
        self.storage.put_blob(&self.name, &digest, bytes).await.unwrap();
        digest
    }

    /// Pushes a schema 1 image with these layers, the oldest first, and returns what was started by that.
    pub(crate) async fn push(&mut self, tag: &str, layers: &[&Digest]) -> Schema1Upgrade {
        let manifest = schema1(layers);
        assert_eq!(self.put(tag, SCHEMA1, &manifest).await.status(), 201);
        let event = self.started().await;
        assert_eq!(event, Schema1Upgrade { repository: self.name.clone(), digest: Digest::sha256(&manifest) });
        event
    }

    pub(crate) async fn put(&self, reference: &str, media_type: &str, manifest: &[u8]) -> Response {
        self.ask(&self.manifest_put, "PUT", reference, "content-type", media_type, manifest).await
    }

    pub(crate) async fn pull(&self, reference: &str, accept: &str) -> Response {
        self.ask(&self.manifest_get, "GET", reference, "accept", accept, b"").await
    }

    pub(crate) async fn head(&self, reference: &str, accept: &str) -> Response {
        self.ask(&self.manifest_get, "HEAD", reference, "accept", accept, b"").await
    }

    async fn ask(
        &self,
        handler: &impl Handler,
        method: &str,
        reference: &str,
        header: &'static str,
        value: &str,
        body: &[u8],
    ) -> Response {
        let body = Ok(Bytes::copy_from_slice(body));
        let incoming = Incoming {
            method: method.to_owned(),
            path: format!("/v2/{}/manifests/{reference}", self.name),
            query: String::new(),
            headers: HeaderMap::from_iter([(header.parse().unwrap(), value.parse().unwrap())]),
            body: Box::pin(futures_util::stream::iter([body])),
            origin: Origin::new("registry.example.com", true),
            id: "request".to_owned(),
            iam: None,
        };
        let gate = Gate::new(Access::Open, self.storage.clone());
        runtime::answer(handler, &gate, incoming).await.response
    }

    /// The next event that Lambda was given.
    pub(crate) async fn started(&mut self) -> Schema1Upgrade {
        self.started.recv().await.unwrap()
    }

    /// That no event is left. What was started before an event of ours comes before it, as tasks run in their order here.
    #[track_caller]
    pub(crate) fn assert_nothing_started(&mut self) -> impl Future<Output = ()> {
        let location = std::panic::Location::caller();
        async move {
            let last = Schema1Upgrade { repository: "the/last".parse().unwrap(), digest: Digest::sha256(b"last") };
            self.background.start_schema1_upgrade(&last).await.unwrap();
            assert_eq!(self.started().await, last, "{location}");
        }
    }

    /// Runs the background function, as long as it may take.
    pub(crate) async fn run(&self, event: &Schema1Upgrade) {
        self.run_until(event, Deadline::after(Duration::from_secs(15 * 60))).await.unwrap();
    }

    pub(crate) async fn run_until(&self, event: &Schema1Upgrade, deadline: Deadline) -> Result<(), JobError> {
        self.upgrade().run(event.clone(), deadline).await
    }

    /// Lets what was found in the first layer take so long to record that it is too late to begin another one.
    pub(crate) fn slow_down(&self, deadline: Deadline) {
        self.calls();
        *self.slow.lock().unwrap() = Some(deadline);
    }

    pub(crate) fn upgrade(&self) -> Upgrade {
        Upgrade::new(self.storage.clone(), self.background.clone())
    }

    /// The function when S3 doesn't answer.
    pub(crate) async fn upgrade_without_s3(&self) -> Upgrade {
        let (listener, address) = listen().await;
        drop(listener);
        let config = Config { s3_endpoint: Some(url(address)), ..self.config.clone() };
        Upgrade::new(Arc::new(Storage::new(&config)), self.background.clone())
    }

    pub(crate) async fn content(&self, layer: &Digest) -> LayerContent {
        self.storage.layers(&self.name, std::slice::from_ref(layer)).await.unwrap()[layer].content.clone()
    }

    /// The operations that were called since the last time.
    pub(crate) fn calls(&self) -> Calls {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    /// How many objects, or pieces of them, were read since the last time.
    pub(crate) fn reads(&self) -> usize {
        self.calls().remove("GetObject").unwrap_or_default()
    }

    /// Removes a blob's object behind the registry's back.
    pub(crate) async fn remove_object(&self, digest: &Digest) {
        let blob = self.storage.blob(&self.name, digest).await.unwrap().unwrap();
        let keys = aws_sdk_s3::config::Credentials::new("test", "test", None, None, "test");
        let config = aws_sdk_s3::Config::builder()
            .behavior_version_latest()
            .region(aws_sdk_s3::config::Region::new("us-east-1"))
            .credentials_provider(keys)
            .endpoint_url(self.config.s3_endpoint.as_deref().unwrap())
            .force_path_style(true)
            .build();
        let client = aws_sdk_s3::Client::from_conf(config);
        client.delete_object().bucket(NAME).key(blob.object).send().await.unwrap();
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// Puts what fails, or counts, in front of a store, and gives the URL to reach it by.
async fn stand_before(faults: &Faults, service: Service, behind: SocketAddr) -> String {
    let (listener, address) = listen().await;
    let faults = faults.clone();
    tokio::spawn(async move { faults.serve(service, listener, behind, std::future::pending()).await });
    url(address)
}

/// An unsigned schema 1 image with these layers, the oldest first.
pub(crate) fn schema1(layers: &[&Digest]) -> Vec<u8> {
    let id = |number: usize| format!("{number:064x}");
    let history = (0..layers.len()).rev().map(|number| {
        let mut entry = json!({"id": id(number), "created": "2015-10-21T07:28:00Z", "os": "linux"});
        if number > 0 {
            entry["parent"] = json!(id(number - 1));
        }
        json!({"v1Compatibility": entry.to_string()})
    });
    let manifest = json!({
        "schemaVersion": 1,
        "name": "team/app",
        "tag": "latest",
        "architecture": "amd64",
        "fsLayers": layers.iter().rev().map(|digest| json!({"blobSum": digest})).collect::<Vec<_>>(),
        "history": history.collect::<Vec<_>>(),
    });
    manifest.to_string().into_bytes()
}

pub(crate) fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    let value = response.headers().get(name).unwrap_or_else(|| panic!("no {name} in {:?}", response.headers()));
    value.to_str().unwrap()
}

pub(crate) fn body(response: &Response) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

/// The message of an error.
#[track_caller]
pub(crate) fn error(response: &Response, status: u16) -> String {
    assert_eq!(response.status(), status, "{}", String::from_utf8_lossy(response.body()));
    body(response)["errors"][0]["message"].as_str().unwrap().to_owned()
}

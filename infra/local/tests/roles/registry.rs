//! A registry whose functions have endpoints of AWS of their own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use access::Access;
use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use http_body_util::Full;
use local::faults::{self, Faults};
use local::gateway::{self, Gateway, Invoke as _, InvokeError};
use local::iam::{self, Identities, Identity, Secrets};
use local::lambda::{ProcessFunctions, ProcessOptions, RETRY_PAUSES, serve_invoke_api};
use protocol::{Digest, Function};
use storage::Storage;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::call::Call;
use crate::recorder::{Calls, Service};

pub(crate) const REGION: &str = "us-east-1";
/// Of table and bucket.
const NAME: &str = "registry";
/// In Secrets Manager.
const PULL_SECRET: &str = "pull";
/// Of the bus that is told of what happens.
pub(crate) const EVENT_BUS: &str = "images";
/// The password in it.
pub(crate) const PULL_PASSWORD: &str = "pulled with a secret for ECS";

/// How long a function may take to do what it does after its answer.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Registry {
    pub(crate) address: SocketAddr,
    /// Everything in it, whatever a role says.
    pub(crate) storage: Storage,
    /// Somebody in IAM.
    pub(crate) identity: Identity,
    /// Between the functions and the stores.
    pub(crate) faults: Faults,
    dynamodb: aws_sdk_dynamodb::Client,
    calls: Calls,
    functions: Arc<ProcessFunctions>,
    stop: watch::Sender<bool>,
}

impl Registry {
    pub(crate) async fn start(access: Access) -> Self {
        let (stop, stopped) = watch::channel(false);
        let role = Identity::generate("role").unwrap();
        let identity = Identity::generate("somebody").unwrap();
        let (invocations, lambda) = listen().await;
        let faults = Faults::default();
        let dynamodb = serve_dynamodb().await;
        let upstream = [
            (Service::DynamoDb, stand_before(&faults, faults::Service::DynamoDb, dynamodb).await),
            (Service::S3, stand_before(&faults, faults::Service::S3, serve_s3(&role).await).await),
            (Service::Lambda, lambda),
            (Service::SecretsManager, serve_secrets(&role, &stopped).await),
            (Service::EventBridge, serve_events(&stopped).await),
        ];

        let calls = Calls::default();
        let mut environments = BTreeMap::new();
        for &function in Function::ALL {
            let mut environment = environment(access, function, &role);
            for (service, upstream) in upstream {
                let endpoint = calls.stand_before(function, service, upstream, stopped.clone()).await;
                environment.push((service.variable(), format!("http://{endpoint}")));
            }
            environments.insert(function, environment);
        }
        let start = move |function| {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--ignored", "--exact", "--nocapture", "function"]);
            command.envs(environments[&function].iter().cloned()).stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        let functions = Arc::new(ProcessFunctions::start(start, ProcessOptions::default()));
        tokio::spawn(serve_invoke_api(invocations, functions.clone(), RETRY_PAUSES, stopped.clone()));

        let identities = Some(Arc::new(Identities::new(REGION, [identity.clone()])));
        let options = gateway::Options { identities, ..gateway::Options::default() };
        let gateway = Arc::new(Gateway::new(gateway::TEMPLATE, options, functions.clone()).unwrap());
        let (listener, address) = listen().await;
        let answer = move |request, peer| {
            let gateway = gateway.clone();
            async move { gateway.handle(request, peer).await }
        };
        tokio::spawn(serve::serve(listener, answer, Duration::ZERO, stopped));
        let (storage, dynamodb) = unrecorded(dynamodb);
        Self { address, storage, identity, faults, dynamodb, calls, functions, stop }
    }

    /// Waits for calls that functions make after they have answered.
    pub(crate) async fn until_called(&self, function: Function, action: &str) {
        let begin = Instant::now();
        while !self.calls.has(function, action) {
            assert!(begin.elapsed() < PATIENCE, "{} never calls {action}", function.name());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Starts the collector, as its schedule does, and waits for its end. Without grace it removes whatever is marked.
    pub(crate) async fn collect(&self) -> Result<Vec<u8>, InvokeError> {
        self.functions.invoke(Function::Collector, b"{}".to_vec()).await
    }

    /// Has it go on behind a repository.
    pub(crate) async fn collect_after(&self, repository: &str) -> Result<Vec<u8>, InvokeError> {
        let event = serde_json::json!({"after": repository});
        self.functions.invoke(Function::Collector, event.to_string().into_bytes()).await
    }

    /// Removes a manifest's record, as nothing in the registry would.
    pub(crate) async fn lose_manifest(&self, name: &str, digest: &Digest) {
        let key = |text: String| AttributeValue::S(text);
        let lose = self.dynamodb.delete_item().table_name(NAME).key("pk", key(format!("REPOSITORY#{name}")));
        lose.key("sk", key(format!("MANIFEST#{digest}"))).send().await.unwrap();
    }

    /// What the functions called.
    pub(crate) fn stop(self) -> Vec<(Function, Call)> {
        self.stop.send_replace(true);
        self.calls.take()
    }

    /// Makes the registry forget what is in a layer.
    pub(crate) async fn forget_layer(&self, layer: &Digest) {
        let key = |text: &str| AttributeValue::S(text.to_owned());
        let forget = self.dynamodb.delete_item().table_name(NAME).key("pk", key(&format!("BLOB#{layer}")));
        forget.key("sk", key("LAYER")).send().await.unwrap();
    }
}

/// What the template tells every function. What it tells only one isn't read by others.
fn environment(access: Access, function: Function, role: &Identity) -> Vec<(&'static str, String)> {
    let mut environment = vec![
        ("REGISTRY_TABLE", NAME.to_owned()),
        ("REGISTRY_BUCKET", NAME.to_owned()),
        ("REGISTRY_ACCESS", access.as_str().to_owned()),
        ("REGISTRY_CREATE_ON_PUSH", "true".to_owned()),
        ("REGISTRY_PLAIN_HTTP", "true".to_owned()),
        ("REGISTRY_SCHEMA1_UPGRADE", Function::Schema1Upgrade.name().to_owned()),
        ("REGISTRY_COLLECTOR", Function::Collector.name().to_owned()),
        ("REGISTRY_GRACE", "0".to_owned()),
        ("REGISTRY_EVENT_BUS", EVENT_BUS.to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", role.access_key_id.clone()),
        ("AWS_SECRET_ACCESS_KEY", role.secret_access_key.clone()),
    ];
    if function == Function::Auth {
        environment.push(("REGISTRY_PULL_SECRET", PULL_SECRET.to_owned()));
        environment.push(("REGISTRY_PULL_PATTERN", "*".to_owned()));
    }
    environment
}

/// The table, past every recorder.
fn unrecorded(dynamodb: SocketAddr) -> (Storage, aws_sdk_dynamodb::Client) {
    let endpoint = format!("http://{dynamodb}");
    let keys = aws_sdk_dynamodb::config::Credentials::new("test", "test", None, None, "test");
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version_latest()
        .region(aws_sdk_dynamodb::config::Region::new(REGION))
        .credentials_provider(keys)
        .endpoint_url(&endpoint);
    let credentials =
        storage::Credentials { access_key_id: "test".into(), secret_access_key: "test".into(), session_token: None };
    let storage = Storage::new(&storage::Config {
        table: NAME.to_owned(),
        bucket: NAME.to_owned(),
        region: REGION.to_owned(),
        credentials,
        dynamodb_endpoint: Some(endpoint),
        s3_endpoint: None,
        policy: storage::Policy::default(),
        s3_attempt_timeout: None,
        observer: None,
    });
    (storage, aws_sdk_dynamodb::Client::from_conf(config.build()))
}

async fn serve_dynamodb() -> SocketAddr {
    let store = local::dynamodb::Store::open(local::dynamodb::Medium::Memory).unwrap();
    store.create_table(NAME).unwrap();
    let (listener, address) = listen().await;
    tokio::spawn(async move { store.serve(listener, std::future::pending()).await });
    address
}

async fn serve_s3(role: &Identity) -> SocketAddr {
    let store = local::s3::Store::open(local::s3::Medium::Memory).unwrap();
    store.create_bucket(NAME).unwrap();
    let (access_key, secret_key) = (role.access_key_id.clone(), role.secret_access_key.clone());
    let keys = local::s3::Credentials { access_key, secret_key };
    let (listener, address) = listen().await;
    tokio::spawn(async move { store.serve(listener, &keys, std::future::pending()).await });
    address
}

/// Takes every event.
async fn serve_events(stopped: &watch::Receiver<bool>) -> SocketAddr {
    let (listener, address) = listen().await;
    let answer = |_: ::http::Request<_>, _| async {
        let taken = r#"{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}"#;
        let answer = ::http::Response::builder().header("Content-Type", "application/x-amz-json-1.1");
        answer.body(Full::new(Bytes::from_static(taken.as_bytes()))).unwrap()
    };
    tokio::spawn(serve::serve(listener, answer, Duration::ZERO, stopped.clone()));
    address
}

/// Where calls fail when a test wants them to.
async fn stand_before(faults: &Faults, service: faults::Service, upstream: SocketAddr) -> SocketAddr {
    let (listener, address) = listen().await;
    let faults = faults.clone();
    tokio::spawn(async move { faults.serve(service, listener, upstream, std::future::pending()).await });
    address
}

async fn serve_secrets(role: &Identity, stopped: &watch::Receiver<bool>) -> SocketAddr {
    let secrets = Secrets::open(REGION, iam::Medium::Memory).unwrap();
    let value = serde_json::json!({"username": "ecs", "password": PULL_PASSWORD});
    secrets.create(PULL_SECRET, &value.to_string(), None).unwrap();
    let identities = Arc::new(Identities::new(REGION, [role.clone()]));
    let (listener, address) = listen().await;
    tokio::spawn(iam::serve(listener, identities, Arc::new(secrets), stopped.clone()));
    address
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

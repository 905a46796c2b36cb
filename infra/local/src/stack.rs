//! Everything together.

use std::fs::{File, TryLockError};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use access::Access;
use collector::Collector;
use protocol::Function;
use runtime::{Background, BackgroundConfig, Events, EventsConfig, Gate, PullSecretConfig, Pulls};
use storage::{Credentials, Observer, Policy, Storage};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::announcer::Announcer;
use crate::collection::{Collection, Schedule};
use crate::faults::{Faults, Service};
use crate::front::Front;
use crate::functions::{FunctionsMode, InProcess, command};
use crate::gateway::{self, Gateway, Invoke};
use crate::lambda::{ProcessFunctions, ProcessOptions, RETRY_PAUSES, serve_invoke_api};
use crate::login::{self, Desk, Login, LoginError, Prepared};
use crate::{dynamodb, iam, s3};

const TABLE: &str = "registry";
const BUCKET: &str = "registry";
const REGION: &str = "us-east-1";

/// How long running requests may take to finish when the stack stops.
const GRACE: Duration = Duration::from_secs(10);

/// Where the data is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// A directory, made if absent. It survives a restart.
    Directory(PathBuf),
    /// The heap. Nothing survives.
    Memory,
}

/// How the stack runs.
#[derive(Clone)]
pub struct Options {
    /// Port on 127.0.0.1; 0 for a free one.
    pub port: u16,
    /// Where the data is kept.
    pub data: Data,
    /// Whether the streaming front stands before the gateway.
    pub front: bool,
    /// How the functions run.
    pub functions: FunctionsMode,
    /// How it asks who somebody is; None when it is open to everybody who reaches it.
    pub login: Option<Login>,
    /// What repositories let happen that have no settings of their own.
    pub policy: Policy,
    /// When the collector runs; None when it never does.
    pub collection: Option<Collection>,
    /// Who is told what happens to images.
    pub events: EventsConfig,
    /// Told about each call to S3 and DynamoDB that this process makes: all of them, when the functions run in it.
    pub observer: Option<Observer>,
    /// What fails between the registry and its stores, in tests.
    pub faults: Option<Faults>,
}

/// Who is let in, and by what.
struct Entrance {
    access: Access,
    token_lifetime: u64,
    pull_secret: Option<PullSecretConfig>,
    identities: Option<Arc<iam::Identities>>,
    desk: Option<Desk>,
}

impl Default for Entrance {
    fn default() -> Self {
        let token_lifetime = runtime::TOKEN_LIFETIME;
        Self { access: Access::Open, token_lifetime, pull_secret: None, identities: None, desk: None }
    }
}

/// Why the stack didn't start. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else listens there.
    #[error("port {0} on 127.0.0.1 is in use: choose another one with --port")]
    PortInUse(u16),
    /// The system doesn't let us listen.
    #[error("can't listen on 127.0.0.1:{0}: {1}")]
    Listen(u16, std::io::Error),
    /// The directory can't be made or written to.
    #[error("can't write to {directory}: {1}; choose another directory with --data-dir", directory = .0.display())]
    Directory(PathBuf, std::io::Error),
    /// Another registry runs on the directory.
    #[error("{} is in use by another lambda-registry: stop it, or choose another directory with --data-dir", .0.display())]
    DirectoryInUse(PathBuf),
    /// The embedded DynamoDB can't open its file.
    #[error("the embedded DynamoDB: {0}")]
    DynamoDb(#[from] dynamodb::Error),
    /// What is needed to log in can't be had.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// The deployment's template is one that the gateway refuses.
    #[error("template.yaml: {0}")]
    Template(#[from] gateway::TemplateError),
}

/// A running registry. It stops with [`Stack::stop`], and without grace when it is dropped.
pub struct Stack {
    address: SocketAddr,
    stop_front: watch::Sender<bool>,
    stop_stores: watch::Sender<bool>,
    front: JoinHandle<()>,
    stores: Vec<JoinHandle<()>>,
    collector: Option<Schedule>,
    desk: Option<Desk>,
    announcer: Announcer,
    // Held until the stores are closed.
    _lock: Option<File>,
}

impl Stack {
    /// Starts everything; when this returns, requests are answered.
    ///
    /// # Errors
    /// When the port or the directory can't be had.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let listener = listen(options.port).await?;
        let address = listener.local_addr().map_err(|error| StartError::Listen(options.port, error))?;
        let lock = match &options.data {
            Data::Directory(directory) => Some(lock(directory)?),
            Data::Memory => None,
        };

        let (stop_stores, stores_stop) = watch::channel(false);
        let credentials = credentials();
        let (objects, s3_address) = serve_s3(&options.data, &credentials, stores_stop.clone()).await?;
        let (records, dynamodb_address) = serve_dynamodb(&options.data, stores_stop.clone()).await?;
        let mut stores = vec![objects, records];
        let (mut s3_endpoint, mut dynamodb_endpoint) = (s3_address, dynamodb_address);
        if let Some(faults) = &options.faults {
            for (service, endpoint) in [(Service::S3, &mut s3_endpoint), (Service::DynamoDb, &mut dynamodb_endpoint)] {
                stores.push(stand_before(faults, service, endpoint, stores_stop.clone()).await?);
            }
        }
        let config = storage::Config {
            table: TABLE.to_owned(),
            bucket: BUCKET.to_owned(),
            region: REGION.to_owned(),
            credentials,
            dynamodb_endpoint: Some(format!("http://{dynamodb_endpoint}")),
            s3_endpoint: Some(format!("http://{s3_endpoint}")),
            policy: options.policy,
            s3_attempt_timeout: options.faults.as_ref().and_then(Faults::s3_attempt_timeout),
            observer: options.observer.clone(),
        };

        let storage = Arc::new(Storage::new(&config));
        let mut entrance = Entrance::default();
        if let Some(login) = &options.login {
            let prepared = Prepared::new(login, &options.data, REGION, &config.credentials)?;
            let listener = listen(0).await?;
            let aws = listener.local_addr().map_err(|error| StartError::Listen(0, error))?;
            let Prepared { identity, identities, callers, secrets } = prepared;
            stores.push(tokio::spawn(iam::serve(listener, callers, secrets, stores_stop.clone())));
            let desk = login::set_up(&storage, identity, (dynamodb_address, aws), (TABLE, REGION)).await?;
            if let Data::Directory(directory) = &options.data {
                desk.write_environment(directory).map_err(LoginError::from)?;
            }
            let pull_secret = Some(login::pull_secret(login, aws));
            let token_lifetime = login.token_lifetime;
            entrance = Entrance {
                access: Access::Login,
                token_lifetime,
                pull_secret,
                identities: Some(identities),
                desk: Some(desk),
            };
        }
        let Entrance { access, token_lifetime, pull_secret, identities, desk } = entrance;
        let gate = Arc::new(Gate::new(access, storage.clone()));

        let lambda = listen(0).await?;
        let lambda_address = lambda.local_addr().map_err(|error| StartError::Listen(0, error))?;
        let background = BackgroundConfig {
            schema1_upgrade: Some(Function::Schema1Upgrade.name().to_owned()),
            collector: Some(Function::Collector.name().to_owned()),
            lambda_endpoint: Some(format!("http://{lambda_address}")),
        };
        let announcer = Announcer::new(Events::new(&options.events, &config), Pulls::new(storage.clone()));
        let functions: Arc<dyn Invoke> = match &options.functions {
            FunctionsMode::InProcess => {
                let background = Background::new(&background, &config);
                let pull_secret = pull_secret.map(|secret| (secret, config.region.clone(), config.credentials.clone()));
                let settings = auth::Settings { access, token_lifetime, pull_secret };
                let grace = options.collection.map_or(collector::GRACE, |collection| collection.grace);
                let collector = Collector::new(storage.clone(), background.clone(), grace);
                Arc::new(InProcess::new(&storage, &background, &gate, settings, collector, &announcer))
            }
            mode @ (FunctionsMode::Processes | FunctionsMode::Binaries(_)) => {
                let mode = mode.clone();
                let mut environment = environment(&config, &background);
                environment.extend(entrance_environment(access, token_lifetime, pull_secret.as_ref()));
                environment.extend(events_environment(&options.events));
                let process_options = ProcessOptions { environment, ..ProcessOptions::default() };
                Arc::new(ProcessFunctions::start(move |function| command(&mode, function), process_options))
            }
        };
        let (stop_front, front_stops) = watch::channel(false);
        let invocations = tokio::spawn(serve_invoke_api(lambda, functions.clone(), RETRY_PAUSES, front_stops.clone()));
        let gateway =
            Gateway::new(gateway::TEMPLATE, gateway::Options { identities, ..gateway::Options::default() }, functions)?;
        let collector = options.collection.map(|collection| collection.start(storage.clone()));
        let uploads = options.front.then(|| Arc::new(blob_upload::BlobUpload::new(storage)));
        let front = Arc::new(Front { gateway, uploads, gate });
        let answer = move |request, peer| {
            let front = front.clone();
            async move { front.handle(request, peer).await }
        };
        let front = tokio::spawn(serve::serve(listener, answer, GRACE, front_stops));
        stores.push(invocations);
        Ok(Self { address, stop_front, stop_stores, front, stores, collector, desk, announcer, _lock: lock })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What is needed to log in; None when nobody has to.
    pub fn desk(&self) -> Option<&Desk> {
        self.desk.as_ref()
    }

    /// Waits until everything that was done so far has been told, or given up: events, and when images were pulled. That
    /// happens after the answers.
    pub async fn told(&self) {
        self.announcer.finish().await;
    }

    /// Lets running requests finish, then closes the stores.
    pub async fn stop(self) {
        self.stop_front.send_replace(true);
        wait(self.front).await;
        self.announcer.finish().await;
        drop(self.collector);
        self.stop_stores.send_replace(true);
        for store in self.stores {
            wait(store).await;
        }
    }
}

async fn wait(task: JoinHandle<()>) {
    if let Err(error) = task.await {
        tracing::error!(%error, "a part of the registry failed while it stopped");
    }
}

async fn listen(port: u16) -> Result<TcpListener, StartError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => StartError::PortInUse(port),
        _ => StartError::Listen(port, error),
    })
}

/// One registry a directory: two would overwrite each other's records.
fn lock(directory: &PathBuf) -> Result<File, StartError> {
    let unusable = |error| StartError::Directory(directory.clone(), error);
    std::fs::create_dir_all(directory).map_err(unusable)?;
    let file = File::create(directory.join("lock")).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::DirectoryInUse(directory.clone())),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

/// Keys for the embedded stores: they listen on loopback and hold what anybody there may have.
fn credentials() -> Credentials {
    Credentials {
        access_key_id: "local".to_owned(),
        // Signed URLs outlive a restart only if it stays the same.
        secret_access_key: "local-registry-on-loopback".to_owned(),
        session_token: None,
    }
}

/// What a function's process is told, as the template tells it in Lambda.
fn environment(config: &storage::Config, background: &BackgroundConfig) -> Vec<(String, String)> {
    let flag = |set| if set { "true" } else { "false" };
    let variables = [
        ("REGISTRY_TABLE", config.table.as_str()),
        ("REGISTRY_BUCKET", &config.bucket),
        ("REGISTRY_PLAIN_HTTP", "true"),
        ("REGISTRY_CREATE_ON_PUSH", flag(config.policy.create_on_push)),
        ("REGISTRY_SPARSE_MANIFESTS", flag(config.policy.sparse_manifests)),
        ("AWS_REGION", &config.region),
        ("AWS_ACCESS_KEY_ID", &config.credentials.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &config.credentials.secret_access_key),
        ("AWS_ENDPOINT_URL_DYNAMODB", config.dynamodb_endpoint.as_deref().unwrap_or_default()),
        ("AWS_ENDPOINT_URL_S3", config.s3_endpoint.as_deref().unwrap_or_default()),
        ("AWS_ENDPOINT_URL_LAMBDA", background.lambda_endpoint.as_deref().unwrap_or_default()),
        ("REGISTRY_SCHEMA1_UPGRADE", background.schema1_upgrade.as_deref().unwrap_or_default()),
        ("REGISTRY_COLLECTOR", background.collector.as_deref().unwrap_or_default()),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

/// The same of who is let in.
fn entrance_environment(
    access: Access,
    token_lifetime: u64,
    pull_secret: Option<&PullSecretConfig>,
) -> Vec<(String, String)> {
    let mut variables =
        vec![("REGISTRY_ACCESS", access.as_str().to_owned()), ("REGISTRY_TOKEN_LIFETIME", token_lifetime.to_string())];
    if let Some(secret) = pull_secret {
        variables.push(("REGISTRY_PULL_SECRET", secret.id.clone()));
        variables.push(("REGISTRY_PULL_PATTERN", secret.repositories.to_string()));
        variables.push(("AWS_ENDPOINT_URL_SECRETS_MANAGER", secret.endpoint.clone().unwrap_or_default()));
    }
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The same of who is told. A process inherits variables of ours, so it is told also that there is nobody.
fn events_environment(events: &EventsConfig) -> [(String, String); 2] {
    let variables =
        [("REGISTRY_EVENT_BUS", events.bus.as_deref()), ("AWS_ENDPOINT_URL_EVENTBRIDGE", events.endpoint.as_deref())];
    variables.map(|(name, value)| (name.to_owned(), value.unwrap_or_default().to_owned()))
}

async fn serve_s3(
    data: &Data,
    credentials: &Credentials,
    mut stop: watch::Receiver<bool>,
) -> Result<(JoinHandle<()>, SocketAddr), StartError> {
    let (medium, directory) = match data {
        Data::Directory(directory) => (s3::Medium::Directory(directory.join("s3")), directory.clone()),
        Data::Memory => (s3::Medium::Memory, PathBuf::from("memory")),
    };
    let unusable = |error| StartError::Directory(directory.clone(), error);
    let store = s3::Store::open(medium).map_err(unusable)?;
    store.create_bucket(BUCKET).map_err(unusable)?;
    let listener = listen(0).await?;
    let address = listener.local_addr().map_err(|error| StartError::Listen(0, error))?;
    let keys = s3::Credentials {
        access_key: credentials.access_key_id.clone(),
        secret_key: credentials.secret_access_key.clone(),
    };
    let serving = tokio::spawn(async move {
        let stopped = async move { drop(stop.wait_for(|stop| *stop).await) };
        store.serve(listener, &keys, stopped).await;
    });
    Ok((serving, address))
}

/// Puts failures in front of a service: `endpoint` is its address, and theirs afterwards.
async fn stand_before(
    faults: &Faults,
    service: Service,
    endpoint: &mut SocketAddr,
    mut stop: watch::Receiver<bool>,
) -> Result<JoinHandle<()>, StartError> {
    let listener = listen(0).await?;
    let address = listener.local_addr().map_err(|error| StartError::Listen(0, error))?;
    let (faults, upstream) = (faults.clone(), std::mem::replace(endpoint, address));
    // Here rather than in the task: whoever has started the stack may ask at once.
    faults.stands_before(service, upstream);
    Ok(tokio::spawn(async move {
        let stopped = async move { drop(stop.wait_for(|stop| *stop).await) };
        faults.serve(service, listener, upstream, stopped).await;
    }))
}

async fn serve_dynamodb(
    data: &Data,
    mut stop: watch::Receiver<bool>,
) -> Result<(JoinHandle<()>, SocketAddr), StartError> {
    let medium = match data {
        Data::Directory(directory) => dynamodb::Medium::File(directory.join("dynamodb.sqlite")),
        Data::Memory => dynamodb::Medium::Memory,
    };
    let store = dynamodb::Store::open(medium)?;
    store.create_table(TABLE)?;
    let listener = listen(0).await?;
    let address = listener.local_addr().map_err(|error| StartError::Listen(0, error))?;
    let serving = tokio::spawn(async move {
        let stopped = async move { drop(stop.wait_for(|stop| *stop).await) };
        if let Err(error) = store.serve(listener, stopped).await {
            tracing::error!(%error, "the embedded DynamoDB failed");
        }
    });
    Ok((serving, address))
}

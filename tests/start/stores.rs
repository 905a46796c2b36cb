//! The embedded table and bucket, in memory, behind relays.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};

use access::{Actions, Permission, RepositoryPattern, Secret, User};
use local::{dynamodb, s3};
use storage::{Config, Credentials, DocumentName, DocumentWrite, Policy, Storage};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::relay::{Relay, Tls};

const NAME: &str = "registry";
const REGION: &str = "us-east-1";
const ACCESS_KEY: &str = "benchmark";
const SECRET_KEY: &str = "benchmark-on-loopback";

/// Where Debian, and Amazon Linux by way of a link, keep the authorities that they trust. Reading them is a part of a start.
const SYSTEM_AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The name of a user who may do everything.
pub(crate) const USER: &str = "benchmark";

/// Running stores. They end when this is dropped.
pub(crate) struct Stores {
    table: Relay,
    bucket: Relay,
    authorities: TempDir,
    /// The secret of [`USER`].
    pub(crate) secret: Secret,
    _runtime: Runtime,
}

/// How many connections were opened to each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Connections {
    /// DynamoDB.
    pub(crate) table: usize,
    /// S3.
    pub(crate) bucket: usize,
}

impl Stores {
    /// Starts both, with nothing in them but a user.
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().expect("threads");
        let tls = Tls::generate();
        let secret = Secret::generate().expect("random numbers");
        let (table, bucket) = runtime.block_on(async {
            let (table, bucket) = (serve_table().await, serve_bucket().await);
            create_user(table, bucket, &secret).await;
            (Relay::start(&tls, table).await, Relay::start(&tls, bucket).await)
        });
        let authorities = TempDir::with_prefix("authorities-").expect("a temporary directory");
        let trusted = fs::read_to_string(SYSTEM_AUTHORITIES).expect("the package ca-certificates");
        fs::write(authorities.path().join("bundle.pem"), trusted + &tls.certificate).expect("a file of authorities");
        Self { table, bucket, authorities, secret, _runtime: runtime }
    }

    /// What a function's process is told of them, as Lambda and the template tell it.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let authorities = self.authorities.path().join("bundle.pem");
        vec![
            ("REGISTRY_TABLE", NAME.to_owned()),
            ("REGISTRY_BUCKET", NAME.to_owned()),
            ("REGISTRY_ACCESS", "login".to_owned()),
            ("REGISTRY_CREATE_ON_PUSH", "true".to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", self.table.url.clone()),
            ("AWS_ENDPOINT_URL_S3", self.bucket.url.clone()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("SSL_CERT_FILE", authorities.to_str().expect("a path in UTF-8").to_owned()),
        ]
    }

    /// Since the start.
    pub(crate) fn connections(&self) -> Connections {
        Connections { table: self.table.opened(), bucket: self.bucket.opened() }
    }
}

impl std::ops::Sub for Connections {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self { table: self.table - before.table, bucket: self.bucket - before.bucket }
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

async fn serve_table() -> SocketAddr {
    let store = dynamodb::Store::open(dynamodb::Medium::Memory).expect("a database in memory");
    store.create_table(NAME).expect("a table");
    let (listener, address) = listen().await;
    tokio::spawn(async move { store.serve(listener, std::future::pending()).await });
    address
}

async fn serve_bucket() -> SocketAddr {
    let store = s3::Store::open(s3::Medium::Memory).expect("a store in memory");
    store.create_bucket(NAME).expect("a bucket");
    let (listener, address) = listen().await;
    let keys = s3::Credentials { access_key: ACCESS_KEY.to_owned(), secret_key: SECRET_KEY.to_owned() };
    tokio::spawn(async move { store.serve(listener, &keys, std::future::pending()).await });
    address
}

async fn create_user(table: SocketAddr, bucket: SocketAddr, secret: &Secret) {
    let storage = Storage::new(&Config {
        table: NAME.to_owned(),
        bucket: NAME.to_owned(),
        region: REGION.to_owned(),
        credentials: Credentials {
            access_key_id: ACCESS_KEY.to_owned(),
            secret_access_key: SECRET_KEY.to_owned(),
            session_token: None,
        },
        dynamodb_endpoint: Some(format!("http://{table}")),
        s3_endpoint: Some(format!("http://{bucket}")),
        policy: Policy::default(),
        s3_attempt_timeout: None,
        observer: None,
    });
    let everything = Permission { repositories: vec![RepositoryPattern::everything()], actions: Actions::ALL };
    let user = User::new(secret, vec![everything], None, storage::now()).to_json();
    let write = DocumentWrite { name: DocumentName::User(USER), replaces: None, text: Some(user) };
    assert!(storage.write_documents(&[write]).await.expect("a table that is written to"), "the user is new");
}

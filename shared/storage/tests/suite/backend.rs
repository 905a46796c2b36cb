//! Stand-ins for S3 and DynamoDB, all of which every test of the suite runs against.

use std::net::SocketAddr;
use std::sync::Arc;

use lambda_registry_tests::dynamodb_local::DynamoDbLocal;
use lambda_registry_tests::ministack::MiniStack;
use tokio::net::TcpListener;

use crate::emulator::{Emulator, Shared};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// What the local stack runs on.
    Embedded,
    /// Both services of an emulator that nobody here wrote.
    MiniStack,
    /// Amazon's own emulator of DynamoDB. It comes without S3, so that is the local stack's.
    DynamoDbLocal,
}

/// Makes three tests of each function, one for each backend.
macro_rules! on_every_backend {
    ($($test:ident),+ $(,)?) => {
        crate::backend::on_backend!(embedded, Embedded, $($test),+);
        crate::backend::on_backend!(ministack, MiniStack, $($test),+);
        crate::backend::on_backend!(dynamodb_local, DynamoDbLocal, $($test),+);
    };
}
pub(crate) use on_every_backend;

/// Makes a module named after the backend with a test of each function.
macro_rules! on_backend {
    ($module:ident, $backend:ident, $($test:ident),+) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test(crate::backend::Backend::$backend).await;
                }
            )+
        }
    };
}
pub(crate) use on_backend;

/// Where the services of a backend listen. Those in this process end with the test's runtime.
pub(crate) struct Services {
    pub(crate) s3: SocketAddr,
    pub(crate) dynamodb: SocketAddr,
    /// What runs until this is dropped.
    _emulator: Option<Arc<Emulator>>,
}

static MINISTACK: Shared = Shared::new();
static DYNAMODB_LOCAL: Shared = Shared::new();

impl Services {
    pub(crate) async fn of(backend: Backend) -> Self {
        match backend {
            Backend::Embedded => Self { s3: embedded_s3().await, dynamodb: embedded_dynamodb().await, _emulator: None },
            Backend::MiniStack => {
                let emulator = MINISTACK.running(|| {
                    let ministack = MiniStack::start(&["s3", "dynamodb"]);
                    let address = ministack.address();
                    (ministack, address)
                });
                Self { s3: emulator.address(), dynamodb: emulator.address(), _emulator: Some(emulator) }
            }
            Backend::DynamoDbLocal => {
                let emulator = DYNAMODB_LOCAL.running(|| {
                    let local = DynamoDbLocal::start();
                    let address = local.address().to_owned();
                    (local, address)
                });
                Self { s3: embedded_s3().await, dynamodb: emulator.address(), _emulator: Some(emulator) }
            }
        }
    }
}

async fn embedded_s3() -> SocketAddr {
    let store = local::s3::Store::open(local::s3::Medium::Memory).unwrap();
    let keys = local::s3::Credentials { access_key: "test".into(), secret_key: "test".into() };
    let (listener, address) = listen().await;
    tokio::spawn(async move { store.serve(listener, &keys, std::future::pending()).await });
    address
}

async fn embedded_dynamodb() -> SocketAddr {
    let store = local::dynamodb::Store::open(local::dynamodb::Medium::Memory).unwrap();
    let (listener, address) = listen().await;
    tokio::spawn(async move { store.serve(listener, std::future::pending()).await });
    address
}

/// A port of the loopback interface that the system picks.
pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

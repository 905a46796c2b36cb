//! A deployment's table, and the command.

use std::process::{Command, Output};

use local::dynamodb::{Medium, Store};
use storage::{Config, Credentials, Policy, Storage};
use tokio::net::TcpListener;

pub(crate) struct Deployment {
    pub(crate) endpoint: String,
    pub(crate) storage: Storage,
}

impl Deployment {
    pub(crate) async fn start() -> Self {
        let store = Store::open(Medium::Memory).unwrap();
        store.create_table("registry").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { store.serve(listener, std::future::pending()).await });
        let storage = Storage::new(&Config {
            table: "registry".into(),
            bucket: "registry".into(),
            region: "us-east-1".into(),
            credentials: Credentials {
                access_key_id: "test".into(),
                secret_access_key: "test".into(),
                session_token: None,
            },
            dynamodb_endpoint: Some(endpoint.clone()),
            s3_endpoint: Some(endpoint.clone()),
            policy: Policy::default(),
            s3_attempt_timeout: None,
            observer: None,
        });
        Self { endpoint, storage }
    }

    /// `lambda-registry repository …`, with credentials in the environment.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = command(arguments);
        command
            .env("AWS_ENDPOINT_URL_DYNAMODB", &self.endpoint)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "a-secret-of-the-test");
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    pub(crate) async fn says(&self, arguments: &[&str], expected: &str) {
        let output = self.run(arguments).await;
        assert!(output.status.success(), "{output:?}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{expected}\n"));
    }

    /// It isn't done, and this is part of what is said.
    pub(crate) async fn refuses(&self, arguments: &[&str], expected: &str) {
        let output = self.run(arguments).await;
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{message}");
        assert!(message.contains(expected), "{message}");
    }
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lambda-registry"));
    command.env_clear().arg("repository").args(arguments);
    command.env("REGISTRY_TABLE", "registry").env("AWS_REGION", "us-east-1");
    // Nothing asks for the profiles of whoever runs the tests, or for the role of the machine.
    command.env("HOME", "/nonexistent").env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

//! `lambda-registry repository`, as whoever runs a deployment types it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::{Command, Output};

use local::dynamodb::{Medium, Store};
use storage::{Config, Credentials, Policy, Settings, Storage};
use tokio::net::TcpListener;

struct Deployment {
    endpoint: String,
    storage: Storage,
}

impl Deployment {
    async fn start() -> Self {
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
    async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = command(arguments);
        command
            .env("AWS_ENDPOINT_URL_DYNAMODB", &self.endpoint)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "a-secret-of-the-test");
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    async fn says(&self, arguments: &[&str], expected: &str) {
        let output = self.run(arguments).await;
        assert!(output.status.success(), "{output:?}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{expected}\n"));
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lambda-registry"));
    command.env_clear().arg("repository").args(arguments);
    command.env("REGISTRY_TABLE", "registry").env("AWS_REGION", "us-east-1");
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_created_once_and_then_listed() {
    let deployment = Deployment::start().await;
    deployment.says(&["create", "team/app"], "created team/app").await;
    deployment.says(&["create", "team/app"], "team/app exists already").await;
    let catalog = deployment.storage.catalog(None, 10).await.unwrap();
    assert_eq!(catalog.items, ["team/app".parse().unwrap()]);
    deployment.storage.start_upload(&"team/app".parse().unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_shown_and_changed() {
    let deployment = Deployment::start().await;
    let name = "team/app".parse().unwrap();
    let refused = deployment.run(&["settings", "team/app", "--sparse-manifests", "yes"]).await;
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && message.contains("lambda-registry repository create team/app"), "{message}");
    assert_eq!(deployment.storage.settings(&name).await.unwrap(), None, "nothing is created on the way");

    deployment.says(&["create", "team/app"], "created team/app").await;
    for (choice, sparse_manifests) in [("yes", Some(true)), ("no", Some(false)), ("default", None)] {
        let shown = format!("sparse-manifests  {choice}");
        deployment.says(&["settings", "team/app", "--sparse-manifests", choice], &shown).await;
        assert_eq!(deployment.storage.settings(&name).await.unwrap(), Some(Settings { sparse_manifests }));
        deployment.says(&["settings", "team/app"], &shown).await;
    }
}

#[test]
fn what_is_missing_is_named_and_no_secret_is_shown() {
    let without = command(&["create", "team/app"]).output().unwrap();
    let message = String::from_utf8(without.stderr).unwrap();
    assert!(!without.status.success() && message.contains("no AWS credentials in the environment"), "{message}");
    let help = command(&["create", "--help"]).env("AWS_SECRET_ACCESS_KEY", "do-not-show").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("REGISTRY_TABLE") && !help.contains("do-not-show"), "{help}");
    let invalid = command(&["create", "Team/App"]).output().unwrap();
    assert!(String::from_utf8(invalid.stderr).unwrap().contains("Team/App"));
}

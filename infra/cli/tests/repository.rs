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
    // Nothing asks for the profiles of whoever runs the tests, or for the role of the machine.
    command.env("HOME", "/nonexistent").env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_created_once_and_then_listed() {
    let deployment = Deployment::start().await;
    deployment.says(&["create", "team/app"], "created team/app").await;
    deployment.says(&["create", "team/app"], "team/app exists already").await;
    let catalog = deployment.storage.catalog("", None, 10).await.unwrap();
    assert_eq!(catalog.items, ["team/app".parse().unwrap()]);
    deployment.storage.start_upload(&"team/app".parse().unwrap(), &storage::new_upload_id().unwrap()).await.unwrap();
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

#[tokio::test(flavor = "multi_thread")]
async fn region_and_credentials_may_be_a_profiles() {
    let deployment = Deployment::start().await;
    let home = tempfile::tempdir().unwrap();
    let keys = "aws_access_key_id=test\naws_secret_access_key=a-secret-of-the-test\n";
    let config = home.path().join("config");
    std::fs::write(&config, format!("[profile desk]\nregion=us-east-1\n{keys}")).unwrap();
    let mut command = command(&["create", "team/app"]);
    command.env_remove("AWS_REGION").env("AWS_CONFIG_FILE", config).env("AWS_PROFILE", "desk");
    command.env("AWS_ENDPOINT_URL_DYNAMODB", &deployment.endpoint);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "created team/app\n");
}

#[test]
fn what_is_missing_is_named_and_no_secret_is_shown() {
    let without = command(&["create", "team/app"]).output().unwrap();
    let message = String::from_utf8(without.stderr).unwrap();
    assert!(!without.status.success() && message.contains("no AWS credentials in the environment"), "{message}");
    let anywhere = command(&["create", "team/app"]).env_remove("AWS_REGION").output().unwrap();
    let message = String::from_utf8(anywhere.stderr).unwrap();
    assert!(!anywhere.status.success() && message.contains("no AWS region"), "{message}");
    let help = command(&["create", "--help"]).env("AWS_SECRET_ACCESS_KEY", "do-not-show").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("REGISTRY_TABLE") && !help.contains("do-not-show"), "{help}");
    let invalid = command(&["create", "Team/App"]).output().unwrap();
    assert!(String::from_utf8(invalid.stderr).unwrap().contains("Team/App"));
}

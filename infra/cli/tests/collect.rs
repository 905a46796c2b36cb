//! `lambda-registry collect`, as whoever runs a deployment types it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::net::SocketAddr;
use std::process::{Command, Output};

use protocol::Digest;
use storage::{Config, Credentials, Policy, Storage};
use tokio::net::TcpListener;

/// Of table and bucket.
const NAME: &str = "registry";
const ACCESS_KEY: &str = "test";
const SECRET_KEY: &str = "a-secret-of-the-test";

struct Deployment {
    dynamodb: String,
    s3: String,
    storage: Storage,
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

impl Deployment {
    async fn start() -> Self {
        let table = local::dynamodb::Store::open(local::dynamodb::Medium::Memory).unwrap();
        table.create_table(NAME).unwrap();
        let (listener, dynamodb) = listen().await;
        tokio::spawn(async move { table.serve(listener, std::future::pending()).await });
        let bucket = local::s3::Store::open(local::s3::Medium::Memory).unwrap();
        bucket.create_bucket(NAME).unwrap();
        let keys = local::s3::Credentials { access_key: ACCESS_KEY.into(), secret_key: SECRET_KEY.into() };
        let (listener, s3) = listen().await;
        tokio::spawn(async move { bucket.serve(listener, &keys, std::future::pending()).await });
        let (dynamodb, s3) = (format!("http://{dynamodb}"), format!("http://{s3}"));
        let storage = Storage::new(&Config {
            table: NAME.into(),
            bucket: NAME.into(),
            region: "us-east-1".into(),
            credentials: Credentials {
                access_key_id: ACCESS_KEY.into(),
                secret_access_key: SECRET_KEY.into(),
                session_token: None,
            },
            dynamodb_endpoint: Some(dynamodb.clone()),
            s3_endpoint: Some(s3.clone()),
            policy: Policy { create_on_push: true, sparse_manifests: false },
            s3_attempt_timeout: None,
            observer: None,
        });
        Self { dynamodb, s3, storage }
    }

    /// `lambda-registry collect …`, with credentials in the environment.
    async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lambda-registry"));
        command.env_clear().arg("collect").args(arguments);
        command.env("REGISTRY_TABLE", NAME).env("REGISTRY_BUCKET", NAME).env("AWS_REGION", "us-east-1");
        command.env("AWS_ENDPOINT_URL_DYNAMODB", &self.dynamodb).env("AWS_ENDPOINT_URL_S3", &self.s3);
        command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// The lines that it writes but for the last, which counts calls.
    async fn says(&self, arguments: &[&str]) -> Vec<String> {
        let output = self.run(arguments).await;
        assert!(output.status.success(), "{output:?}");
        let mut lines: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
        let calls = lines.pop().unwrap();
        assert!(calls.ends_with(" calls to AWS") && !calls.starts_with('0'), "{calls}");
        lines
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_nobody_names_goes_with_the_second_run_as_the_dry_runs_said() {
    let deployment = Deployment::start().await;
    let (name, digest) = ("team/app".parse().unwrap(), Digest::sha256(b"layer"));
    deployment.storage.put_blob(&name, &digest, b"layer".as_slice().into()).await.unwrap();
    let session = deployment.storage.sessions(&name, None, 1).await.unwrap().items.remove(0).id;

    let dry = deployment.says(&["--dry-run", "--grace", "0s"]).await;
    assert_eq!(
        dry,
        [
            format!("mark    team/app  blob {digest}  no manifest refers to it"),
            format!("remove  team/app  upload session {session}  nobody works on it"),
            "1 repository; 0 unchanged since found clean".to_owned(),
            "would be removed: 1 upload session; 0 bytes".to_owned(),
            "would be marked: 1 blob".to_owned(),
            "waiting: nothing".to_owned(),
        ]
    );
    assert_eq!(deployment.says(&["--dry-run", "--grace", "0s"]).await, dry, "nothing has changed");

    let day = deployment.says(&[]).await;
    assert_eq!(day[1..], ["removed: nothing; 0 bytes", "marked: 1 blob", "waiting: 1 upload session"]);
    let second = deployment.says(&["--grace", "0s"]).await;
    assert_eq!(second[1], "removed: 1 upload session, 1 blob, 1 object; 5 bytes");
    assert_eq!(deployment.storage.blob(&name, &digest).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_duration_is_refused_with_what_to_write() {
    let deployment = Deployment::start().await;
    let output = deployment.run(&["--grace", "soon"]).await;
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && error.contains("no duration; use whole seconds"), "{error}");
}

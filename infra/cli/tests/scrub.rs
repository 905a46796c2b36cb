//! `lambda-registry scrub`, as whoever runs a deployment types it. What it finds is tested where there is a whole registry.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::{Command, Output};

use local::{dynamodb, s3};
use protocol::{Digest, RepositoryName};
use storage::{Blob, Config, Credentials, Policy, Storage};
use tokio::net::TcpListener;

const SECRET: &str = "a-secret-of-the-test";

struct Deployment {
    table: String,
    bucket: String,
    storage: Storage,
}

fn name() -> RepositoryName {
    "team/app".parse().unwrap()
}

impl Deployment {
    /// One with a blob.
    async fn start() -> (Self, Digest) {
        let records = dynamodb::Store::open(dynamodb::Medium::Memory).unwrap();
        records.create_table("registry").unwrap();
        let objects = s3::Store::open(s3::Medium::Memory).unwrap();
        objects.create_bucket("images").unwrap();
        objects.create_bucket("empty").unwrap();
        let (listener, table) = listen().await;
        tokio::spawn(async move { records.serve(listener, std::future::pending()).await });
        let (listener, bucket) = listen().await;
        let keys = s3::Credentials { access_key: "test".into(), secret_key: SECRET.into() };
        tokio::spawn(async move { objects.serve(listener, &keys, std::future::pending()).await });
        let storage = Storage::new(&Config {
            table: "registry".into(),
            bucket: "images".into(),
            region: "us-east-1".into(),
            credentials: Credentials {
                access_key_id: "test".into(),
                secret_access_key: SECRET.into(),
                session_token: None,
            },
            dynamodb_endpoint: Some(table.clone()),
            s3_endpoint: Some(bucket.clone()),
            policy: Policy::default(),
            s3_attempt_timeout: None,
            observer: None,
        });
        storage.create(&name()).await.unwrap();
        let blob = b"a blob of the repository";
        let digest = Digest::sha256(blob);
        storage.put_blob(&name(), &digest, blob.to_vec().into()).await.unwrap();
        (Self { table, bucket, storage }, digest)
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lambda-registry"));
        command.env_clear().arg("scrub").args(arguments);
        command.env("REGISTRY_TABLE", "registry").env("REGISTRY_BUCKET", "images").env("AWS_REGION", "us-east-1");
        command.env("AWS_ENDPOINT_URL_DYNAMODB", &self.table).env("AWS_ENDPOINT_URL_S3", &self.bucket);
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", SECRET);
        command.env("HOME", "/nonexistent").env("AWS_EC2_METADATA_DISABLED", "true");
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    async fn says(&self, arguments: &[&str], code: i32, expected: &str) {
        let output = self.run(arguments).await;
        assert_eq!(String::from_utf8(output.stdout.clone()).unwrap(), expected, "{output:?}");
        assert_eq!(output.status.code(), Some(code));
    }
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    (listener, endpoint)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_with_which_nothing_is_wrong_ends_with_0() {
    let (deployment, _) = Deployment::start().await;
    let well = |read: usize| {
        format!("1 repository, 0 manifests, 0 tags, 1 blob; {read} bytes of blobs read\nnothing is wrong\n")
    };
    deployment.says(&[], 0, &well(24)).await;
    deployment.says(&["--content", "--repair"], 0, &well(24)).await;
    deployment.says(&["team/app"], 0, &well(24)).await;
    deployment.says(&["--quick"], 0, &well(0)).await;
    let nothing = "0 repositories, 0 manifests, 0 tags, 0 blobs; 0 bytes of blobs read\nnothing is wrong\n";
    deployment.says(&["--after", "team/app"], 0, nothing).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_is_a_line_each_and_ends_with_1() {
    let (deployment, digest) = Deployment::start().await;
    let Blob { object, .. } = deployment.storage.blob(&name(), &digest).await.unwrap().unwrap();
    let expected = format!(
        "lost        team/app  blob {digest}  the object {object} isn't there\n\
         1 repository, 0 manifests, 0 tags, 1 blob; 0 bytes of blobs read\n\
         1 lost, 0 repairable, 0 repaired\n"
    );
    // The objects are in another bucket.
    for arguments in [&[][..], &["--repair"], &["--quick"]] {
        deployment.says(&[&["--bucket", "empty"], arguments].concat(), 1, &expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_looked_at_ends_with_2_and_shows_no_secret() {
    let (mut deployment, _) = Deployment::start().await;
    for arguments in
        [&["--quick", "--content"][..], &["Team/App"], &["team/other"], &["team/app", "--after", "team/app"]]
    {
        assert_eq!(deployment.run(arguments).await.status.code(), Some(2), "{arguments:?}");
    }
    deployment.bucket = "http://127.0.0.1:9".to_owned();
    let output = deployment.run(&["--quick"]).await;
    let said = format!("{}{}", String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("unavailable") && !said.contains(SECRET), "{said}");
}

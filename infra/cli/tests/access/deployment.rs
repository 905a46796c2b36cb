//! A deployment's table, and whoever works on it with the command line.

use std::process::{Command, Output, Stdio};

use access::{Grants, Secret, User};
use local::dynamodb::{Medium, Store};
use storage::{Config, Credentials, DocumentName, DocumentWrite, Policy, Storage};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// In no output whatsoever.
const SECRET_KEY: &str = "a-secret-key-of-the-test";

pub(crate) struct Deployment {
    endpoint: String,
    pub(crate) storage: Storage,
    home: TempDir,
}

/// What the program wrote, and how it ended.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Told {
    /// What a program that failed wrote about it, and nothing else.
    pub(crate) fn error(self) -> String {
        assert!(self.code == Some(1) && self.stdout.is_empty(), "{self:?}");
        self.stderr
    }

    /// What a program that succeeded wrote.
    pub(crate) fn output(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }
}

impl From<Output> for Told {
    fn from(output: Output) -> Self {
        let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        for leak in [SECRET_KEY, Secret::PREFIX] {
            assert!(!stderr.contains(leak), "{stderr}");
        }
        Self { code: output.status.code(), stdout, stderr }
    }
}

impl Deployment {
    pub(crate) async fn start() -> Self {
        let store = Store::open(Medium::Memory).unwrap();
        store.create_table("registry").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { store.serve(listener, std::future::pending()).await });
        let credentials =
            Credentials { access_key_id: "test".into(), secret_access_key: "test".into(), session_token: None };
        let storage = Storage::new(&Config {
            table: "registry".into(),
            bucket: "registry".into(),
            region: "us-east-1".into(),
            credentials,
            dynamodb_endpoint: Some(endpoint.clone()),
            s3_endpoint: Some(endpoint.clone()),
            policy: Policy::default(),
            s3_attempt_timeout: None,
            observer: None,
        });
        Self { endpoint, storage, home: TempDir::new().unwrap() }
    }

    /// `lambda-registry …`, with credentials and nothing else in the environment, and nothing on standard input.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lambda-registry"));
        command.env_clear().args(arguments).stdin(Stdio::null());
        command.env("REGISTRY_TABLE", "registry").env("AWS_REGION", "us-east-1");
        command.env("AWS_ENDPOINT_URL_DYNAMODB", &self.endpoint).env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
        command.env("AWS_EC2_METADATA_DISABLED", "true").env("HOME", self.home.path());
        command
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Told {
        output(self.command(arguments)).await
    }

    /// Runs it, and fails if it does.
    pub(crate) async fn does(&self, arguments: &[&str]) -> String {
        self.run(arguments).await.output()
    }

    /// A path in the home directory.
    pub(crate) fn home(&self, name: &str) -> String {
        self.home.path().join(name).into_os_string().into_string().unwrap()
    }

    /// Writes a file, and says where.
    pub(crate) fn file(&self, name: &str, contents: &str) -> String {
        let path = self.home(name);
        std::fs::write(&path, contents).unwrap();
        path
    }

    /// What is kept of a user, and in which version.
    pub(crate) async fn user(&self, name: &str) -> Option<(User, u64)> {
        let document = self.storage.document(DocumentName::User(name)).await.unwrap()?;
        Some((User::from_json(&document.text).unwrap(), document.revision))
    }

    /// The names of all users.
    pub(crate) async fn users(&self) -> Vec<String> {
        self.storage.users().await.unwrap().into_iter().map(|(name, _)| name).collect()
    }

    pub(crate) async fn grants(&self) -> Grants {
        let document = self.storage.document(DocumentName::Grants).await.unwrap();
        document.map(|document| Grants::from_json(&document.text).unwrap()).unwrap_or_default()
    }

    /// Puts a user there, or another version, behind the program's back.
    pub(crate) async fn put(&self, name: &str, user: &User, replaces: Option<u64>) {
        let write = DocumentWrite { name: DocumentName::User(name), replaces, text: Some(user.to_json()) };
        assert!(self.storage.write_documents(&[write]).await.unwrap());
    }
}

pub(crate) async fn output(mut command: Command) -> Told {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap().into()
}

/// By this machine's clock.
pub(crate) fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

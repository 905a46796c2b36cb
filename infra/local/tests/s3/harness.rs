//! A store on a port of its own, and clients for it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials as SdkCredentials, Region, RequestChecksumCalculation};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sigv4::http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use local::s3::{Credentials, Medium, Store};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub(crate) const BUCKET: &str = "registry";
const ACCESS_KEY: &str = "local";
const SECRET_KEY: &str = "local-secret";

/// Runs tests of the form `async fn name(bench: Bench)` against both media.
macro_rules! on_both_media {
    ($($name:ident),* $(,)?) => {
        mod directory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::harness::Bench::in_directory().await).await;
            })*
        }
        mod memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::harness::Bench::in_memory().await).await;
            })*
        }
    };
}
pub(crate) use on_both_media;

/// A running store with the bucket [`BUCKET`].
pub(crate) struct Bench {
    /// Signs, and sends no checksum that a test doesn't ask for.
    pub(crate) client: Client,
    pub(crate) address: SocketAddr,
    root: Option<TempDir>,
    server: JoinHandle<()>,
}

impl Bench {
    pub(crate) async fn in_memory() -> Self {
        Self::start(Medium::Memory, None).await
    }

    pub(crate) async fn in_directory() -> Self {
        Self::at(TempDir::new().unwrap()).await
    }

    pub(crate) async fn at(root: TempDir) -> Self {
        Self::start(Medium::Directory(root.path().to_owned()), Some(root)).await
    }

    async fn start(medium: Medium, root: Option<TempDir>) -> Self {
        let store = Store::open(medium).unwrap();
        store.create_bucket(BUCKET).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let credentials = Credentials { access_key: ACCESS_KEY.to_owned(), secret_key: SECRET_KEY.to_owned() };
            store.serve(listener, &credentials, std::future::pending()).await;
        });
        Self { client: client(address, SECRET_KEY, RequestChecksumCalculation::WhenRequired), address, root, server }
    }

    /// A client that behaves as the SDK does when nobody configures it: with a CRC of every body.
    pub(crate) fn default_client(&self) -> Client {
        client(self.address, SECRET_KEY, RequestChecksumCalculation::WhenSupported)
    }

    pub(crate) fn client_with_wrong_secret(&self) -> Client {
        client(self.address, "another-secret", RequestChecksumCalculation::WhenRequired)
    }

    /// Stops the server between two requests, as kill -9 would, and gives the directory back.
    pub(crate) async fn stop(self) -> TempDir {
        self.server.abort();
        let _ = self.server.await;
        drop(self.client);
        // The connections' tasks hold the store, and so its lock, until they notice.
        let root = self.root.unwrap();
        for _ in 0..200 {
            let lock = std::fs::File::open(root.path().join("lock")).unwrap();
            if lock.try_lock().is_ok() {
                return root;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the store is still in use");
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.as_ref().unwrap().path()
    }

    /// The files of all segments; none in memory.
    pub(crate) fn segment_files(&self) -> Vec<PathBuf> {
        segment_files(self.root())
    }

    /// The number of segments once removals have happened; `None` in memory.
    pub(crate) fn segment_count(&self) -> Option<usize> {
        self.root.as_ref().map(|root| segment_files(root.path()).len())
    }

    pub(crate) async fn put(&self, key: &str, body: impl Into<Vec<u8>>) {
        let body = body.into().into();
        self.client.put_object().bucket(BUCKET).key(key).body(body).send().await.unwrap();
    }

    /// The object's bytes, or the code of the error.
    pub(crate) async fn get(&self, key: &str) -> Result<Vec<u8>, String> {
        match self.client.get_object().bucket(BUCKET).key(key).send().await {
            Ok(object) => Ok(object.body.collect().await.unwrap().to_vec()),
            Err(error) => Err(code(&error)),
        }
    }

    pub(crate) async fn begin(&self, key: &str) -> String {
        let upload = self.client.create_multipart_upload().bucket(BUCKET).key(key).send().await.unwrap();
        upload.upload_id.unwrap()
    }

    /// Uploads a part and returns its ETag.
    pub(crate) async fn part(&self, key: &str, id: &str, number: i32, body: Vec<u8>) -> String {
        let part = self.client.upload_part().bucket(BUCKET).key(key).upload_id(id).part_number(number);
        part.body(body.into()).send().await.unwrap().e_tag.unwrap()
    }

    /// A pre-signed URL without scheme and host.
    pub(crate) async fn presign_get(&self, key: &str) -> String {
        let request = self.client.get_object().bucket(BUCKET).key(key).presigned(in_a_minute()).await.unwrap();
        path_of(request.uri())
    }

    pub(crate) async fn presign_put(&self, key: &str) -> String {
        let request = self.client.put_object().bucket(BUCKET).key(key).presigned(in_a_minute()).await.unwrap();
        path_of(request.uri())
    }

    pub(crate) async fn presign_part(&self, key: &str, id: &str, number: i32) -> String {
        let request = self.client.upload_part().bucket(BUCKET).key(key).upload_id(id).part_number(number);
        path_of(request.presigned(in_a_minute()).await.unwrap().uri())
    }

    /// The head of a signed request, with `LENGTH` in place of the body's length.
    pub(crate) fn sign(&self, method: &str, path: &str, headers: &[(&str, &str)], body: SignableBody<'_>) -> String {
        let identity = SdkCredentials::new(ACCESS_KEY, SECRET_KEY, None, None, "test").into();
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name("s3")
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .unwrap();
        let url = format!("http://{}{path}", self.address);
        let request = SignableRequest::new(method, url, headers.iter().copied(), body).unwrap();
        let (instructions, _) = sign(request, &parameters.into()).unwrap().into_parts();
        let (signed, _) = instructions.into_parts();
        let mut head = format!("{method} {path} HTTP/1.1\nHost: HOST\nConnection: close\nContent-Length: LENGTH\n");
        for (name, value) in headers.iter().copied().chain(signed.iter().map(|header| (header.name(), header.value())))
        {
            head.push_str(&format!("{name}: {value}\n"));
        }
        head + "\n"
    }

    /// Sends a request byte by byte as given and returns the whole answer.
    pub(crate) async fn raw(&self, head: &str, body: &[u8]) -> String {
        let stream = self.send(head, body).await;
        read_answer(stream).await
    }

    /// The same, but the client falls silent after `body`, however much more it announced.
    pub(crate) async fn raw_cut_off(&self, head: &str, body: &[u8]) -> String {
        let mut stream = self.send(head, body).await;
        stream.shutdown().await.unwrap();
        read_answer(stream).await
    }

    async fn send(&self, head: &str, body: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = head.trim_start().replace('\n', "\r\n").replace("HOST", &self.address.to_string());
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        stream
    }
}

async fn read_answer(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn segment_files(root: &Path) -> Vec<PathBuf> {
    let shards = std::fs::read_dir(root.join("segments")).unwrap();
    let files = shards.flat_map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap());
    files.map(|file| file.unwrap().path()).collect()
}

fn in_a_minute() -> PresigningConfig {
    PresigningConfig::expires_in(Duration::from_secs(60)).unwrap()
}

fn path_of(uri: &str) -> String {
    let uri: http::Uri = uri.parse().unwrap();
    uri.path_and_query().unwrap().to_string()
}

fn client(address: SocketAddr, secret: &str, checksums: RequestChecksumCalculation) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .endpoint_url(format!("http://{address}"))
        .credentials_provider(SdkCredentials::new(ACCESS_KEY, secret, None, None, "test"))
        .force_path_style(true)
        .retry_config(RetryConfig::disabled())
        .request_checksum_calculation(checksums)
        .build();
    Client::from_conf(config)
}

/// The code of a refused request; the status where the answer has no body, as with HEAD.
pub(crate) fn code<E: ProvideErrorMetadata>(error: &SdkError<E>) -> String {
    if let Some(code) = error.code().filter(|code| !code.is_empty()) {
        return code.to_owned();
    }
    match error.raw_response() {
        Some(response) => response.status().as_u16().to_string(),
        None => "no answer".to_owned(),
    }
}

/// Bytes that differ from one place to the next.
pub(crate) fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|position| (position / 7 + position / 65_537) as u8).collect()
}

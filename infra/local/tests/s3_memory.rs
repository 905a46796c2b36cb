//! Embedded S3 needs little memory, however large the bodies. In a process of its own, because it is the process that
//! is measured.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials as SdkCredentials, Region};
use aws_sdk_s3::presigning::PresigningConfig;
use local::s3::{Credentials, Medium, Store};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const SIZE: u64 = 2 << 30;
const LIMIT: u64 = 200 << 20;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes and reads 2 GiB"]
async fn two_gib_pass_through_200_mib() {
    let root = TempDir::new().unwrap();
    let store = Store::open(Medium::Directory(root.path().to_owned())).unwrap();
    store.create_bucket("registry").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let credentials = Credentials { access_key: "local".to_owned(), secret_key: "local-secret".to_owned() };
        store.serve(listener, &credentials, std::future::pending()).await;
    });
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .endpoint_url(format!("http://{address}"))
        .credentials_provider(SdkCredentials::new("local", "local-secret", None, None, "test"))
        .force_path_style(true)
        .build();
    let client = Client::from_conf(config);
    let soon = PresigningConfig::expires_in(Duration::from_secs(600)).unwrap();
    let put = client.put_object().bucket("registry").key("a").presigned(soon.clone()).await.unwrap();
    let get = client.get_object().bucket("registry").key("a").presigned(soon).await.unwrap();
    let request = |method: &str, uri: &str, length: u64| {
        let path = uri.split_once(&address.to_string()).unwrap().1;
        format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n")
    };

    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request("PUT", put.uri(), SIZE).as_bytes()).await.unwrap();
    let piece = vec![7; 1 << 20];
    for _ in 0..SIZE >> 20 {
        stream.write_all(&piece).await.unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");

    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request("GET", get.uri(), 0).as_bytes()).await.unwrap();
    let mut buffer = vec![0; 1 << 20];
    let mut received = 0;
    loop {
        let length = stream.read(&mut buffer).await.unwrap();
        if length == 0 {
            break;
        }
        received += length as u64;
    }
    assert!(received > SIZE);

    let peak = peak_memory();
    println!("peak of resident memory: {} MiB", peak >> 20);
    assert!(peak < LIMIT, "{peak}");
}

/// In bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

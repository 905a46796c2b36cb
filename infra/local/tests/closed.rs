//! A registry that asks for a login lets nobody in without one, by any of its doors.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use local::{Data, FunctionsMode, Login, Options, Stack};

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_with_login_answers_every_route_with_a_challenge() {
    for front in [true, false] {
        let stack = Stack::start(Options {
            port: 0,
            data: Data::Memory,
            front,
            functions: FunctionsMode::InProcess,
            policy: storage::Policy { create_on_push: true, sparse_manifests: false },
            login: Some(Login::default()),
            collection: None,
            events: runtime::EventsConfig::default(),
            observer: None,
            faults: None,
        })
        .await
        .unwrap();
        let address = stack.address();
        let digest = format!("sha256:{}", "0".repeat(64));
        let session = "0b9e7a50-3bdb-4cf3-8a5e-0f2a9d8e7c61";
        for (method, path) in [
            ("GET", "/v2/".to_owned()),
            ("GET", "/v2/_catalog".to_owned()),
            ("GET", "/v2/a/tags/list".to_owned()),
            ("GET", format!("/v2/a/referrers/{digest}")),
            ("GET", "/v2/a/manifests/latest".to_owned()),
            ("PUT", "/v2/a/manifests/latest".to_owned()),
            ("DELETE", format!("/v2/a/manifests/{digest}")),
            ("GET", format!("/v2/a/blobs/{digest}")),
            ("POST", "/v2/a/blobs/uploads/".to_owned()),
            ("PATCH", format!("/v2/a/blobs/uploads/{session}")),
            ("PUT", format!("/v2/a/blobs/uploads/{session}?digest={digest}")),
        ] {
            let answer = tokio::task::spawn_blocking(move || ask(address, method, &path)).await.unwrap();
            let head = answer.to_lowercase();
            assert!(head.starts_with("http/1.1 401 "), "{method}: {answer}");
            assert!(head.contains("\r\nwww-authenticate: bearer realm="), "{method}: {answer}");
            assert!(answer.contains(r#"{"errors":[{"code":"UNAUTHORIZED""#), "{method}: {answer}");
        }
        stack.stop().await;
    }
}

fn ask(address: SocketAddr, method: &str, path: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: registry.example.com\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

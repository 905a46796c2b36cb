//! The API byte by byte: what no SDK sends.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::Api;

async fn ask(api: &Api, request_line: &str, headers: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(api.address).await.unwrap();
    let length = body.len();
    let head = format!(
        "{request_line} HTTP/1.1\r\nHost: aws\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // It may answer before it has everything.
    _ = stream.write_all(body).await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn unsigned_requests_are_refused_in_the_form_of_their_service() {
    let api = Api::start().await;
    let form = b"Action=GetCallerIdentity&Version=2011-06-15";
    let answer = ask(&api, "POST /", "", form).await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(answer.contains("<Code>MissingAuthenticationToken</Code>"), "{answer}");
    assert!(answer.contains("x-amzn-requestid: "), "{answer}");

    let target = "X-Amz-Target: secretsmanager.GetSecretValue\r\n";
    let answer = ask(&api, "POST /", target, br#"{"SecretId":"a"}"#).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains(r#""__type":"MissingAuthenticationTokenException""#), "{answer}");

    let malformed = format!("{target}Authorization: Basic QVdTOng=\r\n");
    let answer = ask(&api, "POST /", &malformed, b"{}").await;
    assert!(answer.contains(r#""__type":"IncompleteSignatureException""#), "{answer}");
}

#[tokio::test]
async fn what_is_no_post_to_the_root_is_not_found() {
    let api = Api::start().await;
    for request_line in ["GET /", "POST /x", "POST /?Action=GetCallerIdentity&Version=2011-06-15", "OPTIONS *"] {
        let answer = ask(&api, request_line, "", b"").await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{request_line}: {answer}");
    }
}

#[tokio::test]
async fn a_request_has_512_kilobytes_at_the_most() {
    let api = Api::start().await;
    for (length, status) in [(512 * 1024, 403), (512 * 1024 + 1, 413)] {
        let answer = ask(&api, "POST /", "", &vec![b'x'; length]).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{length}: {answer}");
    }
}

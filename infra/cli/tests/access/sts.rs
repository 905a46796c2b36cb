//! AWS STS, as far as the command line asks it: who somebody is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A server that gives everybody the same answer.
pub(crate) struct Sts {
    pub(crate) endpoint: String,
    asked: Arc<AtomicUsize>,
}

impl Sts {
    /// One that knows everybody by this ARN.
    pub(crate) async fn knows(arn: &str) -> Self {
        let result = format!("<Arn>{arn}</Arn><UserId>AIDATEST</UserId><Account>123456789012</Account>");
        let name = "GetCallerIdentity";
        Self::start(200, format!("<{name}Response><{name}Result>{result}</{name}Result></{name}Response>")).await
    }

    /// One that tells nobody anything.
    pub(crate) async fn refuses() -> Self {
        let error = "<Type>Sender</Type><Code>AccessDenied</Code><Message>not for you</Message>";
        Self::start(403, format!("<ErrorResponse><Error>{error}</Error></ErrorResponse>")).await
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    async fn start(status: u16, body: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer(connection, status, body.clone()));
            }
        });
        Self { endpoint, asked }
    }
}

/// Answers one request, when all of it is there.
async fn answer(mut connection: TcpStream, status: u16, body: String) {
    let mut request = Vec::new();
    while !String::from_utf8_lossy(&request).contains("Version=2011-06-15") {
        let read = connection.read_buf(&mut request).await.unwrap();
        assert!(read > 0, "only half a request came: {}", String::from_utf8_lossy(&request));
    }
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    connection.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
}

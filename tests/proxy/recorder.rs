//! What travels between proxy and registry, byte for byte.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request that came by.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Method and path, without the query.
    pub(crate) what: String,
    /// Header lines, in lower case.
    pub(crate) headers: Vec<String>,
    /// `Content-Length`, 0 when there is none.
    pub(crate) length: u64,
}

/// Forwards what comes to a registry.
pub(crate) struct Recorder {
    pub(crate) address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Recorder {
    pub(crate) fn before(registry: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let (record, registry) = (seen.clone(), registry.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (record, registry) = (record.clone(), TcpStream::connect(&registry).unwrap());
                std::thread::spawn(move || forward(client.unwrap(), registry, &record));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Nothing that a gateway mightn't take.
    #[track_caller]
    pub(crate) fn expect_what_a_gateway_takes(&self) {
        let seen = self.seen();
        assert!(!seen.is_empty());
        for request in seen {
            assert!(request.length <= 4_400_000, "{request:?}");
            assert!(!request.headers.iter().any(|line| line.starts_with("transfer-encoding:")), "{request:?}");
        }
    }
}

/// Until either side closes.
fn forward(client: TcpStream, registry: TcpStream, record: &Mutex<Vec<Seen>>) {
    let (mut to_client, mut from_registry) = (client.try_clone().unwrap(), registry.try_clone().unwrap());
    std::thread::spawn(move || std::io::copy(&mut from_registry, &mut to_client));
    let (mut client, mut registry) = (BufReader::new(client), registry);
    while let Some(head) = head(&mut client) {
        let seen = seen(&head);
        let length = seen.length;
        record.lock().unwrap().push(seen);
        registry.write_all(head.as_bytes()).unwrap();
        if std::io::copy(&mut client.by_ref().take(length), &mut registry).is_err() {
            return;
        }
    }
}

fn head(client: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = String::new();
    loop {
        let start = head.len();
        client.read_line(&mut head).ok().filter(|length| *length > 0)?;
        if &head[start..] == "\r\n" {
            return Some(head);
        }
    }
}

fn seen(head: &str) -> Seen {
    let mut lines = head.trim_end().split("\r\n");
    let what = lines.next().unwrap().split(['?', ' ']).take(2).collect::<Vec<_>>().join(" ");
    let headers: Vec<_> = lines.map(str::to_ascii_lowercase).collect();
    let length = headers.iter().find_map(|line| line.strip_prefix("content-length: "));
    Seen { what, length: length.map_or(0, |length| length.parse().unwrap()), headers }
}

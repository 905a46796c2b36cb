//! Stands between a client and a registry, and lets tokens grow old.
//!
//! The answer of one request is held back until the token that the request came with is over: whatever the client sends
//! next has to have another one. Clients that count a token's seconds count sixty at least, which nobody waits for here:
//! they are told that it was issued a hundred years ago.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use lambda_registry_tests::desk::wait_until_it_expires;
use lambda_registry_tests::server::Endpoint;

pub(crate) struct Relay {
    address: String,
    state: Arc<State>,
}

struct State {
    registry: String,
    /// The method whose first request with a token gets its answer late; None once that has happened.
    hold: Mutex<Option<&'static str>>,
    /// Methods and paths, without the queries, and when the answer was held back.
    seen: Mutex<Vec<String>>,
}

const HELD: &str = "held back";

impl Endpoint for Relay {
    fn address(&self) -> &str {
        &self.address
    }
}

impl Relay {
    /// Holds back the answer of the first request with this method.
    pub(crate) fn holding(registry: &impl Endpoint, method: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its number").to_string();
        let state = Arc::new(State {
            registry: registry.address().to_owned(),
            hold: Mutex::new(Some(method)),
            seen: Mutex::default(),
        });
        let (shared, here) = (state.clone(), address.clone());
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (state, here) = (shared.clone(), here.clone());
                std::thread::spawn(move || state.forward(client.expect("a connection"), &here));
            }
        });
        Self { address, state }
    }

    /// The request came and its answer was held back, and after that somebody asked for another token.
    #[track_caller]
    pub(crate) fn expect_another_token(&self) {
        let seen = self.state.seen.lock().expect("nobody panicked");
        let held = seen.iter().position(|seen| seen == HELD);
        let after = &seen[held.unwrap_or_else(|| panic!("nothing was held back: {seen:?}"))..];
        assert!(after.iter().any(|seen| seen.ends_with(" /token")), "{seen:?}");
    }
}

impl State {
    /// One request, and then the connection ends: so nobody has to know where a body does.
    fn forward(&self, client: TcpStream, here: &str) {
        let mut client = BufReader::new(client);
        let Some(head) = head(&mut client) else { return };
        let mut line = head[0].split(['?', ' ']);
        let (method, path) = (line.next().unwrap_or_default(), line.next().unwrap_or_default());
        self.record(&format!("{method} {path}"));
        let mut registry = TcpStream::connect(&self.registry).expect("the registry");
        let kept = head.iter().filter(|line| value(line, "connection").is_none());
        let lines: String = kept.map(|line| format!("{line}\r\n")).collect();
        registry.write_all(format!("{lines}Connection: close\r\n\r\n").as_bytes()).expect("a registry that reads");
        let (mut to_registry, mut to_client) =
            (registry.try_clone().expect("a handle"), client.get_ref().try_clone().expect("a handle"));
        std::thread::spawn(move || std::io::copy(&mut client, &mut to_registry));

        let mut answer = Vec::new();
        registry.read_to_end(&mut answer).expect("an answer");
        if path == "/token" {
            answer = older(&answer);
        }
        if let Some(token) = head.iter().find_map(|line| value(line, "authorization"))
            && token.starts_with("Bearer ")
            && self.is_to_be_held(method)
        {
            wait_until_it_expires(here, token);
            self.record(HELD);
        }
        // A client that has gone away misses nothing.
        let _ = to_client.write_all(&answer);
        let _ = to_client.shutdown(Shutdown::Both);
    }

    fn record(&self, what: &str) {
        self.seen.lock().expect("nobody panicked").push(what.to_owned());
    }

    fn is_to_be_held(&self, method: &str) -> bool {
        self.hold.lock().expect("nobody panicked").take_if(|held| *held == method).is_some()
    }
}

/// A token that was issued long ago, if clients ask their clocks.
fn older(answer: &[u8]) -> Vec<u8> {
    const ISSUED: &str = "\"issued_at\":\"20";
    let text = std::str::from_utf8(answer).expect("an answer in UTF-8");
    // Of the same length, which the head has told.
    text.replace(ISSUED, "\"issued_at\":\"19").into_bytes()
}

/// The lines of a request's head; None when the client goes away.
fn head(client: &mut BufReader<TcpStream>) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        client.read_line(&mut line).ok().filter(|length| *length > 0)?;
        match line.trim_end() {
            "" => return Some(lines),
            line => lines.push(line.to_owned()),
        }
    }
}

fn value<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (field, value) = line.split_once(':')?;
    field.eq_ignore_ascii_case(name).then(|| value.trim())
}

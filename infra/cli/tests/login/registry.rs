//! A registry that hands out passwords, or whatever else a test scripts, and remembers who asked.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

/// A request that came in, without a body: none has one.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) line: String,
    headers: Vec<(String, String)>,
}

impl Seen {
    fn read(stream: &TcpStream) -> Self {
        let mut lines = BufReader::new(stream).lines().map(|line| line.unwrap());
        let line = lines.next().unwrap();
        let headers = lines.take_while(|line| !line.is_empty()).map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        });
        Self { line, headers: headers.collect() }
    }

    /// Of one that is there once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(header, _)| header == name).map(|(_, value)| value.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "{name} is there twice");
        value
    }

    /// Who signed it.
    pub(crate) fn access_key_id(&self) -> &str {
        let (_, rest) = self.header("authorization").unwrap().split_once("Credential=").unwrap();
        rest.split('/').next().unwrap()
    }
}

/// What a request is answered with.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// A password of its own, good for so many seconds.
    Password(u64),
    /// A status, lines of the head, and a body.
    Failure(u16, &'static str, &'static str),
    /// The connection is closed.
    Cut,
}

/// The lifetime that deployments give passwords, in seconds.
pub(crate) const TWELVE_HOURS: u64 = 12 * 60 * 60;

pub(crate) struct Registry {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    seen: Mutex<Vec<Seen>>,
    answers: Mutex<VecDeque<Answer>>,
    held: Mutex<bool>,
    released: Condvar,
}

impl Registry {
    /// One that gives each request a password for twelve hours: `password-1`, `password-2` and so on.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = shared.clone();
                std::thread::spawn(move || shared.serve(&stream.unwrap()));
            }
        });
        Self { address, state }
    }

    /// What the next request gets, after those that were told before.
    pub(crate) fn answer(&self, answer: Answer) {
        self.state.answers.lock().unwrap().push_back(answer);
    }

    /// From now on nobody is answered.
    pub(crate) fn hold(&self) {
        *self.state.held.lock().unwrap() = true;
    }

    /// Everybody is answered.
    pub(crate) fn release(&self) {
        *self.state.held.lock().unwrap() = false;
        self.state.released.notify_all();
    }

    /// Every request so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }
}

impl State {
    fn serve(&self, mut stream: &TcpStream) {
        let request = Seen::read(stream);
        let number = {
            let mut seen = self.seen.lock().unwrap();
            seen.push(request);
            seen.len()
        };
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Answer::Password(TWELVE_HOURS));
        drop(self.released.wait_while(self.held.lock().unwrap(), |held| *held).unwrap());
        let (status, head, body) = match answer {
            Answer::Cut => return,
            Answer::Failure(status, head, body) => (status, head, body.to_owned()),
            Answer::Password(lifetime) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
                let expires_at = now + lifetime;
                let principal = "arn:aws:iam::123456789012:user/test";
                let body = format!(
                    r#"{{"username":"AWS","password":"password-{number}","expires_in":{lifetime},"expires_at":{expires_at},"principal":"{principal}"}}"#
                );
                (200, "Content-Type: application/json\r\n", body)
            }
        };
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {status} Whatever\r\n{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).unwrap();
    }
}

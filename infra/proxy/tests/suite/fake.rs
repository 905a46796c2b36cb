//! A registry and its bucket, at one address, in memory, with whatever trouble a test asks for.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use protocol::Digest;

use crate::http::{Reply, Seen};

/// What happens to a request in place of what should.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// It is answered so, and nothing is done.
    Answer(Reply),
    /// The connection is cut, and nothing is done.
    Cut,
    /// It is done, and the connection is cut before the answer.
    LostAnswer,
    /// Nothing is done, and nothing is said.
    Silence,
    /// The registry forgets all sessions first.
    Amnesia,
}

impl Trouble {
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer(Reply::new(status).json(format!(r#"{{"message":"{status}"}}"#)))
    }
}

/// A running registry.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    address: String,
    /// Whether it knows direct uploads.
    extension: bool,
    troubles: Vec<(&'static str, &'static str, VecDeque<Trouble>)>,
    seen: Vec<Seen>,
    next: u32,
    /// By number.
    sessions: BTreeMap<u32, Vec<u8>>,
    direct: BTreeMap<u32, (String, usize)>,
    bucket: BTreeMap<u32, Vec<u8>>,
    blobs: BTreeMap<String, Vec<u8>>,
}

impl Fake {
    /// One that knows direct uploads.
    pub(crate) fn start() -> Self {
        Self::with(true)
    }

    pub(crate) fn without_direct_uploads() -> Self {
        Self::with(false)
    }

    fn with(extension: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = State { address: address.to_string(), extension, ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = shared.clone();
                std::thread::spawn(move || serve(stream.unwrap(), &shared));
            }
        });
        Self { address, state }
    }

    /// The next requests with this method, and with this in their paths, meet these one after the other.
    pub(crate) fn trouble(&self, method: &'static str, part: &'static str, troubles: impl Into<VecDeque<Trouble>>) {
        self.state.lock().unwrap().troubles.push((method, part, troubles.into()));
    }

    /// Every request so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().seen.clone()
    }

    /// How many requests had this method and this in their paths.
    pub(crate) fn count(&self, method: &str, part: &str) -> usize {
        self.seen().iter().filter(|seen| seen.method == method && seen.path.contains(part)).count()
    }

    pub(crate) fn blob(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.state.lock().unwrap().blobs.get(&digest.to_string()).cloned()
    }

    pub(crate) fn put_blob(&self, bytes: &[u8]) -> Digest {
        let digest = Digest::sha256(bytes);
        self.state.lock().unwrap().blobs.insert(digest.to_string(), bytes.to_vec());
        digest
    }

    /// Upload sessions of either kind that were neither finished nor cancelled.
    pub(crate) fn open_sessions(&self) -> usize {
        let state = self.state.lock().unwrap();
        state.sessions.len() + state.direct.len()
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(seen) = Seen::read(&mut reader) {
        let to_head = seen.method == "HEAD";
        let reply = {
            let mut state = state.lock().unwrap();
            state.seen.push(seen.clone());
            match state.next_trouble(&seen) {
                None => state.answer(&seen),
                Some(Trouble::Answer(reply)) => reply,
                Some(Trouble::Cut) => return,
                Some(Trouble::LostAnswer) => {
                    state.answer(&seen);
                    return;
                }
                Some(Trouble::Silence) => {
                    drop(state);
                    // Until the proxy has enough of it.
                    let _ = reader.read(&mut [0]);
                    return;
                }
                Some(Trouble::Amnesia) => {
                    state.sessions.clear();
                    state.direct.clear();
                    state.answer(&seen)
                }
            }
        };
        if writer.write_all(&reply.bytes(to_head)).is_err() {
            return;
        }
    }
}

impl State {
    fn next_trouble(&mut self, seen: &Seen) -> Option<Trouble> {
        let mut due = self.troubles.iter_mut().filter(|(method, part, troubles)| {
            seen.method == *method && seen.path.contains(part) && !troubles.is_empty()
        });
        due.next()?.2.pop_front()
    }

    fn answer(&mut self, seen: &Seen) -> Reply {
        if let Some(number) = seen.path.strip_prefix("/bucket/") {
            return self.store(number.parse().unwrap(), seen);
        }
        if seen.path.ends_with("/blobs/uploads/") && seen.method == "POST" {
            return self.open(seen);
        }
        if let Some((_, number)) = seen.path.split_once("/blobs/uploads/") {
            return self.upload(number.parse().unwrap(), seen);
        }
        match seen.path.split_once("/blobs/") {
            Some((_, digest)) if self.blobs.contains_key(digest) => Reply::new(307).header("Location", "/elsewhere"),
            Some(_) => Reply::new(404).json("{}"),
            None => Reply::new(200).header("X-Path", seen.path.clone()).json(r#"{"passed":true}"#),
        }
    }

    fn open(&mut self, seen: &Seen) -> Reply {
        let mounted = seen.parameter("mount").or(seen.parameter("direct").filter(|_| self.extension));
        if let Some(digest) = mounted.filter(|digest| self.blobs.contains_key(digest)) {
            return created(&digest);
        }
        self.next += 1;
        let number = self.next;
        let opened = Reply::new(202).header("Location", format!("/v2/a/blobs/uploads/{number}"));
        match (self.extension, seen.parameter("direct"), seen.parameter("size")) {
            (true, Some(digest), Some(size)) => {
                self.direct.insert(number, (digest, size.parse().unwrap()));
                let url = format!("http://{}/bucket/{number}?signature=secret", self.address);
                let grant = r#"{"method":"PUT","url":"URL","headers":{"x-signed":"yes","content-length":"SIZE"},"expires_in":900}"#;
                opened.json(grant.replace("URL", &url).replace("SIZE", &size))
            }
            _ => {
                self.sessions.insert(number, Vec::new());
                opened.header("Range", "0-0").header("OCI-Chunk-Min-Length", "1048576")
            }
        }
    }

    fn store(&mut self, number: u32, seen: &Seen) -> Reply {
        assert_eq!((seen.method.as_str(), seen.query.as_str()), ("PUT", "signature=secret"));
        let (digest, size) = self.direct[&number].clone();
        if self.bucket.contains_key(&number) {
            return Reply::new(412);
        }
        if seen.header("x-signed") != Some("yes") || seen.body.len() != size {
            return Reply::new(403);
        }
        if Digest::sha256(&seen.body).to_string() != digest {
            return Reply::new(400);
        }
        self.bucket.insert(number, seen.body.clone());
        Reply::new(200)
    }

    fn upload(&mut self, number: u32, seen: &Seen) -> Reply {
        if seen.method == "PUT" && self.direct.contains_key(&number) {
            let Some(bytes) = self.bucket.get(&number) else {
                return Reply::new(400).json(r#"{"errors":[{"code":"BLOB_UPLOAD_INVALID"}]}"#);
            };
            let digest = seen.parameter("digest").unwrap();
            self.blobs.insert(digest.clone(), bytes.clone());
            self.direct.remove(&number);
            return created(&digest);
        }
        if seen.method == "DELETE" && self.direct.remove(&number).is_some() {
            return Reply::new(204);
        }
        let Some(bytes) = self.sessions.get_mut(&number) else { return Reply::new(404).json("{}") };
        let at = |status, bytes: &[u8]| {
            let location = format!("/v2/a/blobs/uploads/{number}");
            let range = format!("0-{}", bytes.len().saturating_sub(1));
            Reply::new(status).header("Location", location).header("Range", range)
        };
        let first = seen.header("content-range").map(|range| range.split('-').next().unwrap().parse().unwrap());
        if first.is_some_and(|first: usize| first != bytes.len()) {
            return at(416, bytes).json("{}");
        }
        match seen.method.as_str() {
            "GET" => at(204, bytes),
            "PATCH" => {
                bytes.extend_from_slice(&seen.body);
                at(202, bytes)
            }
            "DELETE" => {
                self.sessions.remove(&number);
                Reply::new(204)
            }
            _ => {
                let digest: Digest = seen.parameter("digest").unwrap().parse().unwrap();
                let mut bytes = self.sessions.remove(&number).unwrap();
                bytes.extend_from_slice(&seen.body);
                assert!(digest.matches(&bytes), "the proxy verified it");
                self.blobs.insert(digest.to_string(), bytes);
                created(&digest.to_string())
            }
        }
    }
}

fn created(digest: &str) -> Reply {
    Reply::new(201).header("Location", format!("/v2/a/blobs/{digest}")).header("Docker-Content-Digest", digest)
}

//! What stands before a registry and its bucket, and does something wrong.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::faults::Fault;
use crate::http::{Answer, Request};

/// Whose part is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Registry,
    Bucket,
}

/// Passes requests on to a registry and its bucket, and has one fault.
pub(crate) struct Meddler {
    /// Where the registry seems to be.
    pub(crate) registry: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    fault: Option<Fault>,
    upstream: SocketAddr,
    registry: SocketAddr,
    bucket: SocketAddr,
    /// Where the bucket is, once a URL has shown it.
    storage: Mutex<Option<SocketAddr>>,
    seen: Mutex<Vec<(Part, Request)>>,
}

impl Meddler {
    /// Before a registry on loopback.
    pub(crate) fn before(upstream: SocketAddr, fault: Option<Fault>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // Another host, as far as anybody can tell.
        let storage = TcpListener::bind("127.0.0.2:0").unwrap();
        let (registry, bucket) = (listener.local_addr().unwrap(), storage.local_addr().unwrap());
        let shared = Shared { fault, upstream, registry, bucket, storage: Mutex::default(), seen: Mutex::default() };
        let shared = Arc::new(shared);
        for (part, listener) in [(Part::Registry, listener), (Part::Bucket, storage)] {
            let shared = shared.clone();
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    let shared = shared.clone();
                    std::thread::spawn(move || shared.serve(part, &stream.unwrap()));
                }
            });
        }
        Self { registry, shared }
    }

    /// Every request so far, and to whom.
    pub(crate) fn seen(&self) -> Vec<(Part, Request)> {
        self.shared.seen.lock().unwrap().clone()
    }
}

impl Shared {
    fn serve(&self, part: Part, stream: &TcpStream) {
        let Some(mut request) = Request::read(stream) else { return };
        self.seen.lock().unwrap().push((part, request.clone()));
        if self.fault.is_some_and(|fault| fault.hangs_up(part, &request)) {
            return;
        }
        let refused = self.fault.and_then(|fault| fault.refuses(part, &request)).or_else(|| too_large(&request));
        let mut answer = refused.unwrap_or_else(|| {
            if let Some(fault) = self.fault {
                fault.changes_request(part, &mut request);
            }
            self.forward(part, &request)
        });
        if let Some(fault) = self.fault {
            fault.changes_answer(part, self.registry, &request, &mut answer);
        }
        answer.write(&request, stream);
    }

    fn forward(&self, part: Part, request: &Request) -> Answer {
        let mut answer = match part {
            Part::Registry => request.forward(self.upstream),
            Part::Bucket => {
                let storage = self.storage.lock().unwrap().expect("a URL of the bucket was handed out");
                let mut request = request.clone();
                // The host is signed.
                request.headers.set("host", storage);
                request.forward(storage)
            }
        };
        if let Some(location) = answer.headers.take("location") {
            answer.headers.add("location", self.before_bucket(&location));
        }
        if request.target.contains("direct=") {
            answer.body = self.before_bucket(&String::from_utf8(answer.body).unwrap()).into_bytes();
        }
        answer
    }

    /// Has URLs of the bucket lead here.
    fn before_bucket(&self, text: &str) -> String {
        let Some((_, rest)) = text.split_once("http://127.0.0.1:") else { return text.to_owned() };
        let port: u16 = rest.split('/').next().unwrap().parse().unwrap();
        if port == self.registry.port() {
            return text.to_owned();
        }
        let storage = SocketAddr::from(([127, 0, 0, 1], port));
        *self.storage.lock().unwrap() = Some(storage);
        text.replace(&storage.to_string(), &self.bucket.to_string())
    }
}

/// As much as a deployment's requests carry; and so that large bodies needn't be read by anybody else.
fn too_large(request: &Request) -> Option<Answer> {
    match request.body.len() {
        0..4_000_000 => None,
        4_000_000..4_500_000 => Some(Answer::registrys(401, "UNAUTHORIZED")),
        _ => Some(Answer::gateways(413, "Request Entity Too Large")),
    }
}

//! The Lambda Runtime API for one process, as far as it takes to hand it events and to see how long it needs.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long a function is told that it may take: what one in the background has.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// It takes milliseconds. This only keeps one that hangs from hanging the run.
const LIMIT: Duration = Duration::from_secs(60);

/// Waits for the process.
pub(crate) struct Listener(TcpListener);

/// The connection of a process that asks for its next event.
pub(crate) struct Waiting {
    stream: BufReader<TcpStream>,
    served: u64,
}

impl Listener {
    /// On a free port.
    pub(crate) fn bind() -> Self {
        Self(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"))
    }

    /// What `AWS_LAMBDA_RUNTIME_API` has to be.
    pub(crate) fn address(&self) -> String {
        self.0.local_addr().expect("an address").to_string()
    }

    /// Waits until the process asks for its first event: its initialisation is over.
    pub(crate) fn first_next(self) -> Waiting {
        let limit = Timespec::try_from(LIMIT).expect("a time limit");
        let connects = poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&limit)).expect("a listener");
        assert_eq!(connects, 1, "the process doesn't come to ask for an event");
        let (stream, _) = self.0.accept().expect("a process that connects");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream.set_read_timeout(Some(LIMIT)).expect("a time limit");
        let mut waiting = Waiting { stream: BufReader::new(stream), served: 0 };
        waiting.expect_next();
        waiting
    }
}

impl Waiting {
    /// Hands over an event, and returns the answer and how long it took. When this returns, the process waits again.
    pub(crate) fn invoke(&mut self, event: &[u8]) -> (Vec<u8>, Duration) {
        self.served += 1;
        let id = format!("00000000-0000-4000-8000-{:012}", self.served);
        let deadline = SystemTime::now() + TIMEOUT;
        let deadline = deadline.duration_since(UNIX_EPOCH).expect("a time after 1970").as_millis();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             lambda-runtime-aws-request-id: {id}\r\nlambda-runtime-deadline-ms: {deadline}\r\n\
             lambda-runtime-invoked-function-arn: arn:aws:lambda:us-east-1:000000000000:function:benchmark\r\n\
             lambda-runtime-trace-id: Root=1-00000000-000000000000000000000000;Sampled=0\r\n\r\n",
            event.len()
        );
        let answer = [head.as_bytes(), event].concat();
        let started = Instant::now();
        self.stream.get_mut().write_all(&answer).expect("a process that reads");
        let (request, body) = self.read();
        let took = started.elapsed();
        let is_answer = request.starts_with("POST ") && request.contains(&format!("/{id}/response "));
        assert!(is_answer, "{request}: {}", String::from_utf8_lossy(&body));
        let taken = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";
        self.stream.get_mut().write_all(taken).expect("a process that reads");
        self.expect_next();
        (body, took)
    }

    fn expect_next(&mut self) {
        let (request, _) = self.read();
        assert!(request.starts_with("GET ") && request.contains("/runtime/invocation/next "), "{request}");
    }

    /// The request line and the body of the next request.
    fn read(&mut self) -> (String, Vec<u8>) {
        let request = self.line();
        let (mut length, mut is_chunked) = (0, false);
        loop {
            let line = self.line().to_ascii_lowercase();
            match line.split_once(':').map(|(name, value)| (name, value.trim())) {
                Some(("content-length", value)) => length = value.parse().expect("a length"),
                Some(("transfer-encoding", value)) => is_chunked = value == "chunked",
                Some(_) => {}
                None => break,
            }
        }
        let body = if is_chunked { self.chunks() } else { self.bytes(length) };
        (request, body)
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let length = usize::from_str_radix(&self.line(), 16).expect("the length of a chunk");
            body.extend(self.bytes(length));
            self.line();
            if length == 0 {
                return body;
            }
        }
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).expect("the whole body");
        bytes
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a process that asks for events");
        assert!(line.ends_with('\n'), "the process ended: {line:?}");
        line.truncate(line.trim_end().len());
        line
    }
}

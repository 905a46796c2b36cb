//! A request whose body the test writes piece by piece, to hold it back, to race it or to cut it off.

use std::io::{Read, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::Sender;
use std::time::Duration;

use crate::http::Answer;

/// Only keeps a server that hangs from hanging the run.
const LIMIT: Duration = Duration::from_secs(300);

/// A request on its way, in chunked transfer coding.
pub struct Wire {
    stream: TcpStream,
    what: String,
}

impl Wire {
    /// Sends the head to `127.0.0.1:<port>`.
    #[track_caller]
    pub fn open(address: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream.set_read_timeout(Some(LIMIT)).expect("a time limit");
        stream.set_write_timeout(Some(LIMIT)).expect("a time limit");
        let mut wire = Self { stream, what: format!("{method} {path}") };
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        wire.write(
            format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n{lines}\r\n")
                .as_bytes(),
        );
        wire
    }

    /// Sends a piece of the body.
    #[track_caller]
    pub fn send(&mut self, mut piece: impl Read) {
        let mut buffer = vec![0; 1 << 20];
        loop {
            let length = piece.read(&mut buffer).expect("a piece of the body");
            if length == 0 {
                return;
            }
            self.write(format!("{length:x}\r\n").as_bytes());
            self.write(&buffer[..length]);
            self.write(b"\r\n");
        }
    }

    /// Ends the body and waits for the answer.
    #[track_caller]
    pub fn finish(mut self) -> Answer {
        self.end();
        self.answer()
    }

    /// Ends the body.
    #[track_caller]
    pub fn end(&mut self) {
        self.write(b"0\r\n\r\n");
    }

    /// Waits for the answer, whether the body has ended or not.
    #[track_caller]
    pub fn answer(self) -> Answer {
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        while !is_complete(&answer) {
            match (&self.stream).read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => answer.extend_from_slice(&buffer[..length]),
                Err(error) => panic!("{}: {error}", self.what),
            }
        }
        Answer::read(self.what, &answer)
    }

    /// Passes the answer on as soon as it is there, under the name of the request.
    pub fn report<T: Send + 'static>(&self, name: T, to: Sender<(T, Answer)>) {
        let stream = self.stream.try_clone().expect("a second handle of the connection");
        let wire = Self { stream, what: self.what.clone() };
        std::thread::spawn(move || {
            // Nobody listens any more when the test has failed already.
            let _ = to.send((name, wire.answer()));
        });
    }

    /// Cuts the connection off.
    #[track_caller]
    pub fn cut(self) {
        self.stream.shutdown(Shutdown::Both).expect("a connection to cut");
    }

    #[track_caller]
    fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap_or_else(|error| panic!("{}: {error}", self.what));
    }
}

/// A server that answers before it has the whole body keeps the connection open for a while: what has come has to tell.
fn is_complete(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head.split("\r\n").find_map(|line| line.strip_prefix("content-length:"));
    length.and_then(|length| length.trim().parse().ok()).is_some_and(|length: usize| answer.len() >= end + 4 + length)
}

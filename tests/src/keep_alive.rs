//! A client that keeps its connection and does as little as possible, so that the server is what is measured.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

/// A connection to a server on loopback.
pub struct Client {
    address: String,
    stream: BufReader<TcpStream>,
}

impl Client {
    /// Connects to `127.0.0.1:<port>`.
    ///
    /// # Panics
    /// When nobody listens there.
    pub fn new(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("a server that listens");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        Self { address: address.to_owned(), stream: BufReader::new(stream) }
    }

    /// Pulls a manifest, which has to come as the type that is asked for; with further header lines, each with its end.
    ///
    /// # Panics
    /// When it doesn't come, or as something else.
    pub fn pull(&mut self, repository: &str, tag: &str, media_type: &str, headers: &str) {
        let Self { address, stream } = self;
        let request = format!(
            "GET /v2/{repository}/manifests/{tag} HTTP/1.1\r\nHost: {address}\r\nAccept: {media_type}\r\n{headers}\r\n"
        );
        stream.get_mut().write_all(request.as_bytes()).expect("a server that reads");
        let (mut length, mut is_right) = (None, false);
        let mut line = String::new();
        let mut next = || {
            line.clear();
            stream.read_line(&mut line).expect("a server that answers");
            line.trim_end().to_ascii_lowercase()
        };
        let status = next();
        assert!(status.contains(" 200 "), "{tag}: {status}");
        loop {
            let header = next();
            match header.split_once(": ") {
                Some(("content-length", value)) => length = value.parse().ok(),
                Some(("content-type", value)) => is_right = value == media_type,
                Some(_) => {}
                None => break,
            }
        }
        assert!(is_right, "{tag} isn't {media_type}");
        let mut body = vec![0; length.expect("a length")];
        stream.read_exact(&mut body).expect("the whole body");
    }
}

//! A client that keeps its connections and does as little as possible, so that the server is what is measured.

use std::collections::HashMap;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;

const BUFFER: usize = 256 * 1024;

pub(crate) struct Client {
    address: String,
    connections: HashMap<String, BufReader<TcpStream>>,
    buffer: Vec<u8>,
}

/// An answer without its body, which was read and thrown away.
pub(crate) struct Answer {
    status: u16,
    headers: HashMap<String, String>,
    /// Of the body.
    pub(crate) length: u64,
}

impl Client {
    /// Of the registry at `127.0.0.1:<port>`.
    pub(crate) fn new(address: &str) -> Self {
        Self { address: address.to_owned(), connections: HashMap::new(), buffer: vec![0; BUFFER] }
    }

    /// Sends a request to a path of the registry, or a URL, which a `Location` may be.
    pub(crate) fn send(&mut self, method: &str, place: &str, length: u64, body: impl Read) -> Answer {
        let (address, path) = match place.strip_prefix("http://") {
            Some(rest) => rest.split_at(rest.find('/').expect("a path")),
            None => (self.address.as_str(), place),
        };
        let connection = self.connections.entry(address.to_owned()).or_insert_with(|| connect(address));
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAccept: {0}\r\nContent-Type: {0}\r\nContent-Length: {length}\r\n\r\n",
            lambda_registry_tests::types::OCI
        );
        let sent = send(connection.get_mut(), head, body, &mut self.buffer);
        sent.unwrap_or_else(|error| panic!("{method} {place}: {error}"));
        Answer::read(connection).unwrap_or_else(|error| panic!("{method} {place}: {error}"))
    }

    /// GET, by way of redirects.
    pub(crate) fn get(&mut self, path: &str) -> Answer {
        let answer = self.send("GET", path, 0, io::empty());
        match answer.status {
            307 => self.get(answer.header("location").expect("a Location")),
            _ => answer.expect(200),
        }
    }

    /// Pushes a blob with one PUT, as containerd does.
    pub(crate) fn push(&mut self, repository: &str, digest: &str, length: u64, bytes: impl Read) {
        let opened = self.send("POST", &format!("/v2/{repository}/blobs/uploads/"), 0, io::empty()).expect(202);
        let location = opened.header("location").expect("a Location");
        let separator = if location.contains('?') { '&' } else { '?' };
        self.send("PUT", &format!("{location}{separator}digest={digest}"), length, bytes).expect(201);
    }
}

impl Answer {
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:?}", self.headers);
        self
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    fn read(connection: &mut BufReader<TcpStream>) -> io::Result<Self> {
        let status = line(connection)?;
        let status = status.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let mut headers = HashMap::new();
        while let Some((name, value)) = line(connection)?.split_once(": ") {
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let mut answer = Self { status, headers, length: 0 };
        match answer.header("content-length").map(|length| length.parse().expect("a length")) {
            Some(length) => answer.skip(connection, length)?,
            None if answer.header("transfer-encoding") == Some("chunked") => loop {
                let length = u64::from_str_radix(&line(connection)?, 16).expect("a chunk's length");
                answer.skip(connection, length)?;
                line(connection)?;
                if length == 0 {
                    break;
                }
            },
            None => {}
        }
        Ok(answer)
    }

    fn skip(&mut self, connection: &mut BufReader<TcpStream>, length: u64) -> io::Result<()> {
        self.length += io::copy(&mut connection.take(length), &mut io::sink())?;
        Ok(())
    }
}

fn connect(address: &str) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(address).expect("a server that listens");
    stream.set_nodelay(true).expect("TCP_NODELAY");
    BufReader::with_capacity(BUFFER, stream)
}

fn send(stream: &mut TcpStream, head: String, mut body: impl Read, buffer: &mut [u8]) -> io::Result<()> {
    // Head and small bodies in one packet.
    let mut waiting = head.into_bytes();
    loop {
        let length = body.read(buffer)?;
        if length == 0 {
            return stream.write_all(&waiting);
        }
        waiting.extend_from_slice(&buffer[..length]);
        if waiting.len() >= buffer.len() {
            stream.write_all(&waiting)?;
            waiting.clear();
        }
    }
}

fn line(connection: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    connection.read_line(&mut line)?;
    line.truncate(line.trim_end().len());
    Ok(line)
}

//! HTTP/1.1 as bytes: what libraries put right has to go through wrong.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

#[derive(Clone, Debug, Default)]
pub(crate) struct Headers(Vec<(String, String)>);

impl Headers {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Removes every line of this name, and returns the first.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let value = self.get(name).map(str::to_owned);
        self.0.retain(|(known, _)| known != name);
        value
    }

    pub(crate) fn set(&mut self, name: &str, value: impl ToString) {
        self.take(name);
        self.add(name, value);
    }

    pub(crate) fn add(&mut self, name: &str, value: impl ToString) {
        self.0.push((name.to_owned(), value.to_string()));
    }

    fn read(from: &mut impl std::io::BufRead) -> Self {
        let lines = from.lines().map(|line| line.unwrap()).take_while(|line| !line.is_empty());
        let header = |line: String| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        Self(lines.map(header).collect())
    }

    fn write(&self, to: &mut Vec<u8>) {
        for (name, value) in &self.0 {
            to.extend(format!("{name}: {value}\r\n").bytes());
        }
        to.extend(b"\r\n");
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query, as they came.
    pub(crate) target: String,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
    /// Whether the body came without its length.
    pub(crate) is_chunked: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    /// To HEAD there should be none.
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Reads one from a connection that carries no other; None when nothing comes.
    pub(crate) fn read(stream: &TcpStream) -> Option<Self> {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|length| *length > 0)?;
        let mut words = line.split_whitespace().map(str::to_owned);
        let (method, target) = (words.next()?, words.next()?);
        let headers = Headers::read(&mut stream);
        let is_chunked = headers.get("transfer-encoding") == Some("chunked");
        let body = match headers.get("content-length") {
            Some(length) => exactly(&mut stream, length.parse().unwrap())?,
            None if is_chunked => chunks(&mut stream)?,
            None => Vec::new(),
        };
        Some(Self { method, target, headers, body, is_chunked })
    }

    /// The path, without the query.
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    pub(crate) fn is(&self, method: &str, part: &str) -> bool {
        self.method == method && self.target.contains(part)
    }

    /// Has a server answer it.
    pub(crate) fn forward(&self, to: SocketAddr) -> Answer {
        let mut headers = self.headers.clone();
        headers.take("transfer-encoding");
        headers.set("connection", "close");
        if self.is_chunked || headers.get("content-length").is_some() {
            headers.set("content-length", self.body.len());
        }
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        headers.write(&mut bytes);
        bytes.extend(&self.body);
        let mut stream = TcpStream::connect(to).unwrap();
        stream.write_all(&bytes).unwrap();
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let status = line.split(' ').nth(1).unwrap_or_else(|| panic!("no answer to {self:?}")).parse().unwrap();
        let headers = Headers::read(&mut stream);
        let mut body = Vec::new();
        stream.read_to_end(&mut body).unwrap();
        assert_eq!(headers.get("transfer-encoding"), None, "nothing here is chunked");
        Answer { status, headers, body }
    }
}

impl Answer {
    /// An error of the gateway.
    pub(crate) fn gateways(status: u16, message: &str) -> Self {
        let headers = Headers(vec![("content-type".to_owned(), "application/json".to_owned())]);
        Self { status, headers, body: format!(r#"{{"message":"{message}"}}"#).into_bytes() }
    }

    /// An error of the registry.
    pub(crate) fn registrys(status: u16, code: &str) -> Self {
        let body = format!(r#"{{"errors":[{{"code":"{code}","message":"because"}}]}}"#);
        Self { body: body.into_bytes(), ..Self::gateways(status, "") }
    }

    /// An error of S3.
    pub(crate) fn buckets(status: u16, code: &str) -> Self {
        let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>because</Message></Error>");
        Self { status, headers: Headers::default(), body: body.into_bytes() }
    }

    /// As it stands, but for the length that goes with a body.
    pub(crate) fn write(mut self, request: &Request, mut stream: &TcpStream) {
        self.headers.set("connection", "close");
        if request.method != "HEAD" {
            self.headers.set("content-length", self.body.len());
        }
        let mut bytes = format!("HTTP/1.1 {} Whatever\r\n", self.status).into_bytes();
        self.headers.write(&mut bytes);
        bytes.extend(&self.body);
        // The doctor may have gone.
        drop(stream.write_all(&bytes));
    }
}

fn exactly(stream: &mut impl std::io::Read, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

fn chunks(stream: &mut impl std::io::BufRead) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let length = usize::from_str_radix(line.trim(), 16).ok()?;
        bytes.extend(exactly(stream, length)?);
        stream.read_line(&mut String::new()).ok()?;
        if length == 0 {
            return Some(bytes);
        }
    }
}

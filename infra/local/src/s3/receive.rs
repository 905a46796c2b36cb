//! Receiving a body: in bounded memory into a segment, with every check that S3 makes of a body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::HeaderMap;
use s3s::TrailingHeaders;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::StreamingBlob;

use super::backend::Backend;
use super::checksum::{Algorithm, Checksum, Hasher};
use super::error::Error;
use super::segments::Writer;

/// The largest body of one request, be it an object or a part: 5 GiB.
const MAX_BODY: u64 = 5 << 30;

/// How many bytes are gathered before they are hashed and written, in one go on a thread that may block.
const BATCH: usize = 512 << 10;

/// How much of a refused body is read, so that a client which sends it before it listens hears the reason.
const MAX_DRAIN: usize = 64 << 20;

/// A body that passed all checks. Dropping it removes the bytes.
pub(super) struct Received {
    pub(super) writer: Writer,
    pub(super) md5: [u8; 16],
    /// The checksum that the client claimed, or else of the algorithm that was asked for.
    pub(super) checksum: Option<Checksum>,
}

/// What the headers say about a body.
struct Expected {
    /// In bytes.
    length: u64,
    md5: Option<Vec<u8>>,
    claim: Option<Claim>,
}

/// Where the client's checksum is.
enum Claim {
    Header(Checksum),
    Trailer(Algorithm),
}

impl Claim {
    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Header(checksum) => checksum.algorithm,
            Self::Trailer(algorithm) => *algorithm,
        }
    }
}

/// Receives a body and checks its length, `Content-MD5` and additional checksum.
///
/// `algorithm` is computed when the client claims no checksum.
pub(super) async fn receive(
    backend: &Backend,
    body: Option<StreamingBlob>,
    headers: &HeaderMap,
    trailers: Option<TrailingHeaders>,
    algorithm: Option<Algorithm>,
) -> Result<Received, Error> {
    let expected = match Expected::read(headers) {
        Ok(expected) => expected,
        Err(error) => return Err(refuse(body, error).await),
    };
    let algorithm = expected.claim.as_ref().map(Claim::algorithm).or(algorithm);
    let mut sink = Sink {
        writer: backend.blocking(|backend| Ok(backend.segments.create()?)).await?,
        md5: Md5::new(),
        hasher: algorithm.map(Algorithm::hasher),
    };
    let mut length = 0;
    let mut batch = Vec::new();
    let mut batched = 0;
    if let Some(mut body) = body {
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|cause| interrupted(cause.as_ref()))?;
            length += piece.len() as u64;
            if length > expected.length {
                return Err(Error::IncompleteBody);
            }
            batched += piece.len();
            batch.push(piece);
            if batched >= BATCH {
                sink = sink.absorb(backend, std::mem::take(&mut batch)).await?;
                batched = 0;
            }
        }
    }
    if length != expected.length {
        return Err(Error::IncompleteBody);
    }
    if !batch.is_empty() {
        sink = sink.absorb(backend, batch).await?;
    }
    sink.check(expected, trailers.and_then(|trailers| trailers.take()))
}

/// Reads a body that is refused anyway, and gives the error back.
pub(super) async fn refuse(body: Option<StreamingBlob>, error: Error) -> Error {
    if matches!(error, Error::EntityTooLarge) {
        return error;
    }
    let mut drained = 0;
    if let Some(mut body) = body {
        while let Some(Ok(piece)) = body.next().await {
            drained += piece.len();
            if drained > MAX_DRAIN {
                break;
            }
        }
    }
    error
}

impl Expected {
    fn read(headers: &HeaderMap) -> Result<Self, Error> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let length = text("x-amz-decoded-content-length")
            .or_else(|| text("content-length"))
            .and_then(|length| length.parse().ok())
            .ok_or(Error::MissingContentLength)?;
        if length > MAX_BODY {
            return Err(Error::EntityTooLarge);
        }
        let md5 = match text("content-md5") {
            None => None,
            Some(value) => match BASE64.decode(value) {
                Ok(md5) if md5.len() == 16 => Some(md5),
                Ok(_) | Err(_) => return Err(Error::InvalidDigest),
            },
        };
        let mut claims = Vec::new();
        for algorithm in Algorithm::ALL {
            if let Some(value) = text(algorithm.header()) {
                claims.push(Claim::Header(Checksum::parse(algorithm, value)?));
            }
            let announced = text("x-amz-trailer").unwrap_or_default();
            if announced.split(',').any(|name| name.trim().eq_ignore_ascii_case(algorithm.header())) {
                claims.push(Claim::Trailer(algorithm));
            }
        }
        if claims.len() > 1 {
            return Err(Error::InvalidRequest(
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.".to_owned(),
            ));
        }
        if claims.is_empty() && text("x-amz-sdk-checksum-algorithm").is_some() {
            return Err(Error::InvalidRequest(
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found."
                    .to_owned(),
            ));
        }
        Ok(Self { length, md5, claim: claims.pop() })
    }
}

/// Where a body goes, and what is computed of it on the way.
struct Sink {
    writer: Writer,
    md5: Md5,
    hasher: Option<Hasher>,
}

impl Sink {
    async fn absorb(mut self, backend: &Backend, pieces: Vec<Bytes>) -> Result<Self, Error> {
        let work = move |_: &Backend| {
            for piece in &pieces {
                self.md5.update(piece);
                if let Some(hasher) = &mut self.hasher {
                    hasher.update(piece);
                }
            }
            self.writer.write(&pieces)?;
            Ok(self)
        };
        backend.blocking(work).await
    }

    fn check(self, expected: Expected, trailers: Option<HeaderMap>) -> Result<Received, Error> {
        let md5 = self.md5.finalize();
        if expected.md5.is_some_and(|expected| expected != md5) {
            return Err(Error::BadDigest("Content-MD5"));
        }
        let checksum = self.hasher.map(Hasher::finish);
        let claimed = match expected.claim {
            None => None,
            Some(Claim::Header(checksum)) => Some(checksum),
            Some(Claim::Trailer(algorithm)) => {
                let trailers = trailers.unwrap_or_default();
                let value = trailers.get(algorithm.header()).and_then(|value| value.to_str().ok());
                Some(Checksum::parse(algorithm, value.ok_or(Error::MalformedTrailer)?)?)
            }
        };
        match (claimed, checksum) {
            (Some(claimed), Some(computed)) if claimed != computed => Err(Error::BadDigest(claimed.algorithm.name())),
            (_, checksum) => Ok(Received { writer: self.writer, md5, checksum }),
        }
    }
}

/// Why the body's stream ended early. `s3s` keeps the types of its errors to itself, so their text has to do.
fn interrupted(cause: &(dyn std::error::Error + 'static)) -> Error {
    let text = cause.to_string();
    if text.contains("Sha256Mismatch") {
        Error::ContentSha256Mismatch
    } else if text.contains("SignatureMismatch") {
        Error::SignatureDoesNotMatch
    } else {
        Error::IncompleteBody
    }
}

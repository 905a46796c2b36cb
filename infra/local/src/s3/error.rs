//! Everything that a request can be refused for, and S3's code for it.

use std::io;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use s3s::{S3Error, S3ErrorCode};

/// Why an operation failed.
#[derive(Debug)]
pub(super) enum Error {
    NoSuchBucket,
    NoSuchKey,
    NoSuchUpload,
    BucketExists,
    PreconditionFailed,
    /// `If-None-Match` on a read named this ETag.
    NotModified {
        etag: String,
    },
    /// The range begins behind the end of an object of this many bytes.
    InvalidRange {
        size: u64,
    },
    MissingContentLength,
    IncompleteBody,
    EntityTooLarge,
    EntityTooSmall,
    InvalidPart(i32),
    InvalidPartOrder,
    /// `Content-MD5` isn't the base64 of 16 bytes.
    InvalidDigest,
    /// The named digest isn't that of the body.
    BadDigest(&'static str),
    ContentSha256Mismatch,
    SignatureDoesNotMatch,
    MalformedXml,
    MalformedTrailer,
    InvalidArgument(&'static str),
    InvalidRequest(String),
    NotImplemented(&'static str),
    Disk(io::Error),
    Index(rusqlite::Error),
    /// A record in the index isn't in the form that this program writes.
    Record(serde_json::Error),
    /// The thread that did the work panicked.
    Worker(tokio::task::JoinError),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Index(error)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Record(error)
    }
}

impl From<tokio::task::JoinError> for Error {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Worker(error)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Disk(error) => error,
            other => io::Error::other(format!("{other:?}")),
        }
    }
}

impl From<Error> for S3Error {
    fn from(error: Error) -> Self {
        use S3ErrorCode as Code;
        match error {
            Error::NoSuchBucket => Self::with_message(Code::NoSuchBucket, "The specified bucket does not exist"),
            Error::NoSuchKey => Self::with_message(Code::NoSuchKey, "The specified key does not exist."),
            Error::NoSuchUpload => Self::with_message(
                Code::NoSuchUpload,
                "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
            ),
            Error::BucketExists => Self::new(Code::BucketAlreadyOwnedByYou),
            Error::PreconditionFailed => Self::with_message(
                Code::PreconditionFailed,
                "At least one of the pre-conditions you specified did not hold",
            ),
            Error::NotModified { etag } => {
                custom("NotModified", StatusCode::NOT_MODIFIED, header::ETAG, &format!("\"{etag}\""))
            }
            Error::InvalidRange { size } => custom(
                "InvalidRange",
                StatusCode::RANGE_NOT_SATISFIABLE,
                header::CONTENT_RANGE,
                &format!("bytes */{size}"),
            ),
            Error::MissingContentLength => {
                Self::with_message(Code::MissingContentLength, "You must provide the Content-Length HTTP header.")
            }
            Error::IncompleteBody => Self::with_message(
                Code::IncompleteBody,
                "You did not provide the number of bytes specified by the Content-Length HTTP header",
            ),
            Error::EntityTooLarge => {
                Self::with_message(Code::EntityTooLarge, "Your proposed upload exceeds the maximum allowed size")
            }
            Error::EntityTooSmall => Self::with_message(
                Code::EntityTooSmall,
                "Your proposed upload is smaller than the minimum allowed size",
            ),
            Error::InvalidPart(number) => Self::with_message(
                Code::InvalidPart,
                format!(
                    "Part {number} could not be found, or its entity tag or checksum is not that of the part uploaded."
                ),
            ),
            Error::InvalidPartOrder => Self::with_message(
                Code::InvalidPartOrder,
                "The list of parts was not in ascending order. Parts must be ordered by part number.",
            ),
            Error::InvalidDigest => {
                Self::with_message(Code::InvalidDigest, "The Content-MD5 you specified was invalid.")
            }
            Error::BadDigest(name) => Self::with_message(
                Code::BadDigest,
                format!("The {name} you specified did not match the calculated checksum."),
            ),
            Error::ContentSha256Mismatch => {
                let mut error = Self::with_message(
                    Code::Custom("XAmzContentSHA256Mismatch".into()),
                    "The provided 'x-amz-content-sha256' header does not match what was computed.",
                );
                error.set_status_code(StatusCode::BAD_REQUEST);
                error
            }
            Error::SignatureDoesNotMatch => Self::new(Code::SignatureDoesNotMatch),
            Error::MalformedXml => Self::new(Code::MalformedXML),
            Error::MalformedTrailer => {
                let mut error = Self::with_message(
                    Code::Custom("MalformedTrailerError".into()),
                    "The request contained trailing data that was not well-formed or did not conform to our published schema.",
                );
                error.set_status_code(StatusCode::BAD_REQUEST);
                error
            }
            Error::InvalidArgument(message) => Self::with_message(Code::InvalidArgument, message),
            Error::InvalidRequest(message) => Self::with_message(Code::InvalidRequest, message),
            Error::NotImplemented(what) => {
                Self::with_message(Code::NotImplemented, format!("{what} is not implemented here"))
            }
            Error::Disk(error) => internal(&error),
            Error::Index(error) => internal(&error),
            Error::Record(error) => internal(&error),
            Error::Worker(error) => internal(&error),
        }
    }
}

/// An error with a status and a header that `s3s` doesn't know to belong together.
fn custom(code: &'static str, status: StatusCode, name: header::HeaderName, value: &str) -> S3Error {
    let mut error = S3Error::new(S3ErrorCode::Custom(code.into()));
    error.set_status_code(status);
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
    error.set_headers(headers);
    error
}

/// The cause goes to the log and not to the client.
fn internal(cause: &dyn std::error::Error) -> S3Error {
    tracing::error!(%cause, "embedded S3 can't reach its data");
    S3Error::with_message(S3ErrorCode::InternalError, "We encountered an internal error. Please try again.")
}

//! Why a manifest can't be read.

use std::fmt;

use protocol::{ApiError, ErrorCode, MediaType};

/// Why bytes are refused as a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// The declared type isn't one of a manifest.
    UnsupportedMediaType(MediaType),
    /// The bytes aren't JSON; the parser's words.
    NotJson(String),
    /// Content-Type and content name different formats.
    Contradiction {
        /// What the Content-Type says.
        header: MediaType,
        /// What the manifest says or is.
        body: MediaType,
    },
    /// Neither Content-Type nor content tells which format it is.
    Unrecognized,
    /// Something is wrong with one field.
    Field {
        /// Where: `layers[3].digest`; empty for the document itself.
        path: String,
        /// What.
        problem: String,
    },
    /// A schema 1 signature is well formed and doesn't hold.
    Unverified {
        /// Which of the signatures.
        signature: usize,
        /// What.
        problem: String,
    },
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnsupportedMediaType(media_type) => write!(
                f,
                "{media_type} is not a type of manifest that this registry keeps; \
                 push Docker schema 1 or 2, a Docker manifest list, an OCI image manifest or an OCI image index"
            ),
            Self::NotJson(problem) => write!(f, "the manifest is not JSON: {problem}"),
            Self::Contradiction { header, body } => {
                write!(f, "the Content-Type says {header} and the manifest {body}; they must agree")
            }
            Self::Unrecognized => write!(
                f,
                "the format of the manifest can't be told; send its type as Content-Type or put it into mediaType"
            ),
            Self::Field { path, problem } if path.is_empty() => write!(f, "the manifest {problem}"),
            Self::Field { path, problem } => write!(f, "{path}: {problem}"),
            Self::Unverified { signature, problem } => {
                write!(f, "signatures[{signature}]: {problem}; push the manifest as it was signed")
            }
        }
    }
}

impl std::error::Error for ParseError {}

impl From<ParseError> for ApiError {
    fn from(error: ParseError) -> Self {
        let code = match error {
            ParseError::UnsupportedMediaType(_) => ErrorCode::MediaTypeUnsupported,
            ParseError::NotJson(_)
            | ParseError::Contradiction { .. }
            | ParseError::Unrecognized
            | ParseError::Field { .. } => ErrorCode::ManifestInvalid,
            ParseError::Unverified { .. } => ErrorCode::ManifestUnverified,
        };
        Self::new(code, error.to_string())
    }
}

//! Error codes, their statuses, and the JSON body that carries them.

use std::fmt;

use serde_json::{Value, json};

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $status:literal $text:literal,)*) => {
        /// What went wrong, as the distribution specification names it ("Error codes").
        ///
        /// Two variants may share a code on the wire and differ in their status.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($(#[$doc])* $variant,)* }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$variant),*];

            /// The code on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The HTTP status that goes with it.
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }
        }
    };
}

error_codes! {
    /// The blob isn't in the repository.
    BlobUnknown = 404 "BLOB_UNKNOWN",
    /// The upload can't go on as asked.
    BlobUploadInvalid = 400 "BLOB_UPLOAD_INVALID",
    /// The upload is somewhere else than the client thinks, or another request holds it.
    BlobUploadRange = 416 "BLOB_UPLOAD_INVALID",
    /// No such upload session.
    BlobUploadUnknown = 404 "BLOB_UPLOAD_UNKNOWN",
    /// A digest is malformed or isn't that of the content.
    DigestInvalid = 400 "DIGEST_INVALID",
    /// A manifest refers to content that isn't in the repository.
    ManifestBlobUnknown = 400 "MANIFEST_BLOB_UNKNOWN",
    /// A manifest can't be read.
    ManifestInvalid = 400 "MANIFEST_INVALID",
    /// A manifest is larger than the registry takes.
    ManifestTooLarge = 413 "SIZE_INVALID",
    /// No such manifest, or none in a form that the client accepts.
    ManifestUnknown = 404 "MANIFEST_UNKNOWN",
    /// A schema 1 signature doesn't verify.
    ManifestUnverified = 400 "MANIFEST_UNVERIFIED",
    /// A repository name is outside the grammar.
    NameInvalid = 400 "NAME_INVALID",
    /// No such repository.
    NameUnknown = 404 "NAME_UNKNOWN",
    /// `n` or `last` of a listing is malformed.
    PaginationInvalid = 400 "PAGINATION_NUMBER_INVALID",
    /// A length isn't the one that was announced.
    SizeInvalid = 400 "SIZE_INVALID",
    /// A tag is outside the grammar or may not be moved.
    TagInvalid = 400 "TAG_INVALID",
    /// More tags than one request may set.
    TooManyTags = 414 "TAG_INVALID",
    /// Credentials are missing or wrong.
    Unauthorized = 401 "UNAUTHORIZED",
    /// The credentials don't allow this.
    Denied = 403 "DENIED",
    /// The method isn't one that the resource has.
    MethodNotAllowed = 405 "UNSUPPORTED",
    /// Something refers to what was to be deleted. The specification has this status for deletions that aren't done
    /// ("Deleting Manifests", "Deleting Blobs"), and clients know it.
    StillReferred = 405 "UNSUPPORTED",
    /// The path is none of the registry's.
    RouteUnknown = 404 "UNSUPPORTED",
    /// The content is of a type that the registry doesn't keep.
    MediaTypeUnsupported = 415 "UNSUPPORTED",
    /// A token was asked for in a way that isn't understood.
    TokenRequestInvalid = 400 "UNSUPPORTED",
    /// Too many requests; try again after a while.
    TooManyRequests = 429 "TOOMANYREQUESTS",
    /// The platform failed for now; try again after a while.
    Unavailable = 503 "UNAVAILABLE",
    /// A fault of the registry's own.
    Internal = 500 "UNKNOWN",
}

/// An error on its way to the client: code, a sentence that says what to do, and details for programs.
///
/// Domain errors of every crate turn into this in one exhaustive match each; the runtime renders it.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError {
    /// Code and status.
    pub code: ErrorCode,
    /// For people.
    pub message: String,
    /// For programs; null when there is nothing to add.
    pub detail: Value,
    /// Headers that belong to the answer, for instance `Range` or `Retry-After`.
    pub headers: Vec<(&'static str, String)>,
}

impl ApiError {
    /// An error without details.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), detail: Value::Null, headers: Vec::new() }
    }

    /// With details.
    #[must_use]
    pub fn detail(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The JSON body (distribution specification, "Error codes").
    ///
    /// ```
    /// use protocol::{ApiError, ErrorCode};
    /// let body = ApiError::new(ErrorCode::NameUnknown, "no repository \"a\"").body();
    /// assert_eq!(body, r#"{"errors":[{"code":"NAME_UNKNOWN","message":"no repository \"a\""}]}"#);
    /// ```
    pub fn body(&self) -> String {
        let mut error = json!({ "code": self.code.as_str(), "message": self.message });
        if !self.detail.is_null() {
            error["detail"] = self.detail.clone();
        }
        json!({ "errors": [error] }).to_string()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}

impl std::error::Error for ApiError {}

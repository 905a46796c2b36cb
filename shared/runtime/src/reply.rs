//! Building answers.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};

use crate::Response;

/// An answer in the making.
pub struct Reply(Response);

impl Reply {
    /// An answer without a body.
    pub fn new(status: StatusCode) -> Self {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = status;
        Self(response)
    }

    /// With a header. Values are names, digests and paths that passed their grammar; one that couldn't stand in a header
    /// is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl ToString) -> Self {
        if let Ok(value) = HeaderValue::from_str(&value.to_string()) {
            self.0.headers_mut().insert(name, value);
        }
        self
    }

    /// With a body, which ends it.
    pub fn body(mut self, media_type: &str, bytes: impl Into<Bytes>) -> Response {
        *self.0.body_mut() = bytes.into();
        self.header(http::header::CONTENT_TYPE, media_type).done()
    }

    /// Without a body.
    pub fn done(self) -> Response {
        self.0
    }
}

/// The digest of what an answer carries or announces.
pub const DOCKER_CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
/// The session that an answer is about.
pub const DOCKER_UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");
/// The subject of a manifest that was stored (distribution specification, "Pushing manifests with subject").
pub const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
/// The tags that a push by digest was given along (distribution specification, "Pushing Manifests").
pub const OCI_TAG: HeaderName = HeaderName::from_static("oci-tag");
/// The smallest piece that a client should send before the last one (distribution specification, "Pushing a blob in
/// chunks").
pub const OCI_CHUNK_MIN_LENGTH: HeaderName = HeaderName::from_static("oci-chunk-min-length");
/// The filters that a referrers listing applied.
pub const OCI_FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");
/// On an answer that isn't what the tag points at: the digest that the tag points at, which is the one that signatures and
/// referrers name.
pub const STORED_DIGEST: HeaderName = HeaderName::from_static("x-registry-stored-digest");

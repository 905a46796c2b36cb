//! Which call a request is.

use std::fmt;

use http::Method;
use http::request::Parts;

/// A service of AWS that the registry calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// Records.
    DynamoDb,
    /// Objects.
    S3,
}

/// An attempt of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Who is called.
    pub service: Service,
    /// What is called, by AWS's name for it: `GetItem`, `UploadPart`.
    pub operation: String,
    /// Its place among all calls, from 0; the SDK's repetitions of a call have the same.
    pub number: usize,
    /// 1, and more for the SDK's repetitions.
    pub attempt: u32,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. {}", self.number + 1, self.operation)
    }
}

/// AWS's name for what a request asks for.
pub(super) fn operation(service: Service, request: &Parts) -> String {
    match service {
        Service::DynamoDb => {
            let target = request.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
            target.and_then(|target| target.rsplit('.').next()).unwrap_or_default().to_owned()
        }
        Service::S3 => s3_operation(request).to_owned(),
    }
}

fn s3_operation(request: &Parts) -> &'static str {
    let has = |wanted: &str| {
        let query = request.uri.query().unwrap_or_default();
        query.split('&').any(|parameter| parameter.split('=').next() == Some(wanted))
    };
    let is_copy = request.headers.contains_key("x-amz-copy-source");
    let of_the_bucket = !request.uri.path().trim_start_matches('/').trim_end_matches('/').contains('/');
    match request.method {
        Method::GET if has("uploads") => "ListMultipartUploads",
        Method::GET if has("uploadId") => "ListParts",
        Method::GET if of_the_bucket => "ListObjectsV2",
        Method::GET => "GetObject",
        Method::HEAD => "HeadObject",
        Method::PUT if has("uploadId") => "UploadPart",
        Method::PUT if is_copy => "CopyObject",
        Method::PUT => "PutObject",
        Method::POST if has("uploads") => "CreateMultipartUpload",
        Method::POST if has("uploadId") => "CompleteMultipartUpload",
        Method::POST => "DeleteObjects",
        Method::DELETE if has("uploadId") => "AbortMultipartUpload",
        Method::DELETE => "DeleteObject",
        _ => "?",
    }
}

//! What can be wrong with a deployment.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::http::{Answer, Request};
use crate::meddler::Part;

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    HangsUp,
    HangsUpOnOverlongHeaders,
    RenamedChallenge,
    OnlyTheCopy,
    NoChallenge,
    ChallengeTwice,
    NoRegistry,
    RedirectsElsewhere,
    NotFoundWithoutSlash,
    NoApiVersion,
    ClockBehind(u64),
    NoDate,
    RealmElsewhere,
    ServiceElsewhere,
    GatewaysNotFound,
    NoDeepNames,
    NoEncodedSlash,
    NoUploadWithSlash,
    NoUploadWithoutSlash,
    ShortHeaders,
    NoLargeBodies,
    SmallBodies,
    LoginForbidden,
    TokenRefused,
    NoTokenInAnswer,
    TokenIsOld,
    TokenLastsLessThanSaid,
    PasswordRefused,
    ManifestRefused,
    ManifestStoredAsAnother,
    ChunkedRefused,
    ChunkedLost,
    NoDirectUpload,
    BucketRefusesUpload,
    DirectUploadNotFound,
    DirectUrlIsRegistrys,
    ManifestChanged,
    HeadHasBody,
    HeadHasNoLength,
    HeadNotFound,
    AcceptIsLost,
    NoStoredDigest,
    ConversionNotFoundByDigest,
    BlobWithoutRedirect,
    BlobRedirectsToRegistry,
    BucketRefusesDownload,
    BucketChangesBytes,
    BucketIgnoresRange,
    BucketRefusesHead,
    BlobHeadHasBody,
    BucketFailsWithCredentials,
    BucketRefusesCredentials,
    DeleteDenied,
}

impl Fault {
    /// Whether the connection is closed without a word.
    pub(crate) fn hangs_up(self, part: Part, request: &Request) -> bool {
        match self {
            Self::HangsUp => part == Part::Registry,
            Self::HangsUpOnOverlongHeaders => header_length(request) > 10_240,
            _ => false,
        }
    }

    /// What is answered without asking anybody.
    pub(crate) fn refuses(self, part: Part, request: &Request) -> Option<Answer> {
        let not_found = || Answer::gateways(404, "Not Found");
        let (registry, bucket) = (part == Part::Registry, part == Part::Bucket);
        let components = request.path().split('/').count();
        let is_new = request.method == "POST";
        let (answer, when) = match self {
            Self::NoRegistry => (Answer { body: b"<html>".to_vec(), ..not_found() }, registry),
            Self::NotFoundWithoutSlash => (not_found(), request.target == "/v2"),
            Self::GatewaysNotFound => (not_found(), request.target == "/lambda-registry-doctor"),
            Self::NoDeepNames => (not_found(), components > 10),
            Self::NoEncodedSlash => (not_found(), registry && request.target.contains("%2F")),
            Self::NoUploadWithSlash => (not_found(), is_new && request.path().ends_with("/uploads/")),
            Self::NoUploadWithoutSlash => (not_found(), is_new && request.path().ends_with("/uploads")),
            Self::ShortHeaders => {
                (Answer::gateways(431, "Request Header Fields Too Large"), header_length(request) > 4_096)
            }
            Self::NoLargeBodies => (Answer::gateways(413, "Request Entity Too Large"), request.body.len() > 4_200_000),
            Self::SmallBodies => (Answer::gateways(413, "Request Entity Too Large"), request.body.len() > 1_000_000),
            Self::LoginForbidden => (Answer::gateways(403, "Forbidden"), request.is("POST", "/login")),
            Self::TokenRefused => (Answer::registrys(401, "UNAUTHORIZED"), request.is("GET", "/token")),
            Self::PasswordRefused => {
                let basic = request.headers.get("authorization").is_some_and(|value| value.starts_with("Basic"));
                (Answer::registrys(401, "UNAUTHORIZED"), request.target == "/v2/" && basic)
            }
            Self::ManifestRefused => (Answer::gateways(500, "Internal Server Error"), request.is("PUT", "/manifests/")),
            Self::ChunkedRefused => (Answer::gateways(413, "Request Entity Too Large"), request.is_chunked),
            Self::BucketRefusesUpload => (Answer::buckets(403, "AccessDenied"), bucket && request.method == "PUT"),
            Self::HeadNotFound => (Answer { body: Vec::new(), ..not_found() }, request.is("HEAD", "/manifests/")),
            Self::BlobWithoutRedirect => {
                let bytes = Answer { status: 200, body: b"bytes".to_vec(), ..Answer::default() };
                (bytes, registry && request.is("GET", "/blobs/sha256:"))
            }
            Self::BucketRefusesDownload => {
                let downloads = request.method == "GET" && request.headers.get("authorization").is_none();
                (Answer::buckets(403, "AccessDenied"), bucket && downloads && request.headers.get("range").is_none())
            }
            Self::BucketRefusesHead => {
                (Answer { body: Vec::new(), ..Answer::buckets(403, "") }, bucket && request.method == "HEAD")
            }
            Self::BucketFailsWithCredentials => {
                (Answer::buckets(500, "InternalError"), bucket && request.headers.get("authorization").is_some())
            }
            Self::BucketRefusesCredentials => {
                (Answer::buckets(400, "InvalidArgument"), bucket && request.headers.get("authorization").is_some())
            }
            Self::DeleteDenied => {
                let is_blob = !request.target.contains("/uploads/");
                (Answer::registrys(403, "DENIED"), request.method == "DELETE" && is_blob)
            }
            _ => return None,
        };
        when.then_some(answer)
    }

    /// What gets lost on the way in.
    pub(crate) fn changes_request(self, part: Part, request: &mut Request) {
        match self {
            Self::ChunkedLost if request.is_chunked => request.body.clear(),
            Self::AcceptIsLost if part == Part::Registry && request.path().contains("/manifests/") => {
                request.headers.set("accept", "application/vnd.oci.image.manifest.v1+json");
            }
            Self::BucketIgnoresRange if part == Part::Bucket => drop(request.headers.take("range")),
            _ => {}
        }
    }

    /// And on the way out.
    pub(crate) fn changes_answer(self, part: Part, registry: SocketAddr, request: &Request, answer: &mut Answer) {
        let headers = &mut answer.headers;
        let is_base = request.target == "/v2/";
        match self {
            Self::RenamedChallenge => {
                if let Some(challenge) = headers.take("www-authenticate") {
                    headers.set("x-amzn-remapped-www-authenticate", challenge);
                }
            }
            Self::OnlyTheCopy => drop(headers.take("www-authenticate")),
            Self::NoChallenge => {
                headers.take("www-authenticate");
                headers.take("x-registry-challenge");
            }
            Self::ChallengeTwice => {
                if let Some(challenge) = headers.get("www-authenticate").map(str::to_owned) {
                    headers.add("www-authenticate", challenge);
                }
            }
            Self::RedirectsElsewhere if request.target == "/v2" => {
                *answer = Answer { status: 301, body: Vec::new(), ..Answer::default() };
                answer.headers.set("location", "https://registry.example.com/v2/?secret");
            }
            Self::NoApiVersion => drop(headers.take("docker-distribution-api-version")),
            Self::ClockBehind(seconds) if is_base => {
                let then = SystemTime::now() - Duration::from_secs(seconds);
                headers.set("date", httpdate::fmt_http_date(then));
            }
            Self::NoDate if is_base => drop(headers.take("date")),
            Self::RealmElsewhere | Self::ServiceElsewhere => {
                if let Some(challenge) = headers.take("www-authenticate") {
                    let what = if self == Self::RealmElsewhere { "http://" } else { "service=\"" };
                    let here = format!("{what}{registry}");
                    headers.set("www-authenticate", challenge.replace(&here, &format!("{what}registry.example.com")));
                }
            }
            Self::NoTokenInAnswer if request.is("GET", "/token") => answer.body = b"{\"expires_in\":240}".to_vec(),
            Self::TokenIsOld if request.is("GET", "/token") => {
                let claims = URL_SAFE_NO_PAD.encode(r#"{"iat":1000,"exp":1300}"#);
                answer.body = format!(r#"{{"token":"e30.{claims}.e30","expires_in":240}}"#).into_bytes();
            }
            Self::TokenLastsLessThanSaid if request.is("GET", "/token") => {
                let body = String::from_utf8(answer.body.clone()).unwrap();
                assert!(body.contains("\"expires_in\":240"), "{body}");
                answer.body = body.replace("\"expires_in\":240", "\"expires_in\":3600").into_bytes();
            }
            Self::ManifestStoredAsAnother if request.is("PUT", "/manifests/") => {
                headers.set("docker-content-digest", format!("sha256:{:064}", 0));
            }
            Self::NoDirectUpload if request.target.contains("direct=") => answer.body.clear(),
            Self::DirectUploadNotFound
                if request.method == "PUT" && part == Part::Registry && request.body.is_empty() =>
            {
                *answer = Answer::registrys(400, "BLOB_UPLOAD_INVALID");
            }
            Self::DirectUrlIsRegistrys if request.target.contains("direct=") => {
                answer.body = format!(r#"{{"url":"http://{registry}/bucket?signature","headers":{{}}}}"#).into_bytes();
            }
            Self::ManifestChanged if request.is("GET", "/manifests/sha256:") && answer.status == 200 => {
                answer.body.push(b'\n');
            }
            Self::HeadHasBody if request.is("HEAD", "/manifests/") => answer.body = b"{\"schemaVersion\":2}".to_vec(),
            Self::HeadHasNoLength if request.is("HEAD", "/manifests/") => drop(headers.take("content-length")),
            Self::NoStoredDigest => drop(headers.take("x-registry-stored-digest")),
            Self::ConversionNotFoundByDigest => {
                let by_digest = request.is("GET", "/manifests/sha256:");
                let accept = request.headers.get("accept").unwrap_or_default();
                if by_digest && accept.contains("docker.distribution.manifest.v2") {
                    *answer = Answer::registrys(404, "MANIFEST_UNKNOWN");
                }
            }
            Self::BlobRedirectsToRegistry if request.is("GET", "/blobs/sha256:") && part == Part::Registry => {
                headers.set("location", format!("http://{registry}/bucket/object?signature"));
            }
            Self::BucketChangesBytes if part == Part::Bucket && answer.status == 200 && request.method == "GET" => {
                answer.body.push(0);
            }
            Self::BlobHeadHasBody if request.is("HEAD", "/blobs/") && part == Part::Registry => {
                answer.body = b"Temporary Redirect".to_vec();
            }
            _ => {}
        }
    }
}

fn header_length(request: &Request) -> usize {
    request.headers.get("x-doctor").map_or(0, str::len)
}

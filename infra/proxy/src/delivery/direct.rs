//! Blobs that go straight to the bucket, through a URL that the registry signs: see docs/direct-uploads.md.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Response, StatusCode, Uri};
use hyper::body::Incoming;
use serde::Deserialize;

use super::{Delivery, Parcel, with_digest};
use crate::door::Door;
use crate::payload::Payload;
use crate::reply::Failure;
use crate::retry::{Outcome, is_transient};
use crate::sessions::unknown;
use crate::uploads::uploads_path;
use crate::upstream::Call;

/// How often a URL is asked for: it may expire before it is used, and what it led to may be gone.
const GRANTS: u32 = 3;

/// A session whose bytes go to the bucket.
pub(super) struct Direct {
    pub(super) location: PathAndQuery,
    /// Whether the bucket has them.
    sent: bool,
}

/// What the registry lets us send.
#[derive(Deserialize)]
struct Grant {
    method: String,
    url: String,
    headers: BTreeMap<String, String>,
    expires_in: u64,
}

/// What asking for a URL came to.
enum Asked {
    Granted(Grant, PathAndQuery),
    /// The repository has the blob.
    Present,
    /// The registry doesn't do this, or not with this blob.
    Impossible,
}

/// What sending the bytes came to.
enum Sent {
    Stored,
    /// The URL is no longer good.
    Expired,
    Refused,
}

impl Door {
    /// Whether the repository has the blob now; if not, there is the way through the gateway.
    pub(super) async fn deliver_directly(&self, parcel: &Parcel<'_>, delivery: &mut Delivery) -> Result<bool, Failure> {
        for _ in 0..GRANTS {
            if !delivery.direct.as_ref().is_some_and(|direct| direct.sent) {
                let (grant, location) = match self.ask(parcel, delivery).await? {
                    Asked::Granted(grant, location) => (grant, location),
                    Asked::Present => return Ok(true),
                    Asked::Impossible => return Ok(false),
                };
                if let Some(before) = delivery.direct.replace(Direct { location, sent: false }) {
                    self.cancel_upstream(before.location, parcel.caller).await;
                }
                match self.send_to_bucket(parcel, &grant).await {
                    Sent::Stored => {}
                    Sent::Expired => continue,
                    Sent::Refused => break,
                }
                if let Some(direct) = &mut delivery.direct {
                    direct.sent = true;
                }
            }
            if self.confirm(parcel, delivery).await? {
                return Ok(true);
            }
        }
        tracing::warn!("{}: the bucket doesn't take it; it goes through the gateway", parcel.digest);
        if let Some(direct) = delivery.direct.take() {
            self.cancel_upstream(direct.location, parcel.caller).await;
        }
        Ok(false)
    }

    async fn ask(&self, parcel: &Parcel<'_>, delivery: &mut Delivery) -> Result<Asked, Failure> {
        let query = format!("direct={}&size={}", parcel.digest, parcel.spool.length());
        let path = uploads_path(parcel.name, &query).ok_or_else(unknown)?;
        let call = self.upstream.call(Method::POST, path, parcel.caller.clone(), Payload::nothing());
        let answer = self.upstream.persist(&call).await.map_err(|error| self.unreachable(error))?;
        match answer.status() {
            StatusCode::CREATED => Ok(Asked::Present),
            StatusCode::ACCEPTED => {
                let Some(location) = self.upstream.location(&answer) else { return Ok(Asked::Impossible) };
                if let Some(grant) = self.grant(answer).await {
                    return Ok(Asked::Granted(grant, location));
                }
                // A session like any other: this registry doesn't know the parameter.
                self.cancel_upstream(location, parcel.caller).await;
                delivery.direct = None;
                Ok(Asked::Impossible)
            }
            StatusCode::BAD_REQUEST | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => {
                Ok(Asked::Impossible)
            }
            _ => Err(answer.into()),
        }
    }

    async fn grant(&self, answer: Response<Incoming>) -> Option<Grant> {
        let media_type = answer.headers().get(CONTENT_TYPE)?.to_str().ok()?;
        if !media_type.starts_with("application/json") {
            return None;
        }
        let body = self.upstream.small_body(answer.into_body()).await?;
        serde_json::from_slice(&body).ok()
    }

    /// The bucket checks length and digest, and that nothing lies there yet.
    async fn send_to_bucket(&self, parcel: &Parcel<'_>, grant: &Grant) -> Sent {
        let granted = Instant::now();
        let Some(call) = grant.call(parcel) else { return Sent::Refused };
        let mut retries = self.upstream.retries();
        loop {
            let outcome = self.upstream.send(&call).await;
            match outcome.as_ref().map(Response::status) {
                // An earlier attempt got there, and its answer was lost.
                Ok(StatusCode::PRECONDITION_FAILED) => return Sent::Stored,
                Ok(status) if status.is_success() => return Sent::Stored,
                Ok(StatusCode::FORBIDDEN) => return Sent::Expired,
                _ if granted.elapsed() >= Duration::from_secs(grant.expires_in) => return Sent::Expired,
                _ if !may_go_better(&outcome) => return Sent::Refused,
                _ => {}
            }
            if !retries.again("the bucket", &outcome).await {
                return Sent::Refused;
            }
        }
    }

    /// The registry looks at what lies in the bucket; false when that isn't the blob.
    async fn confirm(&self, parcel: &Parcel<'_>, delivery: &mut Delivery) -> Result<bool, Failure> {
        let session = delivery.direct.as_ref().and_then(|direct| with_digest(&direct.location, parcel.digest));
        let path = session.ok_or_else(unknown)?;
        let call = self.upstream.call(Method::PUT, path, parcel.caller.clone(), Payload::nothing());
        let answer = self.upstream.persist(&call).await.map_err(|error| self.unreachable(error))?;
        match answer.status() {
            StatusCode::CREATED => {
                delivery.direct = None;
                Ok(true)
            }
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => {
                if let Some(direct) = &mut delivery.direct {
                    direct.sent = false;
                }
                Ok(false)
            }
            _ => Err(answer.into()),
        }
    }
}

impl Grant {
    /// The request that was signed: nothing of the client's is in it.
    fn call(&self, parcel: &Parcel<'_>) -> Option<Call> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name: HeaderName = name.parse().ok()?;
            if name != CONTENT_LENGTH && name != HOST {
                headers.insert(name, HeaderValue::from_str(value).ok()?);
            }
        }
        let to: Uri = self.url.parse().ok()?;
        let payload = Payload::Spooled(parcel.spool.slice(0, parcel.spool.length(), parcel.track));
        (self.method == "PUT").then_some(Call { method: Method::PUT, to, headers, payload })
    }
}

/// Bytes that changed on their way (400) and another writer (409) are worth another attempt as well.
fn may_go_better(outcome: &Outcome) -> bool {
    let status = outcome.as_ref().ok().map(Response::status);
    is_transient(outcome) || matches!(status, Some(StatusCode::BAD_REQUEST | StatusCode::CONFLICT))
}

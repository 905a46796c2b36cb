//! Signing in to a registry as an AWS identity: a signed `POST /login` is answered with a password.

mod answer;
mod error;
mod signature;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Empty, Limited};
use proxy::{http_client, with_causes};
use serde::{Deserialize, Serialize};

use crate::{Aws, Registry};

pub use error::LoginError;

/// A password that lasts less than this is renewed: a push may take a while, and clients keep what they were given.
pub const RENEWAL: Duration = Duration::from_secs(60 * 60);

/// How long a registry may take to answer. A gateway gives up after 30 s.
const PATIENCE: Duration = Duration::from_secs(40);

/// The longest answer that is read, in bytes. Passwords have a few hundred.
const LONGEST_ANSWER: usize = 64 * 1024;

/// What clients show a registry, together with [`access::IAM_USER`], until it expires. `Debug` doesn't show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Password {
    /// The secret: printable characters, without spaces.
    pub password: String,
    /// Seconds since 1970, by the registry's clock.
    pub expires_at: u64,
}

impl Password {
    /// Whether it is still good `ahead` of now.
    pub fn lasts(&self, ahead: Duration) -> bool {
        let then = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + ahead;
        self.expires_at > then.as_secs()
    }

    /// Whether it is one at all: it goes into a line of output and into headers.
    pub fn is_sound(&self) -> bool {
        !self.password.is_empty() && self.password.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Password").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Signs in. `region` is the one that the registry's API is in; without it, the one in the registry's host, or the
/// configuration's.
///
/// # Errors
/// When there are no AWS credentials, the registry can't be reached, doesn't let this identity in, or is none.
pub async fn log_in(registry: &Registry, region: Option<&str>) -> Result<Password, LoginError> {
    let aws = Aws::load(region.or(registry.region())).await;
    let credentials = aws.credentials().await?;
    let region = aws.region()?;
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = registry.url("/login");
    request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(0));
    signature::sign(&mut request, &credentials, region, SystemTime::now())?;
    let answer = tokio::time::timeout(PATIENCE, send(registry, request)).await;
    let answer = answer.map_err(|_| LoginError::unreachable(registry, format!("silent for {PATIENCE:?}")))??;
    let context = answer::Context { registry, region, access_key_id: credentials.access_key_id() };
    answer::read(&context, &answer, SystemTime::now())
}

async fn send(registry: &Registry, request: Request<Empty<Bytes>>) -> Result<Response<Bytes>, LoginError> {
    let client = http_client().map_err(LoginError::Certificates)?;
    let answer = client.request(request).await;
    let answer = answer.map_err(|error| LoginError::unreachable(registry, with_causes(&error)))?;
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, LONGEST_ANSWER).collect().await;
    // Too long or cut short, it isn't ours: what was it, then, is answered by the head.
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    Ok(Response::from_parts(head, body))
}

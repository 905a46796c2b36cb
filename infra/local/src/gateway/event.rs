//! The event of payload format 2.0 that a function receives for a request.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{self, HeaderMap};
use http::request::Parts;
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::route::{PathParameters, decode};
use super::template::Selected;
use crate::iam::{ACCOUNT_ID, Identity};

/// Headers that belong to one connection.
pub(super) const HOP_BY_HOP: &[&str] =
    &["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    version: &'static str,
    route_key: &'a str,
    raw_path: &'a str,
    raw_query_string: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<Cow<'a, str>>,
    headers: BTreeMap<&'a str, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    query_string_parameters: BTreeMap<String, String>,
    request_context: Context<'a>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    path_parameters: &'a PathParameters,
    #[serde(skip_serializing_if = "str::is_empty")]
    body: Cow<'a, str>,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    account_id: &'static str,
    api_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorizer: Option<Authorizer<'a>>,
    domain_name: &'a str,
    domain_prefix: &'a str,
    http: Http<'a>,
    request_id: &'a str,
    route_key: &'a str,
    stage: &'static str,
    time: String,
    time_epoch: u64,
}

#[derive(Serialize)]
struct Authorizer<'a> {
    iam: Iam<'a>,
}

/// Who signed the request. What has no value here are things of Cognito's and of AWS Organizations'.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Iam<'a> {
    access_key: &'a str,
    account_id: &'a str,
    caller_id: &'a str,
    cognito_identity: (),
    principal_org_id: (),
    user_arn: &'a str,
    user_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Http<'a> {
    method: &'a str,
    path: &'a str,
    protocol: String,
    source_ip: String,
    user_agent: &'a str,
}

/// The event, as JSON.
///
/// Paths are percent-decoded, the query string isn't. `domainName` is the request's `Host` with its port, so that URLs
/// made from it lead back here. `caller` is who signed the request, on routes where the gateway looks at that.
pub(super) fn build(
    head: &Parts,
    payload: &[u8],
    route: &Selected<'_>,
    caller: Option<&Identity>,
    peer: SocketAddr,
    id: &str,
) -> serde_json::Result<Vec<u8>> {
    let path = decode(head.uri.path());
    let query = head.uri.query().unwrap_or_default();
    let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| head.uri.authority().map(|authority| authority.as_str())).unwrap_or("localhost");
    let now = SystemTime::now();
    let (body, is_base64_encoded) = encode(&head.headers, payload);
    let event = Event {
        version: "2.0",
        route_key: route.key,
        raw_path: &path,
        raw_query_string: query,
        cookies: cookies(&head.headers),
        headers: headers(&head.headers, host, payload.len(), peer),
        query_string_parameters: query_parameters(query),
        request_context: Context {
            account_id: ACCOUNT_ID,
            api_id: "local",
            authorizer: caller.map(|caller| Authorizer { iam: Iam::of(caller) }),
            domain_name: host,
            domain_prefix: host.split(['.', ':']).next().unwrap_or_default(),
            http: Http {
                method: head.method.as_str(),
                path: &path,
                protocol: format!("{:?}", head.version),
                source_ip: peer.ip().to_string(),
                user_agent: head.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or(""),
            },
            request_id: id,
            route_key: route.key,
            stage: "$default",
            time: clf_time(now),
            time_epoch: now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64),
        },
        path_parameters: &route.parameters,
        body,
        is_base64_encoded,
    };
    serde_json::to_vec(&event)
}

impl<'a> Iam<'a> {
    fn of(caller: &'a Identity) -> Self {
        Self {
            access_key: &caller.access_key_id,
            account_id: &caller.account_id,
            caller_id: &caller.user_id,
            cognito_identity: (),
            principal_org_id: (),
            user_arn: &caller.arn,
            user_id: &caller.user_id,
        }
    }
}

/// The headers as a function sees them: names in lower case, repeated ones joined with commas, cookies apart, those of
/// the connection gone, and what the gateway adds.
fn headers<'a>(headers: &'a HeaderMap, host: &str, length: usize, peer: SocketAddr) -> BTreeMap<&'a str, String> {
    let mut all = BTreeMap::new();
    for name in headers.keys().filter(|name| *name != header::COOKIE && !HOP_BY_HOP.contains(&name.as_str())) {
        let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        all.insert(name.as_str(), values.collect::<Vec<_>>().join(","));
    }
    let forwarded_for = match all.get("x-forwarded-for") {
        Some(before) => format!("{before}, {}", peer.ip()),
        None => peer.ip().to_string(),
    };
    let port = host.rsplit_once(':').map_or("80", |(_, port)| port);
    let trace = Uuid::new_v4().simple().to_string();
    let (time, rest) = trace.split_at(8);
    all.insert("content-length", length.to_string());
    all.insert("host", host.to_owned());
    all.insert("x-amzn-trace-id", format!("Root=1-{time}-{rest}"));
    all.insert("x-forwarded-for", forwarded_for);
    all.insert("x-forwarded-port", port.to_owned());
    all.insert("x-forwarded-proto", "http".to_owned());
    all
}

fn cookies(headers: &HeaderMap) -> Vec<Cow<'_, str>> {
    let lines = headers.get_all(header::COOKIE).iter().map(|line| String::from_utf8_lossy(line.as_bytes()));
    lines.flat_map(|line| line.split("; ").map(|cookie| Cow::Owned(cookie.to_owned())).collect::<Vec<_>>()).collect()
}

/// Parameters of the query, decoded, repeated ones joined with commas.
fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::<String, String>::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        parameters
            .entry(name.into_owned())
            .and_modify(|values| values.extend([",", &value]))
            .or_insert_with(|| value.clone().into_owned());
    }
    parameters
}

/// The payload as text when its media type is one of those that the gateway takes for text, else in base64. Which
/// types with a `+json` suffix it takes for text isn't documented: base64, the larger form, is on the safe side.
fn encode<'a>(headers: &HeaderMap, payload: &'a [u8]) -> (Cow<'a, str>, bool) {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_text = essence.starts_with("text/")
        || ["application/json", "application/javascript", "application/xml"].contains(&essence.as_str());
    match str::from_utf8(payload) {
        Ok(text) if text.is_empty() || is_text && !headers.contains_key(header::CONTENT_ENCODING) => {
            (Cow::Borrowed(text), false)
        }
        _ => (Cow::Owned(BASE64_STANDARD.encode(payload)), true),
    }
}

/// `22/Nov/2026:09:30:00 +0000`
fn clf_time(time: SystemTime) -> String {
    let time = OffsetDateTime::from(time);
    let month = time.month().to_string();
    format!(
        "{:02}/{}/{}:{:02}:{:02}:{:02} +0000",
        time.day(),
        &month[..3],
        time.year(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

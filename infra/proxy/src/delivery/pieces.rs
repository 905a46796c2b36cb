//! Blobs that go through the gateway: whole in one PUT when they are small, otherwise by PATCHes and a PUT.

use http::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderValue, RANGE};
use http::uri::PathAndQuery;
use http::{Method, Response, StatusCode};
use hyper::body::Incoming;

use super::{Delivery, PIECE, Parcel, with_digest};
use crate::door::Door;
use crate::payload::Payload;
use crate::reply::Failure;
use crate::retry::{Outcome, is_transient};
use crate::sessions::unknown;
use crate::uploads::uploads_path;
use crate::upstream::Call;

/// What a failed request means for the session.
enum Setback {
    /// It goes on here.
    At(u64),
    /// It is gone.
    Lost,
}

impl Door {
    /// Sends what the registry hasn't got yet.
    pub(super) async fn deliver_in_pieces(&self, parcel: &Parcel<'_>, delivery: &mut Delivery) -> Result<(), Failure> {
        let mut retries = self.upstream.retries();
        let (mut offset, mut furthest) = (0, 0);
        loop {
            let session = match delivery.session.clone() {
                Some(session) => session,
                None => delivery.session.insert(self.open_upstream(parcel).await?).clone(),
            };
            let before = offset;
            let last = parcel.spool.length() - offset <= PIECE;
            let call = self.piece(parcel, &session, offset, last).ok_or_else(unknown)?;
            let outcome = self.upstream.send(&call).await;
            match &outcome {
                Ok(answer) if last && answer.status() == StatusCode::CREATED => {
                    delivery.session = None;
                    return Ok(());
                }
                Ok(answer) if !last && answer.status() == StatusCode::ACCEPTED => {
                    offset = received(answer).unwrap_or(offset + PIECE);
                    // Some registries keep their state in the URL.
                    delivery.session = self.upstream.location(answer).or(delivery.session.take());
                }
                _ => match self.setback(parcel, &session, offset, last, &outcome).await {
                    Some(Setback::At(there)) => offset = there,
                    // Another one that did the same finished it, or nobody.
                    Some(Setback::Lost) if last && self.is_present(parcel).await => return Ok(()),
                    Some(Setback::Lost) => (offset, delivery.session) = (0, None),
                    None => return Err(self.failure(outcome)),
                },
            }
            if offset > parcel.spool.length() {
                // Not our bytes.
                (offset, delivery.session) = (0, None);
            }
            if offset > furthest {
                furthest = offset;
                retries.start_over();
            } else if offset <= before && !retries.again(&format!("{} at {before}", parcel.digest), &outcome).await {
                return Err(self.failure(outcome));
            }
        }
    }

    fn piece(&self, parcel: &Parcel<'_>, session: &PathAndQuery, offset: u64, last: bool) -> Option<Call> {
        let length = (parcel.spool.length() - offset).min(PIECE);
        let mut headers = parcel.caller.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        if length > 0 {
            let range = format!("{offset}-{}", offset + length - 1);
            headers.insert(CONTENT_RANGE, HeaderValue::from_str(&range).ok()?);
        }
        let payload = Payload::Spooled(parcel.spool.slice(offset, length, parcel.track));
        let (method, path) = match last {
            true => (Method::PUT, with_digest(session, parcel.digest)?),
            false => (Method::PATCH, session.clone()),
        };
        Some(self.upstream.call(method, path, headers, payload))
    }

    /// Where a session is after a request that didn't go well; None when the registry won't have the blob.
    async fn setback(
        &self,
        parcel: &Parcel<'_>,
        session: &PathAndQuery,
        offset: u64,
        last: bool,
        outcome: &Outcome,
    ) -> Option<Setback> {
        match outcome {
            Ok(answer) if answer.status() == StatusCode::RANGE_NOT_SATISFIABLE => {
                Some(Setback::At(received(answer).unwrap_or(offset)))
            }
            Ok(answer) if answer.status() == StatusCode::NOT_FOUND => Some(Setback::Lost),
            outcome if !is_transient(outcome) => None,
            // A PUT may have done it: the session would be gone, and the PUT once more is answered as if it were the first.
            _ if last => Some(Setback::At(offset)),
            _ => {
                let call = self.upstream.call(Method::GET, session.clone(), parcel.caller.clone(), Payload::nothing());
                Some(match self.upstream.persist(&call).await {
                    Ok(answer) if answer.status() == StatusCode::NOT_FOUND => Setback::Lost,
                    Ok(answer) => Setback::At(received(&answer).unwrap_or(offset)),
                    Err(_) => Setback::At(offset),
                })
            }
        }
    }

    async fn open_upstream(&self, parcel: &Parcel<'_>) -> Result<PathAndQuery, Failure> {
        let path = uploads_path(parcel.name, "").ok_or_else(unknown)?;
        let call = self.upstream.call(Method::POST, path, parcel.caller.clone(), Payload::nothing());
        let answer = self.upstream.persist(&call).await.map_err(|error| self.unreachable(error))?;
        match self.upstream.location(&answer) {
            Some(location) if answer.status() == StatusCode::ACCEPTED => Ok(location),
            _ => Err(answer.into()),
        }
    }

    async fn is_present(&self, parcel: &Parcel<'_>) -> bool {
        let path = format!("/v2/{}/blobs/{}", parcel.name, parcel.digest).parse();
        let Ok(path) = path else { return false };
        let call = self.upstream.call(Method::HEAD, path, parcel.caller.clone(), Payload::nothing());
        let answer = self.upstream.persist(&call).await;
        // Where a bucket holds it, the registry says where that is.
        answer.is_ok_and(|answer| answer.status().is_success() || answer.status().is_redirection())
    }

    fn failure(&self, outcome: Outcome) -> Failure {
        match outcome {
            Ok(answer) => answer.into(),
            Err(error) => self.unreachable(error),
        }
    }
}

/// How many bytes a session has. `0-0` is none: no piece has one byte.
fn received(answer: &Response<Incoming>) -> Option<u64> {
    let last = answer.headers().get(RANGE)?.to_str().ok()?.strip_prefix("0-")?.parse::<u64>().ok()?;
    if last == 0 { Some(0) } else { last.checked_add(1) }
}

//! The checks: each makes a finding of what was observed, and does nothing else.

pub(super) mod base;
pub(super) mod blob;
pub(super) mod clock;
pub(super) mod manifest;
pub(super) mod paths;
pub(super) mod push;
pub(super) mod size;
pub(super) mod token;
pub(super) mod upload;

use super::answer::Unanswered;
use super::check::Check;
use super::finding::Finding;

/// Somebody hung up, or said nothing.
fn unanswered(check: Check, what: &str, reason: &Unanswered) -> Finding {
    Finding::failure(
        check,
        format!("{what}: {reason}"),
        "a request that clients make wasn't answered",
        "run doctor again; if it stays, look for the request in the function's log, and at what stands between: \
         proxies, firewalls, a WAF",
    )
}

#[cfg(test)]
mod tests {
    use super::super::answer::Answer;

    /// An answer with these headers and this body.
    pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut built = http::Response::builder().status(status);
        for (name, value) in headers {
            built = built.header(*name, *value);
        }
        let (head, body) = built.body(bytes::Bytes::copy_from_slice(body.as_bytes())).unwrap().into_parts();
        Answer { status: head.status, headers: head.headers, body }
    }
}

//! What a request came to.

use access::Principal;
use protocol::{ErrorCode, RepositoryName};

use crate::Happening;

/// What a request came to: what events and metrics tell. Nothing in it is secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Names the request in the log.
    pub request_id: String,
    /// Who it came from; None when it wasn't let in.
    pub principal: Option<Principal>,
    /// The repository that it was about, once it was let in.
    pub repository: Option<RepositoryName>,
    /// What it did.
    pub happenings: Vec<Happening>,
    /// What it ended with, if that was an error.
    pub error: Option<ErrorCode>,
}

/// An answer, and what there is to tell about it once it is sent.
#[derive(Debug)]
pub struct Answered<R> {
    /// For the client.
    pub response: R,
    /// For everybody else.
    pub record: Record,
}

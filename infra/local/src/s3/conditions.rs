//! Conditional requests: `If-Match` and `If-None-Match`.

use s3s::dto::ETagCondition;

use super::error::Error;
use super::index::Object;

/// What must hold of the object that a write replaces, at the moment when it takes effect.
#[derive(Debug)]
pub(super) enum WriteCondition {
    Always,
    /// `If-None-Match: *`
    Absent,
    /// `If-Match`
    Present(ETagCondition),
}

impl WriteCondition {
    pub(super) fn new(if_match: Option<ETagCondition>, if_none_match: Option<ETagCondition>) -> Result<Self, Error> {
        match (if_match, if_none_match) {
            (None, None) => Ok(Self::Always),
            (None, Some(ETagCondition::Any)) => Ok(Self::Absent),
            (Some(etag), None) => Ok(Self::Present(etag)),
            // S3 refuses these as well.
            (None, Some(ETagCondition::ETag(_))) => Err(Error::NotImplemented("If-None-Match with an ETag on a write")),
            (Some(_), Some(_)) => Err(Error::NotImplemented("If-Match beside If-None-Match on a write")),
        }
    }

    pub(super) fn check(&self, current: Option<&Object>) -> Result<(), Error> {
        match (self, current) {
            (Self::Always, _) | (Self::Absent, None) => Ok(()),
            (Self::Absent, Some(_)) => Err(Error::PreconditionFailed),
            (Self::Present(_), None) => Err(Error::NoSuchKey),
            (Self::Present(condition), Some(object)) if names(condition, object) => Ok(()),
            (Self::Present(_), Some(_)) => Err(Error::PreconditionFailed),
        }
    }
}

/// Whether a read may go on.
pub(super) fn check_read(
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
    object: &Object,
) -> Result<(), Error> {
    if if_match.is_some_and(|condition| !names(condition, object)) {
        return Err(Error::PreconditionFailed);
    }
    if if_none_match.is_some_and(|condition| names(condition, object)) {
        return Err(Error::NotModified { etag: object.etag.clone() });
    }
    Ok(())
}

fn names(condition: &ETagCondition, object: &Object) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(etag) => etag.value() == object.etag,
    }
}

//! The other ways in: bodies without a length, and straight to the bucket.

use super::unanswered;
use crate::doctor::answer::{Outcome, said};
use crate::doctor::check::Check;
use crate::doctor::finding::Finding;

const LOST: &str = "clients that don't say how long a layer is can't push it: docker and podman, for one";
const PROXY: &str = "push through lambda-registry proxy, which takes such layers and sends them on with their length";

/// PATCH with a body of so many bytes, in chunks, at the beginning of an upload.
pub(in crate::doctor) fn chunked_patch(sent: usize, outcome: &Outcome) -> Finding {
    let check = Check::ChunkedPatch;
    match outcome {
        Ok(answer) if answer.status == 202 => match answer.header("range") {
            Some(range) if range == format!("0-{}", sent.saturating_sub(1)) => {
                Finding::ok(check, format!("PATCH takes {sent} bytes without Content-Length"))
            }
            range => Finding::warning(
                check,
                format!(
                    "of a PATCH with {sent} bytes in chunks, {} arrived",
                    range.unwrap_or("nothing that was named")
                ),
                LOST,
                PROXY,
            ),
        },
        _ => not_taken(check, "PATCH", outcome),
    }
}

/// PUT with a whole blob, in chunks.
pub(in crate::doctor) fn chunked_put(sent: usize, outcome: &Outcome) -> Finding {
    match outcome {
        Ok(answer) if answer.status == 201 => {
            Finding::ok(Check::ChunkedPut, format!("PUT takes {sent} bytes without Content-Length"))
        }
        _ => not_taken(Check::ChunkedPut, "PUT", outcome),
    }
}

fn not_taken(check: Check, method: &str, outcome: &Outcome) -> Finding {
    Finding::warning(check, format!("{method} without Content-Length: {}", said(outcome)), LOST, PROXY)
}

/// What became of a blob that was to go straight to the bucket.
pub(in crate::doctor) enum Direct {
    /// No URL was handed out.
    NoUrl(Outcome),
    /// The URL is on a machine that can't be meant, or on the registry; host and scheme.
    BadUrl(String),
    /// The bucket's answer, and the registry's to the request that finishes the upload.
    Sent(Outcome, Option<Outcome>),
}

/// A blob that goes straight to the bucket (docs/direct-uploads.md).
pub(in crate::doctor) fn direct_upload(direct: &Direct) -> Finding {
    let check = Check::DirectUpload;
    let pieces = "lambda-registry proxy sends large layers in pieces of 4 MB instead, which takes longer";
    match direct {
        Direct::NoUrl(Err(reason)) => unanswered(check, "POST …?direct=", reason),
        Direct::NoUrl(outcome) => Finding::warning(
            check,
            format!("POST …?direct= is answered with {} and no URL", said(outcome)),
            pieces,
            "deploy the function blob-upload of this version",
        ),
        Direct::BadUrl(url) => Finding::failure(
            check,
            format!("the URL for the bucket leads to {url}"),
            pieces,
            "the function blob-upload has to sign for the bucket's own host: see that AWS_ENDPOINT_URL_S3 isn't set \
             for it",
        ),
        Direct::Sent(Ok(bucket), Some(Ok(finished))) if bucket.status.is_success() && finished.status == 201 => {
            Finding::ok(check, "a blob went straight to the bucket")
        }
        Direct::Sent(Ok(bucket), Some(finished)) if bucket.status.is_success() => Finding::failure(
            check,
            format!("the bucket has the blob; the registry answers {}", said(finished)),
            pieces,
            "look into the log of blob-upload: its role has to allow s3:GetObject on blobs/*",
        ),
        Direct::Sent(bucket, _) => Finding::failure(
            check,
            format!("the bucket refuses the blob: {}", said(bucket)),
            pieces,
            "the role of blob-upload has to allow s3:PutObject on blobs/*; look at the bucket's policy and \
             encryption; the bucket has to be reachable from here",
        ),
    }
}

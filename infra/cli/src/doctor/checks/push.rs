//! An image gets in, and out of the way again.

use http::StatusCode;
use protocol::{Digest, RepositoryName};

use super::unanswered;
use crate::doctor::answer::{Answer, Outcome, said};
use crate::doctor::check::Check;
use crate::doctor::finding::Finding;

/// A request of a push, and what it is answered with when all is well.
pub(in crate::doctor) struct Step {
    pub(in crate::doctor) what: &'static str,
    pub(in crate::doctor) expected: StatusCode,
    pub(in crate::doctor) outcome: Outcome,
}

/// The steps of a push, up to the first that went wrong; `digest` is the manifest's, which the last one stored.
pub(in crate::doctor) fn push(repository: &RepositoryName, digest: &Digest, steps: &[Step]) -> Finding {
    for Step { what, expected, outcome } in steps {
        match outcome {
            Err(reason) => return unanswered(Check::Push, what, reason),
            Ok(answer) if answer.status != *expected => return refused(repository, what, answer),
            Ok(_) => {}
        }
    }
    let stored = steps.last().and_then(|step| step.outcome.as_ref().ok()?.header("docker-content-digest"));
    match stored {
        Some(stored) if stored == digest.to_string() => {
            Finding::ok(Check::Push, format!("an image of two blobs was pushed to {repository}"))
        }
        stored => Finding::failure(
            Check::Push,
            format!("the manifest {digest} was stored as {}", stored.unwrap_or("nothing that was named")),
            "manifests are changed on their way, so nothing that names them by digest works",
            "look at what stands before the gateway: it must not change bodies",
        ),
    }
}

fn refused(repository: &RepositoryName, what: &str, answer: &Answer) -> Finding {
    let observed = format!("{what}: {}", answer.said());
    let code = answer.code();
    let (meaning, remedy) = match (code.as_deref(), answer.status.as_u16()) {
        (Some("NAME_UNKNOWN"), _) => (
            "pushes don't create repositories here, and this one doesn't exist",
            format!("lambda-registry repository create {repository}, or name one that exists with --repository"),
        ),
        (Some("DENIED" | "UNAUTHORIZED"), _) | (None, 401 | 403) => (
            "these credentials may not push there",
            format!(
                "grant pull, push and delete on {repository} (lambda-registry grants apply, or user create \
                 --repositories {repository} --actions pull,push,delete), or name another one with --repository"
            ),
        ),
        (Some("MANIFEST_BLOB_UNKNOWN"), _) => (
            "what was stored can't be seen a moment later",
            "run doctor again; somebody may have deleted it: push to a repository that nobody cleans up".to_owned(),
        ),
        (Some("DIGEST_INVALID" | "SIZE_INVALID"), _) => (
            "bodies are changed on their way",
            "look at what stands before the gateway: it must not change bodies".to_owned(),
        ),
        (None, 500..) => (
            "the gateway got no answer from a function, or none that it could use",
            "look into the logs of blob-upload and manifest-put, and at the gateway's permission to invoke them"
                .to_owned(),
        ),
        (_, 500..) => (
            "the registry failed, or its bucket or table did",
            "look into the logs of blob-upload and manifest-put; their roles have to allow what the template allows \
             them"
                .to_owned(),
        ),
        _ => ("nothing can be pushed", "the message says why; the registry's log has the request".to_owned()),
    };
    Finding::failure(Check::Push, observed, meaning, remedy)
}

/// What was pushed and should be gone: what each deletion was answered with.
pub(in crate::doctor) fn cleanup(repository: &RepositoryName, deleted: &[(String, Outcome)]) -> Finding {
    let gone = |outcome: &Outcome| {
        outcome.as_ref().is_ok_and(|answer| answer.status.is_success() || answer.status == StatusCode::NOT_FOUND)
    };
    let mut left = deleted.iter().filter(|(_, outcome)| !gone(outcome));
    let Some((first, outcome)) = left.next() else {
        return Finding::ok(Check::Cleanup, format!("what was pushed to {repository} is deleted"));
    };
    let denied = outcome.as_ref().is_ok_and(|answer| matches!(answer.status.as_u16(), 401 | 403));
    let others = left.map(|(what, _)| format!(", {what}")).collect::<String>();
    Finding::warning(
        Check::Cleanup,
        format!("in {repository} there are still {first}{others}: {}", said(outcome)),
        "some kilobytes stay, under a tag that begins with doctor-",
        match denied {
            true => "grant delete on the repository as well, and delete them; or leave them: they do no harm",
            false => "delete them, with crane delete for instance; or leave them: they do no harm",
        },
    )
}

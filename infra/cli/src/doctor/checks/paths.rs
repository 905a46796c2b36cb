//! Paths that reach the functions as they are.

use lambda_registry::Registry;
use protocol::RepositoryName;

use super::unanswered;
use crate::doctor::answer::{Answer, Outcome, said};
use crate::doctor::challenge::find;
use crate::doctor::check::Check;
use crate::doctor::finding::Finding;

const ROUTES: &str = "deploy the template's routes as they are (one for each number of components up to 8, and \
                      $default), and let nothing before the gateway change paths";

/// Names with these numbers of components, each with what the list of its tags was answered with.
pub(in crate::doctor) fn names(asked: &[(RepositoryName, Outcome)]) -> Finding {
    for (name, outcome) in asked {
        if !is_about(outcome, name) {
            return Finding::failure(
                Check::Names,
                format!("the tags of {name} are answered with {}", said(outcome)),
                "repositories with so many components in their names can't be used",
                ROUTES,
            );
        }
    }
    let counts: Vec<_> = asked.iter().map(|(name, _)| name.as_str().split('/').count().to_string()).collect();
    Finding::ok(Check::Names, format!("names of {} components reach the registry", counts.join(", ")))
}

/// Whether the registry answers about this repository: it isn't there, or may not be seen.
fn is_about(outcome: &Outcome, name: &RepositoryName) -> bool {
    let Ok(answer) = outcome else { return false };
    match find(answer).and_then(|found| found.bearer).and_then(|bearer| bearer.scope) {
        Some(scope) => scope.starts_with(&format!("repository:{name}:")),
        None => {
            matches!(answer.code().as_deref(), Some("NAME_UNKNOWN" | "UNAUTHORIZED" | "DENIED"))
                || answer.status.is_success()
        }
    }
}

/// A name whose slash came as `%2F`.
pub(in crate::doctor) fn encoded_slash(name: &RepositoryName, outcome: &Outcome) -> Finding {
    if let Err(reason) = outcome {
        return unanswered(Check::EncodedSlash, "GET of a path with %2F", reason);
    }
    match is_about(outcome, name) {
        true => Finding::ok(Check::EncodedSlash, "%2F in a path is a slash"),
        false => Finding::warning(
            Check::EncodedSlash,
            format!("a path with %2F is answered with {}", said(outcome)),
            "the few clients that encode the slashes of names don't find their repositories",
            ROUTES,
        ),
    }
}

/// POST to `…/blobs/uploads/` and to `…/blobs/uploads`, by somebody without credentials.
pub(in crate::doctor) fn upload_route(registry: &Registry, slash: &Outcome, bare: &Outcome) -> Finding {
    let is_good = |outcome: &Outcome| outcome.as_ref().is_ok_and(|answer| leads_to_uploads(registry, answer));
    match (is_good(slash), is_good(bare)) {
        (true, true) => Finding::ok(Check::UploadRoute, "uploads are opened with and without a slash at the end"),
        (true, false) => Finding::warning(
            Check::UploadRoute,
            format!("POST …/blobs/uploads is answered with {}", said(bare)),
            "the few clients that leave the slash out can't push",
            ROUTES,
        ),
        (false, _) => Finding::failure(
            Check::UploadRoute,
            format!("POST …/blobs/uploads/ is answered with {}", said(slash)),
            "no client can push",
            "POST and PATCH under /v2/{proxy+} have to lead to the function blob-upload, as in the template: route \
             keys can't end in a slash",
        ),
    }
}

/// It was opened here, or the registry itself refused, for want of credentials or of the repository.
fn leads_to_uploads(registry: &Registry, answer: &Answer) -> bool {
    match answer.status.as_u16() {
        202 => answer.header("location").is_some_and(|location| registry.resolve(location).is_some()),
        401 | 403 => answer.is_registrys_error(),
        _ => answer.code().as_deref() == Some("NAME_UNKNOWN"),
    }
}

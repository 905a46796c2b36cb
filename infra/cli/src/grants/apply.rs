//! Writing what a plan changes.

use access::{NoRandomness, Secret, User, UserName};
use storage::{DocumentName, DocumentWrite, Storage};

use super::error::GrantsError;
use super::file::{File, UserTerms};
use super::plan::Plan;
use super::state::State;
use crate::bounds::{TooMuch, check_grants, check_user};
use crate::console::print;
use crate::moment::Moment;

/// One document to write, and the secret that becomes valid with it.
struct Step<'a> {
    write: DocumentWrite<'a>,
    secret: Option<(&'a UserName, Secret)>,
}

/// Whether there is room for everything that the plan changes.
///
/// # Errors
/// When there isn't.
pub(crate) fn check(file: &File, plan: &Plan, state: &State) -> Result<(), TooMuch> {
    check_grants(&state.grants_after(file))?;
    let terms = |name| file.users.as_ref().and_then(|users| users.get(name));
    for (name, terms) in plan.users().filter_map(|name| Some((name, terms(name)?))) {
        // Secrets are all of one length.
        check_user(name.as_str(), &with_terms(User::new(&Secret::new(""), Vec::new(), None, u64::MAX), terms))?;
    }
    Ok(())
}

/// Writes it, on condition that everything is as it was when `state` was read, and prints the secrets of new users.
///
/// What fits into one transaction is written whole or not at all. The secrets of a step are printed when it is done, so
/// that none is lost when a later one fails.
///
/// # Errors
/// When something changed meanwhile, with how much was written, and when the platform fails.
pub(crate) async fn apply(
    storage: &Storage,
    file: &File,
    plan: &Plan,
    state: &State,
    now: Moment,
) -> Result<(), GrantsError> {
    let steps = steps(file, plan, state, now)?;
    let mut applied = 0;
    for transaction in steps.chunks(Storage::DOCUMENTS_AT_ONCE) {
        let writes: Vec<_> = transaction.iter().map(|step| step.write.clone()).collect();
        if !storage.write_documents(&writes).await.map_err(GrantsError::Writing)? {
            let all = steps.len();
            return Err(if applied == 0 { GrantsError::Changed } else { GrantsError::ChangedMidway { applied, all } });
        }
        applied += writes.len();
        print_secrets(transaction)?;
    }
    Ok(())
}

fn print_secrets(steps: &[Step<'_>]) -> Result<(), GrantsError> {
    let secrets = || steps.iter().filter_map(|step| step.secret.as_ref());
    let lines: String = secrets().map(|(name, secret)| format!("{name} {}\n", secret.expose())).collect();
    let lost = |cause| GrantsError::SecretsLost { users: secrets().map(|(name, _)| (*name).clone()).collect(), cause };
    print(&lines).map_err(lost)
}

fn steps<'a>(file: &'a File, plan: &'a Plan, state: &State, now: Moment) -> Result<Vec<Step<'a>>, NoRandomness> {
    // The grants are written even if they stay the same: their version tells two files that are applied at once apart,
    // neither of which knows the users that the other one adds.
    let text = Some(state.grants_after(file).to_json());
    let replaces = state.grants.as_ref().map(|kept| kept.revision);
    let grants = DocumentWrite { name: DocumentName::Grants, replaces, text };
    let mut steps = vec![Step { write: grants, secret: None }];
    for name in plan.users() {
        let terms = file.users.as_ref().and_then(|users| users.get(name));
        let kept = state.users.get(name);
        let (user, secret) = match (kept, terms) {
            (Some(kept), Some(terms)) => (Some(with_terms(kept.value.clone(), terms)), None),
            (None, Some(terms)) => {
                let secret = Secret::generate()?;
                let user = with_terms(User::new(&secret, Vec::new(), None, now.seconds()), terms);
                (Some(user), Some((name, secret)))
            }
            (_, None) => (None, None),
        };
        let (text, replaces) = (user.map(|user| user.to_json()), kept.map(|kept| kept.revision));
        steps.push(Step { write: DocumentWrite { name: DocumentName::User(name.as_str()), replaces, text }, secret });
    }
    Ok(steps)
}

fn with_terms(user: User, terms: &UserTerms) -> User {
    User { grants: terms.grants.clone(), expires_at: terms.expires.map(Moment::seconds), ..user }
}

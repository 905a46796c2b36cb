//! `lambda-registry user disable`, `enable` and `delete`.

use access::{User, UserName};
use lambda_registry::Deployment;
use storage::{DocumentName, DocumentWrite};

use super::error::UserError;
use crate::console::print;
use crate::kept;

/// How often a change is tried when others change the same user.
const ATTEMPTS: usize = 10;

/// What becomes of a user.
enum Change {
    /// It is as it should be.
    None,
    /// It is replaced.
    Replace(User),
    /// It is gone.
    Delete,
}

/// Lets a user log in, or nobody as this user.
pub(super) async fn set_enabled(deployment: &Deployment, name: &UserName, enabled: bool) -> Result<(), UserError> {
    let set = |user: User| match user.enabled == enabled {
        true => Change::None,
        false => Change::Replace(User { enabled, ..user }),
    };
    let changed = change(deployment, name, set).await?;
    let done = if enabled { "enabled" } else { "disabled" };
    let said = if changed { format!("{done} {name}\n") } else { format!("{name} is {done} already\n") };
    print(&said).map_err(UserError::Output)?;
    if changed && !enabled {
        say_what_still_works(name);
    }
    Ok(())
}

/// Deletes a user.
pub(super) async fn delete(deployment: &Deployment, name: &UserName) -> Result<(), UserError> {
    change(deployment, name, |_| Change::Delete).await?;
    print(&format!("deleted {name}\n")).map_err(UserError::Output)?;
    say_what_still_works(name);
    Ok(())
}

/// A token is good without anybody being asked.
fn say_what_still_works(name: &UserName) {
    let minutes = runtime::TOKEN_LIFETIME.div_ceil(60);
    eprintln!(
        "tokens that {name} has already got work until they expire, {minutes} minutes at most unless configured otherwise"
    );
}

/// Whether there was anything to change. Whatever others do to the user in the same moment is done too.
async fn change(deployment: &Deployment, name: &UserName, change: impl Fn(User) -> Change) -> Result<bool, UserError> {
    let storage = deployment.open().await.map_err(UserError::Deployment)?;
    for _ in 0..ATTEMPTS {
        let kept = kept::user(&storage, name).await?.ok_or_else(|| UserError::Unknown(name.clone()))?;
        let text = match change(kept.value) {
            Change::None => return Ok(false),
            Change::Replace(user) => Some(user.to_json()),
            Change::Delete => None,
        };
        let write = DocumentWrite { name: DocumentName::User(name.as_str()), replaces: Some(kept.revision), text };
        if storage.write_documents(&[write]).await? {
            return Ok(true);
        }
    }
    Err(UserError::Changed(name.clone()))
}

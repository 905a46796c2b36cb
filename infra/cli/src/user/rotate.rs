//! `lambda-registry user rotate`.

use access::{Secret, UserName};
use lambda_registry::Deployment;
use storage::{DocumentName, DocumentWrite};

use super::error::UserError;
use crate::console::print;
use crate::kept;
use crate::moment::Moment;

/// Gives the user a new secret, and prints it and nothing else.
///
/// A race is lost, not run again: the winner was told how long the secret before it stays valid, and one more rotation
/// would end that.
pub(super) async fn run(deployment: &Deployment, name: &UserName, overlap: u64) -> Result<(), UserError> {
    let storage = deployment.open().await.map_err(UserError::Deployment)?;
    let kept = kept::user(&storage, name).await?.ok_or_else(|| UserError::Unknown(name.clone()))?;
    let (mut user, now) = (kept.value, Moment::now());
    let valid_before = user.secrets.iter().filter(|secret| secret.is_valid(now.seconds())).count();
    let secret = Secret::generate()?;
    user.rotate(&secret, overlap, now.seconds());
    let document = DocumentName::User(name.as_str());
    let write = DocumentWrite { name: document, replaces: Some(kept.revision), text: Some(user.to_json()) };
    if !storage.write_documents(&[write]).await? {
        return Err(UserError::Changed(name.clone()));
    }
    let written = print(&format!("{}\n", secret.expose()));
    written.map_err(|cause| UserError::SecretLost { name: name.clone(), cause })?;
    match user.secrets.get(1).and_then(|old| old.expires_at) {
        Some(end) => eprintln!("the old secret of {name} stays valid until {}", Moment::at(end)),
        None => eprintln!("the old secret of {name} isn't valid any more"),
    }
    if valid_before > 1 {
        eprintln!("note: the one before it was still valid, and isn't any more: there are two at a time");
    }
    if !user.enabled {
        eprintln!("note: {name} is disabled; neither lets anybody in before: lambda-registry user enable {name}");
    }
    if let Some(end) = user.expires_at.filter(|end| *end <= now.seconds()) {
        eprintln!("note: {name} expired on {}; no secret lets anybody in", Moment::at(end));
    }
    Ok(())
}

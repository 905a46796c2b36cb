//! `lambda-registry user create`.

use access::{Actions, Permission, RepositoryPattern, Secret, User, UserName};
use clap::Args;
use lambda_registry::Deployment;
use storage::{DocumentName, DocumentWrite};

use super::error::UserError;
use crate::bounds::check_user;
use crate::console::print;
use crate::moment::{Moment, When};

/// Who, and what the user may do.
#[derive(Args)]
pub(crate) struct Arguments {
    /// 1 to 64 lower-case letters, digits, and . _ - after the first; aws and ecs are reserved
    name: UserName,
    /// What the user may use: names, or patterns in which * stands for any characters, slashes too; several with commas
    /// between them, or the option several times
    #[arg(long, required = true, value_name = "PATTERN", value_delimiter = ',')]
    repositories: Vec<RepositoryPattern>,
    /// What the user may do there: pull, push, delete, with commas between them
    #[arg(long)]
    actions: Actions,
    /// When the user ends: a duration like 90d, a date (its beginning, in UTC), or a time of RFC 3339; never by default
    #[arg(long, value_name = "WHEN")]
    expires: Option<When>,
    #[command(flatten)]
    deployment: Deployment,
}

/// Makes the user, and prints the secret and nothing else.
pub(super) async fn run(arguments: Arguments) -> Result<(), UserError> {
    let Arguments { name, repositories, actions, expires, deployment } = arguments;
    let now = Moment::now();
    let expires = expires.map(|when| when.from(now));
    if let Some(past) = expires.filter(|moment| *moment <= now) {
        return Err(UserError::Past(past));
    }
    let secret = Secret::generate()?;
    let grants = vec![Permission { repositories, actions }];
    let user = User::new(&secret, grants, expires.map(Moment::seconds), now.seconds());
    check_user(name.as_str(), &user)?;

    let storage = deployment.open().await.map_err(UserError::Deployment)?;
    let document = DocumentName::User(name.as_str());
    let write = DocumentWrite { name: document, replaces: None, text: Some(user.to_json()) };
    if !storage.write_documents(&[write]).await? {
        return Err(UserError::Exists(name));
    }
    let written = print(&format!("{}\n", secret.expose()));
    written.map_err(|cause| UserError::SecretLost { name: name.clone(), cause })?;
    let until = expires.map_or_else(String::new, |moment| format!(" until {moment}"));
    eprintln!("created {name}, who may {actions}{until}; the secret isn't shown again");
    for pattern in user.permissions().push_only() {
        eprintln!("note: {name} may push {pattern} and not pull it; docker and others want to, before they push");
    }
    eprintln!("to log in, give it to: docker login --username {name} --password-stdin <registry>");
    Ok(())
}

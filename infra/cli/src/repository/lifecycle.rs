//! A repository's lifecycle policy.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use lifecycle::{Expiry, Policy};
use protocol::{RepositoryName, Tag};
use storage::Storage;

use super::{Of, missing};

/// What to do with the policy.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show the policy, as it was written
    Show(Of),
    /// Check a policy and set it, in place of the one before
    Set {
        #[command(flatten)]
        of: Of,
        /// Amazon ECR's JSON
        file: PathBuf,
    },
    /// Have no policy any more
    Remove(Of),
    /// List which images would expire now, and why; change nothing
    Preview {
        #[command(flatten)]
        of: Of,
        /// By this policy, rather than by the one that is set
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
    },
}

/// Does it.
pub(crate) async fn run(command: Command) -> Result<(), String> {
    match command {
        Command::Show(of) => {
            let policy = set_policy(&of.deployment.open().await?, &of.name).await?;
            println!("{}", policy.trim_end());
        }
        Command::Set { of, file } => {
            // A policy that is none is refused before anybody is asked.
            let policy = read(&file)?;
            change(&of.deployment.open().await?, &of.name, Some(policy.as_str())).await?;
            println!("set the lifecycle policy of {}; the collector applies it with its next run", of.name);
        }
        Command::Remove(of) => {
            change(&of.deployment.open().await?, &of.name, None).await?;
            println!("{} has no lifecycle policy", of.name);
        }
        Command::Preview { of, policy } => {
            let file = policy.as_deref().map(read).transpose()?;
            let storage = of.deployment.open().await?;
            let policy = match file {
                Some(policy) => policy,
                None => Policy::parse(&set_policy(&storage, &of.name).await?).map_err(|error| error.to_string())?,
            };
            preview(&storage, &of.name, &policy).await?;
        }
    }
    Ok(())
}

fn read(file: &Path) -> Result<Policy, String> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let text = std::fs::read_to_string(file).map_err(|error| named(&error))?;
    Policy::parse(&text).map_err(|error| named(&error))
}

/// The text of the policy that is set.
async fn set_policy(storage: &Storage, name: &RepositoryName) -> Result<String, String> {
    match storage.lifecycle(name).await.map_err(|error| error.to_string())? {
        Some(text) => Ok(text),
        None => {
            exists(storage, name).await?;
            Err(format!(
                "{name} has no lifecycle policy; set one with: lambda-registry repository lifecycle set {name} FILE"
            ))
        }
    }
}

async fn exists(storage: &Storage, name: &RepositoryName) -> Result<(), String> {
    match storage.repository_exists(name).await.map_err(|error| error.to_string())? {
        true => Ok(()),
        false => Err(missing(name)),
    }
}

async fn change(storage: &Storage, name: &RepositoryName, policy: Option<&str>) -> Result<(), String> {
    match storage.set_lifecycle(name, policy).await.map_err(|error| error.to_string())? {
        true => Ok(()),
        false => Err(missing(name)),
    }
}

async fn preview(storage: &Storage, name: &RepositoryName, policy: &Policy) -> Result<(), String> {
    exists(storage, name).await?;
    let images = collector::images(storage, name).await.map_err(|error| error.to_string())?;
    let images = images.ok_or_else(|| {
        format!(
            "records of {name} don't say what manifests refer to, and nothing expires until they do: \
             lambda-registry scrub {name} --repair"
        )
    })?;
    let expired = lifecycle::evaluate(policy, &images, storage::now());
    expired.iter().for_each(|expiry| println!("{}", line(expiry)));
    println!("{} of {} images would expire", expired.len(), images.len());
    Ok(())
}

/// An image, its tags, and the reason.
fn line(expiry: &Expiry) -> String {
    let tags = match expiry.tags.as_slice() {
        [] => "untagged".to_owned(),
        tags => tags.iter().map(Tag::as_str).collect::<Vec<_>>().join(","),
    };
    format!("{}  {tags}  {}", expiry.digest, expiry.reason)
}

//! `lambda-registry user`: users of the registry itself, for machines that IAM doesn't know.

mod change;
mod create;
mod error;
mod list;
mod rotate;

use access::UserName;
use clap::Subcommand;
use lambda_registry::Deployment;

use crate::console;
use crate::moment::duration;

/// What to do with users.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Create a user and print the secret, once
    ///
    /// Standard output has the secret and nothing else, so it can be piped:
    /// lambda-registry user create ci --repositories 'team/*' --actions pull,push | docker login --username ci
    /// --password-stdin <registry>
    #[command(verbatim_doc_comment)]
    Create(create::Arguments),
    /// Show every user, what the user may do, and how old the secrets are
    List {
        /// As JSON: an array of objects; times are seconds since 1970
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        deployment: Deployment,
    },
    /// Give a user a new secret and print it, once; the old one stays valid for a while
    Rotate {
        /// The user's name
        name: UserName,
        /// How long the old secret stays valid; 0s ends it at once. Of older ones none stays valid
        #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration)]
        overlap: u64,
        #[command(flatten)]
        deployment: Deployment,
    },
    /// Let nobody log in as a user; grants and secrets are kept
    Disable(Whom),
    /// Let a disabled user log in again
    Enable(Whom),
    /// Delete a user, with grants and secrets
    Delete(Whom),
}

/// Which user.
#[derive(clap::Args)]
pub(crate) struct Whom {
    /// The user's name
    name: UserName,
    #[command(flatten)]
    deployment: Deployment,
}

/// Does it.
pub(crate) fn run(command: Command) -> Result<(), String> {
    let done = async {
        match command {
            Command::Create(arguments) => create::run(arguments).await,
            Command::List { json, deployment } => list::run(&deployment, json).await,
            Command::Rotate { name, overlap, deployment } => rotate::run(&deployment, &name, overlap).await,
            Command::Disable(Whom { name, deployment }) => change::set_enabled(&deployment, &name, false).await,
            Command::Enable(Whom { name, deployment }) => change::set_enabled(&deployment, &name, true).await,
            Command::Delete(Whom { name, deployment }) => change::delete(&deployment, &name).await,
        }
    };
    console::run(async { done.await.map_err(|error| error.to_string()) })
}

//! `lambda-registry repository`: for whoever runs a deployment, with AWS credentials for its table.

mod lifecycle;
mod settings;

use clap::{Args, Subcommand};
use lambda_registry::Deployment;
use protocol::RepositoryName;
use storage::Storage;

use crate::console;

/// What to do with a repository.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Create an empty repository; one that exists stays as it is
    Create(Of),
    /// Show a repository's settings, and change those that are given
    Settings {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        change: settings::Change,
    },
    /// Which images of a repository expire by themselves
    #[command(subcommand)]
    Lifecycle(lifecycle::Command),
}

/// Which repository, and where.
#[derive(Args)]
pub(crate) struct Of {
    /// For instance team/app
    name: RepositoryName,
    #[command(flatten)]
    deployment: Deployment,
}

/// Does it.
pub(crate) fn run(command: Command) -> Result<(), String> {
    console::run(async {
        match command {
            Command::Create(of) => create(&of.deployment.open().await?, &of.name).await,
            Command::Settings { of, change } => settings::run(&of.deployment.open().await?, &of.name, change).await,
            Command::Lifecycle(command) => lifecycle::run(command).await,
        }
    })
}

async fn create(storage: &Storage, name: &RepositoryName) -> Result<(), String> {
    match storage.create(name).await.map_err(|error| error.to_string())? {
        true => println!("created {name}"),
        false => println!("{name} exists already"),
    }
    Ok(())
}

/// There is no such repository.
fn missing(name: &RepositoryName) -> String {
    format!("there is no repository {name}; create it with: lambda-registry repository create {name}")
}

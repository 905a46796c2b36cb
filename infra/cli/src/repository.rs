//! `lambda-registry repository`: for whoever runs a deployment, with AWS credentials for its table.

use clap::{Subcommand, ValueEnum};
use lambda_registry::Deployment;
use protocol::RepositoryName;
use storage::{Settings, Storage};

use crate::console;

/// What to do with a repository.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Create an empty repository; one that exists stays as it is
    Create {
        /// For instance team/app
        name: RepositoryName,
        #[command(flatten)]
        deployment: Deployment,
    },
    /// Show a repository's settings, and change those that are given
    Settings {
        /// For instance team/app
        name: RepositoryName,
        /// Whether manifests may refer to content that isn't there
        #[arg(long, value_enum)]
        sparse_manifests: Option<Choice>,
        #[command(flatten)]
        deployment: Deployment,
    },
}

/// A setting of a repository.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Choice {
    Yes,
    No,
    /// What the deployment's parameter says
    Default,
}

/// Does it.
pub(crate) fn run(command: Command) -> Result<(), String> {
    console::run(async {
        match command {
            Command::Create { name, deployment } => create(&deployment.open().await?, &name).await,
            Command::Settings { name, sparse_manifests, deployment } => {
                settings(&deployment.open().await?, &name, sparse_manifests).await
            }
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

async fn settings(storage: &Storage, name: &RepositoryName, sparse_manifests: Option<Choice>) -> Result<(), String> {
    let missing = || format!("there is no repository {name}; create it with: lambda-registry repository create {name}");
    if let Some(choice) = sparse_manifests {
        let sparse_manifests = match choice {
            Choice::Yes => Some(true),
            Choice::No => Some(false),
            Choice::Default => None,
        };
        let changed = storage.set_settings(name, Settings { sparse_manifests }).await;
        if !changed.map_err(|error| error.to_string())? {
            return Err(missing());
        }
    }
    let settings = storage.settings(name).await.map_err(|error| error.to_string())?.ok_or_else(missing)?;
    let sparse_manifests = match settings.sparse_manifests {
        Some(true) => "yes",
        Some(false) => "no",
        None => "default",
    };
    println!("sparse-manifests  {sparse_manifests}");
    Ok(())
}

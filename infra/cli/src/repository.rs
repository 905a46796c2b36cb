//! `lambda-registry repository`: for whoever runs a deployment, with AWS credentials for its table.

use clap::{Args, Subcommand, ValueEnum};
use protocol::RepositoryName;
use storage::{Config, Credentials, Policy, Settings, Storage};

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

/// Where the registry is. The credentials come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.
#[derive(Args)]
pub(crate) struct Deployment {
    /// The deployment's table: the stack's output Table
    #[arg(long, env = "REGISTRY_TABLE")]
    table: String,
    #[arg(long, env = "AWS_REGION")]
    region: String,
    #[arg(long, env = "AWS_ACCESS_KEY_ID", hide = true, hide_env_values = true)]
    access_key_id: Option<String>,
    #[arg(long, env = "AWS_SECRET_ACCESS_KEY", hide = true, hide_env_values = true)]
    secret_access_key: Option<String>,
    #[arg(long, env = "AWS_SESSION_TOKEN", hide = true, hide_env_values = true)]
    session_token: Option<String>,
    #[arg(long, env = "AWS_ENDPOINT_URL_DYNAMODB", hide = true)]
    dynamodb_endpoint: Option<String>,
}

/// A setting of a repository.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Choice {
    Yes,
    No,
    /// What the deployment's parameter says
    Default,
}

impl Deployment {
    fn storage(self) -> Result<Storage, String> {
        let (Some(access_key_id), Some(secret_access_key)) = (self.access_key_id, self.secret_access_key) else {
            let advice = "eval \"$(aws configure export-credentials --format env)\"";
            return Err(format!("no AWS credentials in the environment; with the AWS command line: {advice}"));
        };
        Ok(Storage::new(&Config {
            table: self.table,
            // Nothing here is about objects.
            bucket: String::new(),
            region: self.region,
            credentials: Credentials { access_key_id, secret_access_key, session_token: self.session_token },
            dynamodb_endpoint: self.dynamodb_endpoint,
            s3_endpoint: None,
            policy: Policy::default(),
            s3_attempt_timeout: None,
            observer: None,
        }))
    }
}

/// Does it.
pub(crate) fn run(command: Command) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no threads: {error}"))?;
    runtime.block_on(async {
        match command {
            Command::Create { name, deployment } => create(&deployment.storage()?, &name).await,
            Command::Settings { name, sparse_manifests, deployment } => {
                settings(&deployment.storage()?, &name, sparse_manifests).await
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

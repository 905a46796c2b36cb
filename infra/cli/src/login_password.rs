//! `lambda-registry login-password`.

use clap::Args;
use lambda_registry::{Registry, log_in};

use crate::console::{self, print};

/// To which registry.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The registry's host, as it stands in the names of images
    #[arg(long, value_name = "HOST")]
    registry: Registry,
    /// The registry's AWS region; by default the one in its host, or the profile's
    #[arg(long)]
    region: Option<String>,
}

/// Prints a password and nothing else, for `docker login --username AWS --password-stdin`.
pub(crate) fn run(arguments: Arguments) -> Result<(), String> {
    let password = console::run(async {
        log_in(&arguments.registry, arguments.region.as_deref()).await.map_err(|error| error.to_string())
    })?;
    print(&format!("{}\n", password.password)).map_err(|error| format!("the password can't be written: {error}"))
}

//! `lambda-registry login-password`.

use std::io::Write as _;

use clap::Args;
use lambda_registry::{Registry, log_in};

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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no threads: {error}"))?;
    let password = runtime.block_on(log_in(&arguments.registry, arguments.region.as_deref()));
    let password = password.map_err(|error| error.to_string())?;
    writeln!(std::io::stdout(), "{}", password.password)
        .map_err(|error| format!("the password can't be written: {error}"))
}

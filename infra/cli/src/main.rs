//! The command line.

mod local;
mod proxy;
mod repository;
mod stop;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A private container registry: AWS Lambda, S3 and DynamoDB, or all of it on this machine.
#[derive(Parser)]
#[command(name = "lambda-registry", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    // Without a subcommand the registry starts here.
    #[command(flatten)]
    local: local::Arguments,
}

#[derive(Subcommand)]
enum Command {
    /// Run the whole registry on this machine, with embedded storage (the default).
    Local(local::Arguments),
    /// Serve the distribution API on this machine and bring layers of any size to a deployed registry.
    Proxy(proxy::Arguments),
    /// Create repositories in a deployment and change their settings.
    #[command(subcommand)]
    Repository(repository::Command),
    /// Run one function behind a Lambda Runtime API; `local --functions process` starts these.
    #[command(hide = true)]
    Function {
        #[arg(value_parser = function)]
        name: protocol::Function,
    },
}

fn function(name: &str) -> Result<protocol::Function, String> {
    let mut all = protocol::Function::ALL.iter().copied();
    all.find(|function| function.name() == name).ok_or_else(|| format!("there is no function {name:?}"))
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done: Result<(), String> = match cli.command {
        Some(Command::Function { name }) => ::local::run_function(name).map_err(|error| error.to_string()),
        Some(Command::Local(arguments)) => local::run(arguments),
        Some(Command::Repository(command)) => repository::run(command),
        Some(Command::Proxy(arguments)) => proxy::run(arguments),
        None => local::run(cli.local),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lambda-registry: {error}");
            ExitCode::FAILURE
        }
    }
}

//! The command line.

mod bounds;
mod collect;
mod console;
mod cost;
mod doctor;
mod grants;
mod kept;
mod local;
mod login_password;
mod moment;
mod proxy;
mod repository;
mod scrub;
mod stop;
mod user;

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
    /// Check a deployment for what only the deployment itself can show, with a small push and pull
    ///
    /// Ends with 0 when nothing failed, with 1 when something did, and with 2 when nobody answers or the command can't be
    /// understood.
    Doctor(doctor::Arguments),
    /// What a deployment costs in a month, beside Amazon ECR: list prices and measured calls, no network
    Cost(cost::Arguments),
    /// Sign in to a deployed registry with AWS credentials and print a password for `docker login --username AWS`.
    LoginPassword(login_password::Arguments),
    /// Create repositories in a deployment and change their settings.
    #[command(subcommand)]
    Repository(repository::Command),
    /// Remove from a deployment what nothing refers to any more, as its collector does by a schedule
    Collect(collect::Arguments),
    /// Read everything that a deployment refers to, compare it with its records, and repair what can be repaired
    ///
    /// The registry may be in use. Ends with 0 when nothing is wrong, with 1 when something was found, also if it was
    /// repaired, and with 2 when not all of it could be looked at or the command can't be understood.
    Scrub(scrub::Arguments),
    /// Users of the registry itself, for machines that IAM doesn't know.
    #[command(subcommand)]
    User(user::Command),
    /// Who may do what, as a file: users, IAM principals, and what everybody may pull.
    #[command(subcommand)]
    Grants(grants::Command),
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

/// What couldn't be done, a command line that can't be understood included. 2 is for `grants plan`.
const FAILED: u8 = 1;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and the version come this way too. Nobody is there to be told that they can't be printed.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(misunderstood()) } else { ExitCode::SUCCESS };
        }
    };
    let done: Result<(), String> = match cli.command {
        Some(Command::Function { name }) => ::local::run_function(name).map_err(|error| error.to_string()),
        Some(Command::Local(arguments)) => local::run(arguments),
        Some(Command::LoginPassword(arguments)) => login_password::run(arguments),
        Some(Command::Repository(command)) => repository::run(command),
        Some(Command::Collect(arguments)) => collect::run(arguments),
        Some(Command::User(command)) => user::run(command),
        Some(Command::Grants(command)) => return exit(grants::run(command)),
        Some(Command::Doctor(arguments)) => return doctor::run(arguments),
        Some(Command::Scrub(arguments)) => return scrub::run(arguments),
        Some(Command::Cost(arguments)) => cost::run(arguments),
        Some(Command::Proxy(arguments)) => proxy::run(arguments),
        None => local::run(cli.local),
    };
    exit(done.map(|()| ExitCode::SUCCESS))
}

/// `doctor` and `scrub` say 1 of a registry that they could look at.
fn misunderstood() -> u8 {
    match std::env::args_os().nth(1).as_deref().and_then(std::ffi::OsStr::to_str) {
        Some("doctor") => doctor::NOT_DONE,
        Some("scrub") => scrub::NOT_DONE,
        _ => FAILED,
    }
}

fn exit(done: Result<ExitCode, String>) -> ExitCode {
    done.unwrap_or_else(|error| {
        eprintln!("lambda-registry: {error}");
        ExitCode::from(FAILED)
    })
}

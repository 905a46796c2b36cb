//! `lambda-registry grants`: who may do what, as a file.

mod apply;
mod difference;
mod error;
mod file;
mod lock_out;
mod plan;
#[cfg(test)]
mod properties;
mod render;
mod source;
mod state;

use std::process::ExitCode;

use clap::Subcommand;
use lambda_registry::Deployment;

use crate::console::{self, print};
use crate::moment::Moment;
use error::GrantsError;
use file::File;
use lock_out::Standing;
use plan::Plan;
use source::Source;
use state::State;

/// A file, as the help shows it.
const EXAMPLE: &str = "\
Example of a file:
  users:                          # of the registry itself
    ci:
      grants:
        - repositories: [team/*]  # * stands for any characters, slashes too
          actions: [pull, push]   # pull, push, delete
      expires: 2027-01-31         # may be left out; the beginning of the day, in UTC
  iam:                            # users and roles of AWS
    - principal: arn:aws:iam::123456789012:role/deploy
      grants:
        - repositories: [\"*\"]
          actions: [pull]
  anonymous: [public/*]           # may be pulled without a password";

/// What to do with grants.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show what a file would change; changes nothing
    ///
    /// Ends with 0 when nothing would change, with 2 when something would, and with 1 when it can't be told.
    #[command(after_long_help = EXAMPLE)]
    Plan(Source),
    /// Show what a file changes, ask, and change it
    ///
    /// New users get secrets, which are printed once, on standard output, as lines of name and secret. Existing ones keep
    /// theirs, and a disabled user stays disabled.
    ///
    /// Everything is written at once, and only if nobody changed any of it since it was read. Files that change more than
    /// 100 documents (one for each user, one for everything else) are written in steps of 100, iam and anonymous first.
    ///
    /// A file that takes the last permission in the registry from you, whose AWS credentials these are, is refused. So is
    /// one that changes iam, where iam grants something already, when AWS STS doesn't say who you are.
    #[command(after_long_help = EXAMPLE)]
    Apply {
        #[command(flatten)]
        source: Source,
        /// Don't ask; without a terminal, and with a file from standard input, nobody can be asked
        #[arg(long)]
        yes: bool,
        /// Go on even if you lose every permission, or if AWS STS doesn't say who you are
        #[arg(long)]
        allow_lock_out: bool,
    },
    /// Print what is in force as a file that can be edited and applied
    Show {
        #[command(flatten)]
        deployment: Deployment,
    },
}

/// Something would change.
const CHANGES: u8 = 2;

/// Does it.
pub(crate) fn run(command: Command) -> Result<ExitCode, String> {
    let done = async {
        match command {
            Command::Plan(source) => show_plan(&source).await,
            Command::Apply { source, yes, allow_lock_out } => apply(&source, yes, allow_lock_out).await,
            Command::Show { deployment } => show(&deployment).await,
        }
    };
    console::run(async { done.await.map_err(|error| error.to_string()) })
}

async fn show_plan(source: &Source) -> Result<ExitCode, GrantsError> {
    let file = source.read()?;
    let state = State::read(&source.open().await?).await?;
    let plan = Plan::new(&file, &state);
    print(&plan.to_string()).map_err(GrantsError::Output)?;
    apply::check(&file, &plan, &state)?;
    warn(&file, &plan, &state);
    match standing(source, &plan, &state, &file).await {
        Standing::Unaffected => {}
        standing => eprintln!("note: {standing}"),
    }
    Ok(if plan.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(CHANGES) })
}

async fn apply(source: &Source, yes: bool, allow_lock_out: bool) -> Result<ExitCode, GrantsError> {
    let file = source.read()?;
    let storage = source.open().await?;
    let state = State::read(&storage).await?;
    let plan = Plan::new(&file, &state);
    // Standard output is for secrets.
    eprint!("{plan}");
    if plan.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    apply::check(&file, &plan, &state)?;
    warn(&file, &plan, &state);
    match standing(source, &plan, &state, &file).await {
        Standing::Unaffected => {}
        standing if standing.is_safe() || allow_lock_out => eprintln!("note: {standing}"),
        standing => return Err(GrantsError::LockOut(standing)),
    }
    if !yes {
        source.confirm()?;
    }
    apply::apply(&storage, &file, &plan, &state, Moment::now()).await?;
    eprintln!("applied");
    Ok(ExitCode::SUCCESS)
}

async fn show(deployment: &Deployment) -> Result<ExitCode, GrantsError> {
    let storage = deployment.open().await.map_err(GrantsError::Deployment)?;
    let file = State::read(&storage).await?.to_file().to_yaml()?;
    print(&file).map_err(GrantsError::Output)?;
    Ok(ExitCode::SUCCESS)
}

fn warn(file: &File, plan: &Plan, state: &State) {
    for warning in plan.warnings(file, state, Moment::now()) {
        eprintln!("note: {warning}");
    }
}

/// STS is asked only when the answer matters.
async fn standing(source: &Source, plan: &Plan, state: &State, file: &File) -> Standing {
    if !plan.changes_iam() {
        return Standing::Unaffected;
    }
    let (before, after) = (state.grants(), state.grants_after(file));
    Standing::of(source.deployment.caller().await, &before, &after)
}

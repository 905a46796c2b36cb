//! `lambda-registry doctor`: what only the deployment itself can show.
//!
//! ```text
//! outside ── entrance ── inside ── clean_up        ask
//!    └──────────┴───────────┴─────────┴── checks   make a finding of what was answered; no I/O
//!                                          └ report
//! ```

mod answer;
mod challenge;
mod check;
mod checks;
mod credentials;
mod entrance;
mod finding;
mod image;
mod inside;
mod outside;
mod report;
mod token;
mod visit;
mod wire;

use std::process::ExitCode;

use clap::Args;
use lambda_registry::Registry;
use protocol::RepositoryName;

use crate::console;
use check::Check;
use credentials::Credentials;
use entrance::Way;
use outside::Entrance;
use report::{Form, Report};
use visit::Visit;
use wire::Wire;

/// What can't be looked at: a command line that can't be understood, or a host that doesn't answer.
pub(crate) const NOT_DONE: u8 = 2;
/// What clients would stumble over.
const FAILURES: u8 = 1;

/// Which registry, and as whom.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The registry: https:// and its host, as it stands in the names of images
    #[arg(value_name = "URL")]
    registry: Registry,
    /// Log in with your AWS credentials
    #[arg(long, conflicts_with = "username")]
    login: bool,
    /// With `--login`: the registry's AWS region; by default the one in its host, or the profile's
    #[arg(long, requires = "login")]
    region: Option<String>,
    /// Log in as this user; the password comes with --password-stdin
    #[arg(long, value_name = "NAME", requires = "password_stdin")]
    username: Option<String>,
    /// Read the password of --username from standard input
    #[arg(long, requires = "username")]
    password_stdin: bool,
    /// Where a small image is pushed, pulled and deleted again
    #[arg(long, value_name = "NAME", default_value = "doctor")]
    repository: RepositoryName,
    /// Print the findings as one JSON object
    #[arg(long)]
    json: bool,
}

/// Looks, and says how it stands.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    match console::run(examine(arguments)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("lambda-registry: {error}");
            ExitCode::from(NOT_DONE)
        }
    }
}

async fn examine(arguments: Arguments) -> Result<ExitCode, String> {
    let credentials = Credentials::of(arguments.login, arguments.region, arguments.username)?;
    let wire = Wire::new().map_err(|error| {
        format!("no certificates to check the registry's with: {error}; install ca-certificates, or set SSL_CERT_FILE")
    })?;
    let form = if arguments.json { Form::Json } else { Form::Lines };
    let mut visit = Visit {
        wire,
        registry: arguments.registry,
        repository: arguments.repository,
        authorization: None,
        report: Report::new(form),
    };
    let entrance = visit.outside().await;
    match &entrance {
        Entrance::Unreachable | Entrance::NoRegistry => {}
        Entrance::Open | Entrance::Login(_) => match visit.enter(&entrance, credentials).await {
            Way::Free(key) => {
                let traces = visit.inside().await.map_err(|error| error.to_string())?;
                visit.renew(&key).await;
                visit.clean_up(traces).await;
            }
            Way::Barred(why) => visit.report.skip_from(Check::Push, why),
        },
    }
    let summary = visit.report.finish(&visit.registry)?;
    Ok(match entrance {
        Entrance::Unreachable => ExitCode::from(NOT_DONE),
        _ if summary.failure > 0 => ExitCode::from(FAILURES),
        _ => ExitCode::SUCCESS,
    })
}

//! `lambda-registry collect`: a run of the collector from here, for whoever runs a deployment.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clap::Args;
use collector::{Counts, Finding, Outcome, Report, Terms};
use lambda_registry::{Bucket, Deployment};
use runtime::{CollectFrom, Deadline};
use storage::Observer;

use crate::console;
use crate::moment::{InvalidDuration, duration};

/// What to collect, and where.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Change nothing; list what would be marked and removed, with the reason
    #[arg(long)]
    dry_run: bool,
    /// How long things are let be that nothing refers to: longer than any push takes
    #[arg(long, value_name = "DURATION", default_value = "23h", value_parser = grace)]
    grace: Duration,
    #[command(flatten)]
    deployment: Deployment,
    #[command(flatten)]
    bucket: Bucket,
}

/// Whoever types the command ends it.
const NO_END: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Reads a grace period.
pub(crate) fn grace(text: &str) -> Result<Duration, InvalidDuration> {
    duration(text).map(Duration::from_secs)
}

/// Collects once, and prints what came of it.
pub(crate) fn run(arguments: Arguments) -> Result<(), String> {
    runtime::init_logs();
    console::run(async {
        let calls = Arc::new(AtomicUsize::new(0));
        let storage = arguments.deployment.open_with(&arguments.bucket, Some(counting(&calls))).await?;
        let terms = Terms { grace: arguments.grace, dry_run: arguments.dry_run, until: Deadline::after(NO_END) };
        let mut print = |finding: &Finding| {
            if terms.dry_run {
                println!("{finding}");
            }
        };
        let collected = collector::collect(&storage, terms, CollectFrom::default(), &mut print).await;
        let Outcome { report, next: _ } = collected.map_err(|error| error.to_string())?;
        print_report(&report, terms.dry_run, calls.load(Ordering::Relaxed));
        match report.failed {
            0 => Ok(()),
            failed => Err(format!(
                "not everything was gone through to the end, see above: {}",
                many(failed, "failure", "failures")
            )),
        }
    })
}

fn counting(calls: &Arc<AtomicUsize>) -> Observer {
    let calls = calls.clone();
    Arc::new(move |_: &str, _: &str| {
        calls.fetch_add(1, Ordering::Relaxed);
    })
}

fn print_report(report: &Report, dry_run: bool, calls: usize) {
    let Report { repositories, skipped, failed: _, marked, waiting, removed, taken_back, bytes } = report;
    let would = if dry_run { "would be " } else { "" };
    println!("{}; {skipped} unchanged since found clean", many(*repositories, "repository", "repositories"));
    println!("{would}removed: {}; {bytes} bytes", list(removed));
    println!("{would}marked: {}", list(marked));
    println!("waiting: {}", list(waiting));
    if taken_back.total() > 0 {
        println!("{would}unmarked: {}", list(taken_back));
    }
    println!("{}", many(calls, "call to AWS", "calls to AWS"));
}

/// Whatever there is of each kind.
fn list(counts: &Counts) -> String {
    let Counts { sessions, conversions, manifests, blobs, objects } = *counts;
    let kinds = [
        (sessions, "upload session", "upload sessions"),
        (conversions, "conversion", "conversions"),
        (manifests, "manifest", "manifests"),
        (blobs, "blob", "blobs"),
        (objects, "object", "objects"),
    ];
    let found: Vec<String> =
        kinds.into_iter().filter(|(n, _, _)| *n > 0).map(|(n, one, several)| many(n, one, several)).collect();
    if found.is_empty() { "nothing".to_owned() } else { found.join(", ") }
}

fn many(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_what_there_is_and_nothing_else() {
        assert_eq!(list(&Counts::default()), "nothing");
        assert_eq!(list(&Counts { manifests: 1, blobs: 2, ..Counts::default() }), "1 manifest, 2 blobs");
    }
}

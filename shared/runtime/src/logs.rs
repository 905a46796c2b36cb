//! Logs: one JSON object a line where a machine reads them, plain lines where a person does.

use tracing_subscriber::EnvFilter;

/// What the embedded stores of the local stack say about refused requests is what the storage crate asked for (a lost
/// race, an absent object), so their word counts only when they fail.
const STORES: &str = "s3s=off,dynoxide=error";

/// Starts logging to standard error, at the level that `RUST_LOG` says (`info` when it says nothing). In Lambda, where
/// CloudWatch reads the lines, they are JSON. Calling it again changes nothing.
pub fn init() {
    let level = std::env::var("RUST_LOG").unwrap_or_else(|_| "info".to_owned());
    let filter = EnvFilter::new(format!("{STORES},{level}"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let started = if std::env::var_os("AWS_LAMBDA_FUNCTION_NAME").is_some() {
        lines.json().flatten_event(true).without_time().try_init()
    } else {
        lines.with_ansi(false).try_init()
    };
    // A second call finds the first one's subscriber in place.
    drop(started);
}

//! What every command needs: an executor, and output whose failure is noticed.

use std::io::Write as _;

/// Runs what waits for the network on this thread.
///
/// # Errors
/// When the system has no room for it, and what the command itself says.
pub(crate) fn run<T>(command: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("no threads: {error}"))?.block_on(command)
}

/// Writes to standard output, all of it, and says when that fails.
pub(crate) fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}

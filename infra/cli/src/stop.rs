//! How a server on this machine is asked to end.

use tokio::signal::unix::{SignalKind, signal};

/// Waits for Ctrl-C, then for `stopping`, unless it comes again.
pub(crate) async fn when_asked(stopping: impl Future<Output = ()>) -> Result<(), String> {
    asked().await?;
    println!("stopping; running requests may finish, Ctrl-C again cuts them off");
    tokio::select! {
        () = stopping => Ok(()),
        asked_again = asked() => asked_again,
    }
}

/// Ctrl-C, or the signal that service managers send.
async fn asked() -> Result<(), String> {
    let failed = |error: std::io::Error| format!("can't wait for signals: {error}");
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

//! Logs: one JSON object a line where a machine reads them, plain lines where a person does.

use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// What the embedded stores of the local stack say about refused requests is what the storage crate asked for (a lost
/// race, an absent object), so their word counts only when they fail.
const STORES: [(&str, LevelFilter); 2] = [("s3s", LevelFilter::OFF), ("dynoxide", LevelFilter::ERROR)];

/// Starts logging to standard error, at the level that `RUST_LOG` says (`info` when it says nothing, or nothing that can
/// be understood). In Lambda, where CloudWatch reads the lines, they are JSON. Calling it again changes nothing.
pub fn init() {
    let told = std::env::var("RUST_LOG").unwrap_or_default();
    let (filter, malformed) = match filter(&told) {
        Ok(filter) => (filter, None),
        Err(error) => (stores().with_default(LevelFilter::INFO), Some(error)),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    let started = if std::env::var_os("AWS_LAMBDA_FUNCTION_NAME").is_some() {
        let lines = lines.json().flatten_event(true).without_time();
        tracing_subscriber::registry().with(filter).with(lines).try_init()
    } else {
        tracing_subscriber::registry().with(filter).with(lines.with_ansi(false)).try_init()
    };
    // A second call finds the first one's subscriber in place.
    if started.is_ok()
        && let Some(error) = malformed
    {
        tracing::warn!(%error, "RUST_LOG isn't understood; it is taken to be info");
    }
}

/// Levels by target, without the regular expressions that filters by a span's fields bring into every function.
fn filter(told: &str) -> Result<Targets, ParseError> {
    let told: Targets = if told.is_empty() { Targets::new().with_default(LevelFilter::INFO) } else { told.parse()? };
    let default = told.default_level().unwrap_or(LevelFilter::OFF);
    Ok(stores().with_default(default).with_targets(told.iter()))
}

fn stores() -> Targets {
    Targets::new().with_targets(STORES)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn a_level_counts_for_everything_but_the_embedded_stores() {
        for (told, level) in [("", Level::INFO), ("debug", Level::DEBUG)] {
            let filter = filter(told).unwrap();
            assert!(filter.would_enable("storage", &level), "{told}");
            assert!(!filter.would_enable("storage", &Level::TRACE), "{told}");
            assert!(!filter.would_enable("s3s::service", &Level::ERROR), "{told}");
            assert!(!filter.would_enable("dynoxide", &Level::WARN), "{told}");
        }
    }

    #[test]
    fn a_target_has_a_level_of_its_own() {
        let filter = filter("warn,runtime=debug,s3s=info").unwrap();
        assert!(filter.would_enable("runtime::gate", &Level::DEBUG));
        assert!(!filter.would_enable("storage", &Level::INFO));
        assert!(filter.would_enable("s3s", &Level::INFO));
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        assert!(filter("loud=very").is_err());
    }
}

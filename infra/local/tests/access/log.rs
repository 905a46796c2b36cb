//! What the registry writes down, as in Lambda: JSON, a line an event.

use std::collections::HashMap;
use std::io;
use std::sync::{LazyLock, Mutex};

use serde_json::Value;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::http::Answer;

static LOG: LazyLock<Mutex<Log>> = LazyLock::new(|| {
    let filter: Targets = "info,s3s=off,dynoxide=error".parse().unwrap();
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(|| Sink);
    tracing_subscriber::registry().with(filter).with(lines).init();
    Mutex::default()
});

#[derive(Default)]
struct Log {
    text: String,
    by_request: HashMap<String, Vec<Value>>,
}

/// Takes a whole line at a time.
struct Sink;

impl io::Write for Sink {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(line).unwrap();
        let json: Value = serde_json::from_str(text).unwrap();
        let id = [&json["request_id"], &json["span"]["id"]].into_iter().find_map(Value::as_str).map(str::to_owned);
        let mut log = LOG.lock().unwrap();
        log.text.push_str(text);
        if let Some(id) = id {
            log.by_request.entry(id).or_default().push(json);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Begins to listen; before the first line is written.
pub(crate) fn listen() {
    LazyLock::force(&LOG);
}

/// Everything that was written about a request.
pub(crate) fn about(answer: &Answer) -> Vec<Value> {
    let id = answer.header("x-request-id").unwrap_or_else(|| panic!("no x-request-id: {answer}"));
    LOG.lock().unwrap().by_request.get(id).cloned().unwrap_or_default()
}

/// The decisions on a request: who, what, and whether.
pub(crate) fn decisions(answer: &Answer) -> Vec<Value> {
    let is_decision = |line: &Value| line["message"].as_str().is_some_and(|text| text.starts_with("access "));
    about(answer).into_iter().filter(is_decision).collect()
}

/// The one decision on a request that was refused.
#[track_caller]
pub(crate) fn denied(answer: &Answer) -> Value {
    let decisions = decisions(answer);
    assert_eq!(decisions.len(), 1, "{answer}\n{decisions:?}");
    assert_eq!(decisions[0]["message"], "access denied", "{answer}");
    assert!(decisions[0]["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{decisions:?}");
    decisions[0].clone()
}

/// None of these stands anywhere in it.
pub(crate) fn assert_silent_about<'a>(secrets: impl IntoIterator<Item = &'a String>) {
    let log = LOG.lock().unwrap();
    assert!(!log.text.is_empty(), "nothing was written down");
    for secret in secrets {
        if let Some(at) = log.text.find(secret) {
            let start = log.text[..at].rfind('\n').map_or(0, |end| end + 1);
            panic!("a secret is in the log: {}", log.text[start..].lines().next().unwrap());
        }
    }
}

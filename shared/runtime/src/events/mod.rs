//! Events on EventBridge: what happened to images. docs/events.md describes them for those who make rules.
//!
//! They are sent after the answer, and best effort: a client's push doesn't wait for them, and doesn't fail with them.

mod detail;

use std::time::Duration;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::config::retry::RetryConfig;
use aws_sdk_eventbridge::config::timeout::TimeoutConfig;
use aws_sdk_eventbridge::config::{BehaviorVersion, Region};
use aws_sdk_eventbridge::error::DisplayErrorContext;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use futures_util::future::BoxFuture;
use tracing::Instrument as _;

use crate::{EventsConfig, Publish, Record};
use detail::details;

/// Who the events are from.
const SOURCE: &str = "lambda-registry";
/// What they are about.
const DETAIL_TYPE: &str = "Registry Image Action";
/// As many as a call takes.
const AT_ONCE: usize = 10;

/// A bus that is told what happens to images.
pub struct Events {
    client: Client,
    bus: String,
}

impl Events {
    /// A client of EventBridge, with the same keys as storage; None when there is no bus. Nothing is sent yet.
    pub fn new(config: &EventsConfig, storage: &storage::Config) -> Option<Self> {
        let bus = config.bus.clone()?;
        // One that repeats itself has to end within the limit of all.
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(Duration::from_millis(1500))
            .build();
        let mut builder = aws_sdk_eventbridge::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(storage.region.clone()))
            .credentials_provider(storage.credentials.provider())
            .retry_config(RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::from_millis(50)))
            .timeout_config(timeouts);
        builder.set_endpoint_url(config.endpoint.clone());
        Some(Self { client: Client::from_conf(builder.build()), bus })
    }

    async fn send(&self, details: &[String]) -> Result<(), NotTaken> {
        let entry = |detail: &String| {
            PutEventsRequestEntry::builder()
                .event_bus_name(&self.bus)
                .source(SOURCE)
                .detail_type(DETAIL_TYPE)
                .detail(detail)
                .build()
        };
        for details in details.chunks(AT_ONCE) {
            let request = self.client.put_events().set_entries(Some(details.iter().map(entry).collect()));
            let output = request.send().await.map_err(|error| NotTaken(DisplayErrorContext(&error).to_string()))?;
            if output.failed_entry_count() > 0 {
                let codes: Vec<_> = output.entries().iter().filter_map(|entry| entry.error_code()).collect();
                return Err(NotTaken(format!("EventBridge refused {}", codes.join(", "))));
            }
        }
        Ok(())
    }

    async fn tell(&self, record: &Record, limit: Duration) {
        let details = details(record);
        if details.is_empty() {
            return;
        }
        let sent = tokio::time::timeout(limit, self.send(&details)).await;
        let late = || NotTaken("no answer in time".to_owned());
        if let Err(NotTaken(error)) = sent.unwrap_or_else(|_| Err(late())) {
            tracing::warn!(error, bus = self.bus, "{} events may be lost", details.len());
        }
    }
}

/// Why events are lost.
struct NotTaken(String);

impl Publish for Events {
    fn publish<'a>(&'a self, record: &'a Record, limit: Duration) -> BoxFuture<'a, ()> {
        let span = tracing::info_span!("request", id = %record.request_id);
        Box::pin(self.tell(record, limit).instrument(span))
    }
}

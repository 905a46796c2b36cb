//! Starting functions that work in the background: nobody waits for them.

use std::fmt;
use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::config::{BehaviorVersion, Region};
use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use protocol::{Digest, RepositoryName};
use serde::{Deserialize, Serialize};

use crate::BackgroundConfig;

/// The event of `schema1-upgrade`: read the layers of this schema 1 manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema1Upgrade {
    /// The repository.
    pub repository: RepositoryName,
    /// The manifest in it.
    pub digest: Digest,
}

/// The event of `collector`: where to begin. The schedule sends `{}`, which is the beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectFrom {
    /// At the repositories whose names come after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<RepositoryName>,
    /// Behind the repositories, at the objects whose keys come after this one; empty for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orphans_after: Option<String>,
    /// What the runs failed at that this one goes on from.
    #[serde(default)]
    pub failed: usize,
}

/// Starts functions by Lambda's asynchronous invocation: Lambda keeps the event and, when the function fails, tries
/// twice more. Cheap to clone.
#[derive(Clone)]
pub struct Background {
    client: Client,
    schema1_upgrade: Option<String>,
    collector: Option<String>,
}

/// The function couldn't be started.
#[derive(Debug)]
pub struct NotStarted(String);

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotStarted {}

impl Background {
    /// A client of Lambda, with the same keys as storage. Nothing is sent yet.
    pub fn new(config: &BackgroundConfig, storage: &storage::Config) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(3))
            .operation_attempt_timeout(Duration::from_secs(3))
            .operation_timeout(Duration::from_secs(8))
            .build();
        let mut builder = aws_sdk_lambda::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(storage.region.clone()))
            .credentials_provider(storage.credentials.provider())
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .timeout_config(timeouts);
        builder.set_endpoint_url(config.lambda_endpoint.clone());
        Self {
            client: Client::from_conf(builder.build()),
            schema1_upgrade: config.schema1_upgrade.clone(),
            collector: config.collector.clone(),
        }
    }

    /// Has the layers of a schema 1 manifest read, for a request that stands in any case: when Lambda doesn't take the
    /// event, that is logged, and the next pull that needs the layers tries again.
    pub async fn upgrade_schema1(&self, repository: &RepositoryName, digest: &Digest) {
        let event = Schema1Upgrade { repository: repository.clone(), digest: digest.clone() };
        if let Err(error) = self.start_schema1_upgrade(&event).await {
            tracing::warn!(%error, "the layers of {digest} aren't being read");
        }
    }

    /// Starts the reading of a schema 1 manifest's layers. Returns as soon as Lambda has the event.
    ///
    /// # Errors
    /// When Lambda doesn't take it.
    pub async fn start_schema1_upgrade(&self, event: &Schema1Upgrade) -> Result<(), NotStarted> {
        self.start(self.schema1_upgrade.as_deref(), "REGISTRY_SCHEMA1_UPGRADE", event).await
    }

    /// Has the collector go on where a run of it stopped. Returns as soon as Lambda has the event.
    ///
    /// # Errors
    /// When Lambda doesn't take it.
    pub async fn start_collector(&self, event: &CollectFrom) -> Result<(), NotStarted> {
        self.start(self.collector.as_deref(), "REGISTRY_COLLECTOR", event).await
    }

    async fn start(&self, function: Option<&str>, variable: &str, event: &impl Serialize) -> Result<(), NotStarted> {
        let function = function.ok_or_else(|| NotStarted(format!("the environment variable {variable} is missing")))?;
        let payload = serde_json::to_vec(event).map_err(|error| NotStarted(error.to_string()))?;
        let request = self.client.invoke().function_name(function).invocation_type(InvocationType::Event);
        match storage::deadline::wait(request.payload(Blob::new(payload)).send()).await {
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(NotStarted(DisplayErrorContext(&error).to_string())),
            None => Err(NotStarted("no time was left for it".to_owned())),
        }
    }
}

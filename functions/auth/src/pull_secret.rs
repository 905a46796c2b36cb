//! The secret that ECS task definitions name in `repositoryCredentials`, kept in Secrets Manager: whoever rotates it
//! there rotates it here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use access::{Permissions, Secret};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Region};
use aws_sdk_secretsmanager::error::DisplayErrorContext;
use protocol::ApiError;
use runtime::{PullSecretConfig, VerifyError};
use serde::Deserialize;
use storage::Credentials;
use tokio::sync::Mutex;

/// How long the secret counts as read: a former one is good for so long after it was replaced.
const READ_FOR: Duration = Duration::from_secs(60);
/// How long nobody reads it again after somebody did, however wrong the passwords are that come.
const PAUSE: Duration = Duration::from_secs(10);

pub(crate) struct PullSecret {
    client: Client,
    config: PullSecretConfig,
    read: Mutex<Option<(Instant, Arc<Value>)>>,
}

/// What is in it (Amazon ECS developer guide, "Private registry authentication").
#[derive(Deserialize)]
struct Value {
    username: String,
    password: String,
}

impl PullSecret {
    pub(crate) fn new(config: PullSecretConfig, region: String, credentials: &Credentials) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(3))
            .operation_attempt_timeout(Duration::from_secs(3))
            .operation_timeout(Duration::from_secs(8))
            .build();
        let mut builder = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region))
            .credentials_provider(credentials.provider())
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .timeout_config(timeouts);
        builder.set_endpoint_url(config.endpoint.clone());
        Self { client: Client::from_conf(builder.build()), config, read: Mutex::new(None) }
    }

    /// What whoever shows this name and password may do; None when they aren't the secret's.
    pub(crate) async fn permissions(&self, user: &str, password: &Secret) -> Result<Option<Permissions>, ApiError> {
        let permissions = || Permissions::pull(vec![self.config.repositories.clone()]);
        let mut read = self.read.lock().await;
        if let Some((at, value)) = read.as_ref()
            && at.elapsed() < READ_FOR
        {
            if value.admits(user, password) {
                return Ok(Some(permissions()));
            }
            // It may have been rotated since.
            if at.elapsed() < PAUSE {
                return Ok(None);
            }
        }
        let value = Arc::new(self.fetch().await?);
        *read = Some((Instant::now(), value.clone()));
        Ok(value.admits(user, password).then(permissions))
    }

    async fn fetch(&self) -> Result<Value, ApiError> {
        let unavailable = |reason: String| {
            tracing::error!(reason, "the pull secret can't be read");
            VerifyError::unavailable(PAUSE)
        };
        let sent = storage::deadline::wait(self.client.get_secret_value().secret_id(&self.config.id).send()).await;
        let answer = match sent {
            Some(Ok(answer)) => answer,
            Some(Err(error)) => return Err(unavailable(DisplayErrorContext(&error).to_string())),
            None => return Err(unavailable("no time was left for it".to_owned())),
        };
        let text = answer.secret_string().unwrap_or_default();
        // What serde says of malformed JSON may quote it.
        serde_json::from_str(text).map_err(|_| unavailable("it has to be JSON with username and password".to_owned()))
    }
}

impl Value {
    fn admits(&self, user: &str, password: &Secret) -> bool {
        // An empty password is what a secret has that nobody filled.
        let is_the_password = Secret::new(&self.password).is(password);
        is_the_password && !self.password.is_empty() && user == self.username
    }
}

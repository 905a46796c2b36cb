//! The AWS clients: what they talk to, how long they wait, how often they try again.

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, ConfigBag, Intercept, Region, SharedCredentialsProvider};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;

use crate::observe::{Observer, Watch};
use crate::{Policy, deadline};

/// Where the data is and who asks for it.
#[derive(Clone)]
pub struct Config {
    /// DynamoDB table.
    pub table: String,
    /// S3 bucket.
    pub bucket: String,
    /// AWS region, for instance `eu-central-1`.
    pub region: String,
    /// Keys of the function's role.
    pub credentials: Credentials,
    /// Another endpoint for DynamoDB than AWS's: the embedded one or an emulator.
    pub dynamodb_endpoint: Option<String>,
    /// Another endpoint for S3; it is then addressed by path.
    pub s3_endpoint: Option<String>,
    /// What the registry lets happen in repositories that have no settings of their own.
    pub policy: Policy,
    /// How long S3 may take to answer before a call is tried again; None for as long as a part needs.
    pub s3_attempt_timeout: Option<Duration>,
    /// Told about every call that AWS answers.
    pub observer: Option<Observer>,
}

/// An access key. `Debug` doesn't show the secrets.
#[derive(Clone)]
pub struct Credentials {
    /// The public half.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: String,
    /// Present for role sessions, which Lambda's are.
    pub session_token: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({})", self.access_key_id)
    }
}

impl Credentials {
    /// Static ones: a Lambda environment gets its keys at its start and keeps them, so there is no chain to walk.
    pub fn provider(&self) -> SharedCredentialsProvider {
        SharedCredentialsProvider::new(aws_sdk_dynamodb::config::Credentials::new(
            &self.access_key_id,
            &self.secret_access_key,
            self.session_token.clone(),
            None,
            "environment",
        ))
    }
}

/// Four attempts with backoff. A request's deadline ends them earlier when it has to ([`deadline`]).
fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(4).with_initial_backoff(Duration::from_millis(50))
}

/// The SDK stops to repeat calls when too many of them fail. Each storage counts for itself, as if it were the only one
/// in its process, which in Lambda it is.
fn retry_partition() -> RetryPartition {
    RetryPartition::new(uuid::Uuid::new_v4().to_string())
}

/// How long calls of a service may take.
struct Limits {
    attempt: Duration,
    operation: Duration,
}

/// Answers within milliseconds, as a rule.
const DYNAMODB: Limits = Limits { attempt: Duration::from_secs(3), operation: Duration::from_secs(12) };

/// An attempt may send a part of 16 MiB.
const S3: Limits = Limits { attempt: Duration::from_secs(20), operation: Duration::from_secs(25) };

impl Limits {
    fn timeouts(&self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(3))
            .operation_attempt_timeout(self.attempt)
            .operation_timeout(self.operation)
            .build()
    }
}

pub(crate) fn dynamodb(config: &Config) -> aws_sdk_dynamodb::Client {
    let mut builder = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        .credentials_provider(config.credentials.provider())
        .retry_config(retries())
        .retry_partition(retry_partition())
        .timeout_config(DYNAMODB.timeouts())
        .interceptor(Hurry { limit: DYNAMODB.operation });
    builder.set_endpoint_url(config.dynamodb_endpoint.clone());
    if let Some(observer) = &config.observer {
        builder = builder.interceptor(Watch(observer.clone()));
    }
    aws_sdk_dynamodb::Client::from_conf(builder.build())
}

pub(crate) fn s3(config: &Config) -> aws_sdk_s3::Client {
    use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
    let limits = Limits { attempt: config.s3_attempt_timeout.unwrap_or(S3.attempt), ..S3 };
    let mut builder = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        .credentials_provider(config.credentials.provider())
        .retry_config(retries())
        .retry_partition(retry_partition())
        .timeout_config(limits.timeouts())
        .interceptor(Hurry { limit: S3.operation })
        // Bodies are covered by the signature (x-amz-content-sha256), or by a digest that we compute ourselves.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .force_path_style(config.s3_endpoint.is_some());
    builder.set_endpoint_url(config.s3_endpoint.clone());
    if let Some(observer) = &config.observer {
        builder = builder.interceptor(Watch(observer.clone()));
    }
    aws_sdk_s3::Client::from_conf(builder.build())
}

/// Ends a call, with all its attempts, when the request that makes it has to.
#[derive(Debug)]
struct Hurry {
    /// What a call may take when there is time enough.
    limit: Duration,
}

#[dyn_dispatch_hint]
impl Intercept for Hurry {
    fn name(&self) -> &'static str {
        "Hurry"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(left) = deadline::left() {
            // What it doesn't say stays as the client has it.
            let hurried = TimeoutConfig::builder().operation_timeout(left.min(self.limit)).build();
            bag.interceptor_state().store_put(hurried);
        }
        Ok(())
    }
}

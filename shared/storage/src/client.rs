//! The AWS clients: what they talk to, how long they wait, how often they try again.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, ConfigBag, Intercept, Region, RuntimeComponents, SharedCredentialsProvider,
};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_runtime_api::client::orchestrator::Metadata;

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
    /// Told about every call that AWS answers.
    pub observer: Option<Observer>,
}

/// Called with service and operation, for instance `("DynamoDB", "GetItem")`, for each attempt that got an answer.
pub type Observer = Arc<dyn Fn(&str, &str) + Send + Sync>;

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

/// Four attempts with backoff fit well into the 30 s that the gateway waits.
fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(4).with_initial_backoff(Duration::from_millis(50))
}

fn timeouts(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(attempt)
        .operation_timeout(Duration::from_secs(25))
        .build()
}

pub(crate) fn dynamodb(config: &Config) -> aws_sdk_dynamodb::Client {
    let mut builder = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        .credentials_provider(config.credentials.provider())
        .retry_config(retries())
        .timeout_config(timeouts(Duration::from_secs(6)));
    builder.set_endpoint_url(config.dynamodb_endpoint.clone());
    if let Some(observer) = &config.observer {
        builder = builder.interceptor(Observe(observer.clone()));
    }
    aws_sdk_dynamodb::Client::from_conf(builder.build())
}

pub(crate) fn s3(config: &Config) -> aws_sdk_s3::Client {
    use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
    let mut builder = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        .credentials_provider(config.credentials.provider())
        .retry_config(retries())
        // A part is 8 MiB.
        .timeout_config(timeouts(Duration::from_secs(20)))
        // Bodies are covered by the signature (x-amz-content-sha256) already.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .force_path_style(config.s3_endpoint.is_some());
    builder.set_endpoint_url(config.s3_endpoint.clone());
    if let Some(observer) = &config.observer {
        builder = builder.interceptor(Observe(observer.clone()));
    }
    aws_sdk_s3::Client::from_conf(builder.build())
}

/// Reports each attempt to the [`Observer`], once it is answered: a URL that is signed takes the same path up to the
/// moment of sending.
struct Observe(Observer);

impl std::fmt::Debug for Observe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Observe")
    }
}

#[dyn_dispatch_hint]
impl Intercept for Observe {
    fn name(&self) -> &'static str {
        "Observe"
    }

    fn read_after_transmit(
        &self,
        _: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(metadata) = bag.load::<Metadata>() {
            (self.0)(metadata.service(), metadata.name());
        }
        Ok(())
    }
}

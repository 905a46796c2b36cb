//! Who calls: AWS region and credentials, found where every AWS tool finds them.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use proxy::with_causes;

/// How long an attempt of a call may take.
const ATTEMPT: Duration = Duration::from_secs(10);

/// Environment variables, profiles with all that they can name (SSO, processes, roles), roles of containers and machines.
#[derive(Clone)]
pub struct Aws {
    config: SdkConfig,
}

/// Why nothing can be done in AWS. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// Nobody signed in.
    #[error(
        "no AWS credentials in the environment, in a profile or from this machine's role; sign in (aws sso login, aws \
         configure), name the profile with AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )]
    NoCredentials,
    /// The profile that was chosen has none, and neither has anything else.
    #[error(
        "no AWS credentials in the profile {0}, which AWS_PROFILE names; aws configure list-profiles knows those there are"
    )]
    Profile(String),
    /// Credentials are configured, but can't be had; with the reason.
    #[error("the AWS credentials that are configured can't be had: {0}; aws sts get-caller-identity tells more")]
    Credentials(String),
    /// Neither an argument nor the configuration names one.
    #[error("no AWS region: give --region, set AWS_REGION, or add region to the profile")]
    NoRegion,
    /// STS didn't say who we are; with the reason.
    #[error("AWS STS doesn't say whose these credentials are: {0}")]
    Caller(String),
}

impl Aws {
    /// Reads the configuration. `region` stands before all others, unless it is empty.
    pub async fn load(region: Option<&str>) -> Self {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts);
        if let Some(region) = region.filter(|region| !region.is_empty()) {
            loader = loader.region(Region::new(region.to_owned()));
        }
        Self { config: loader.load().await }
    }

    /// The region, for instance `eu-central-1`.
    ///
    /// # Errors
    /// When nothing names one.
    pub fn region(&self) -> Result<&str, AwsError> {
        self.config.region().map(Region::as_ref).ok_or(AwsError::NoRegion)
    }

    /// The credentials, which may end within minutes.
    ///
    /// # Errors
    /// When there are none, or those that are configured can't be had.
    pub async fn credentials(&self) -> Result<Credentials, AwsError> {
        let provider = self.config.credentials_provider().ok_or(AwsError::NoCredentials)?;
        provider.provide_credentials().await.map_err(|error| match error {
            CredentialsError::CredentialsNotLoaded(_) => match std::env::var("AWS_PROFILE") {
                Ok(profile) if !profile.is_empty() => AwsError::Profile(profile),
                _ => AwsError::NoCredentials,
            },
            error => AwsError::Credentials(with_causes(&error)),
        })
    }

    /// The ARN of the user or of the role's session that the credentials belong to, from STS.
    ///
    /// # Errors
    /// When there are no credentials or no region, and when STS can't be reached or refuses the credentials.
    pub async fn caller(&self) -> Result<String, AwsError> {
        self.region()?;
        // Asked for first: STS's own error would bury the reason.
        self.credentials().await?;
        let identity = aws_sdk_sts::Client::new(&self.config).get_caller_identity().send().await;
        let identity = identity.map_err(|error| AwsError::Caller(with_causes(&error)))?;
        identity.arn.ok_or_else(|| AwsError::Caller("its answer names nobody".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;

    use aws_credential_types::provider::SharedCredentialsProvider;

    use super::*;

    /// Somebody with credentials, and an STS that answers once.
    fn aws(status: u16, body: &'static str) -> Aws {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "AKIDTEST", "secret", None, None, "test",
            )))
            .endpoint_url(format!("http://{}", listener.local_addr().unwrap()))
            .build();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let head = BufReader::new(&stream).lines().map(|line| line.unwrap()).take_while(|line| !line.is_empty());
            let signed = head.filter(|line| line.contains("Credential=AKIDTEST/")).count() == 1;
            let (status, length) = (if signed { status } else { 400 }, body.len());
            write!(stream, "HTTP/1.1 {status} Whatever\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
        });
        Aws { config }
    }

    #[tokio::test]
    async fn the_caller_is_who_sts_says() {
        let arn = "arn:aws:sts::123456789012:assumed-role/Developer/anna";
        let body = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
            <Arn>arn:aws:sts::123456789012:assumed-role/Developer/anna</Arn><UserId>AROA:anna</UserId>\
            <Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
        assert_eq!(aws(200, body).caller().await.unwrap(), arn);
    }

    #[tokio::test]
    async fn a_refusal_of_sts_is_told_with_its_reason() {
        let body = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
            <Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message></Error>\
            </ErrorResponse>";
        let error = aws(403, body).caller().await.unwrap_err().to_string();
        assert!(error.contains("ExpiredToken") && error.contains("is expired"), "{error}");
    }
}

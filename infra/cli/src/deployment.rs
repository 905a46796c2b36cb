//! A deployment, for the commands that work on its table.

use clap::Args;
use storage::{Config, Credentials, Observer, Policy, Storage};
use tokio::sync::OnceCell;

use crate::Aws;

/// Where the registry is. Whoever asks is found as with any other AWS tool.
#[derive(Args)]
pub struct Deployment {
    /// The deployment's table: the stack's output TableName
    #[arg(long, env = "REGISTRY_TABLE")]
    table: String,
    /// The deployment's AWS region; by default the profile's
    #[arg(long, env = "AWS_REGION")]
    region: Option<String>,
    #[arg(long, env = "AWS_ENDPOINT_URL_DYNAMODB", hide = true)]
    dynamodb_endpoint: Option<String>,
    /// Found once: a profile may ask for a code each time.
    #[arg(skip)]
    aws: OnceCell<Box<Aws>>,
}

/// Where its objects are, for the commands that work on them too.
#[derive(Args)]
pub struct Bucket {
    /// The deployment's bucket: the stack's output BucketName
    #[arg(long = "bucket", id = "bucket", env = "REGISTRY_BUCKET")]
    name: String,
    #[arg(long, env = "AWS_ENDPOINT_URL_S3", hide = true)]
    s3_endpoint: Option<String>,
}

impl Deployment {
    /// The deployment's table. Nothing is asked of it yet.
    ///
    /// # Errors
    /// When there are no AWS credentials or no region, with what to do about it.
    pub async fn open(&self) -> Result<Storage, String> {
        // Nothing that most commands do is about objects.
        self.open_with(&Bucket { name: String::new(), s3_endpoint: None }, None).await
    }

    /// The deployment's table and bucket. Nothing is asked of them yet. `observer` is told of every call.
    ///
    /// # Errors
    /// When there are no AWS credentials or no region, with what to do about it.
    pub async fn open_with(&self, bucket: &Bucket, observer: Option<Observer>) -> Result<Storage, String> {
        let aws = self.aws().await;
        let region = aws.region().map_err(|error| error.to_string())?.to_owned();
        // A command is over before they end.
        let credentials = aws.credentials().await.map_err(|error| error.to_string())?;
        Ok(Storage::new(&Config {
            table: self.table.clone(),
            bucket: bucket.name.clone(),
            region,
            credentials: Credentials {
                access_key_id: credentials.access_key_id().to_owned(),
                secret_access_key: credentials.secret_access_key().to_owned(),
                session_token: credentials.session_token().map(str::to_owned),
            },
            dynamodb_endpoint: self.dynamodb_endpoint.clone().filter(|endpoint| !endpoint.is_empty()),
            s3_endpoint: bucket.s3_endpoint.clone().filter(|endpoint| !endpoint.is_empty()),
            policy: Policy::default(),
            s3_attempt_timeout: None,
            observer,
        }))
    }

    /// The ARN of whoever runs the command, as AWS sees it.
    ///
    /// # Errors
    /// When there are no AWS credentials or no region, and when STS doesn't answer.
    pub async fn caller(&self) -> Result<String, String> {
        self.aws().await.caller().await.map_err(|error| error.to_string())
    }

    async fn aws(&self) -> &Aws {
        self.aws.get_or_init(async || Box::new(Aws::load(self.region.as_deref()).await)).await
    }
}

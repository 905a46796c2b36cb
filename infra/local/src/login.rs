//! A registry on this machine that asks who somebody is: an admin, a key pair of IAM, and the AWS APIs for them.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use access::{Actions, Grants, IamGrant, Permission, RepositoryPattern, Secret, User};
use runtime::{PullSecretConfig, now, read_grants};
use storage::{Credentials, DocumentName, DocumentWrite, Storage};

use crate::Data;
use crate::iam::{self, ACCOUNT_ID, Identities, Identity, SecretError, Secrets};

/// The user who may do everything.
const ADMIN: &str = "admin";
/// The name in Secrets Manager of what ECS task definitions would name in `repositoryCredentials`.
const PULL_SECRET: &str = "lambda-registry/pull";
/// The file that tells commands where everything is.
const ENVIRONMENT: &str = "environment";

/// How a registry asks who somebody is.
#[derive(Clone, Debug)]
pub struct Login {
    /// How long a token is valid, in seconds.
    pub token_lifetime: u64,
    /// What may be pulled with the secret for ECS.
    pub pull_pattern: RepositoryPattern,
    /// Who may log in with IAM beside the key pair that is made here.
    pub identities: Vec<Identity>,
}

impl Default for Login {
    fn default() -> Self {
        let pull_pattern = RepositoryPattern::everything();
        Self { token_lifetime: runtime::TOKEN_LIFETIME, pull_pattern, identities: Vec::new() }
    }
}

/// What whoever runs the registry needs to know. `Debug` doesn't show secrets.
#[derive(Clone, Debug)]
pub struct Desk {
    /// The user who may do everything.
    pub admin: &'static str,
    /// The admin's secret, when it was made just now: it is kept as a hash.
    pub admin_secret: Option<Secret>,
    /// A principal of IAM who may do everything.
    pub identity: Identity,
    /// Where DynamoDB listens.
    pub dynamodb: SocketAddr,
    /// Where STS and Secrets Manager listen.
    pub aws: SocketAddr,
    /// Name of the table.
    pub table: &'static str,
    /// The region that requests are signed for.
    pub region: &'static str,
    /// Name in Secrets Manager of the secret for ECS.
    pub pull_secret: &'static str,
}

/// It couldn't be set up.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// A file of the data directory.
    #[error("what users log in with can't be kept: {0}")]
    Io(#[from] io::Error),
    /// The secret for ECS.
    #[error("the secret for ECS: {0}")]
    Secret(#[from] SecretError),
    /// Users and grants.
    #[error("users and grants: {0}")]
    Storage(#[from] storage::Error),
    /// No random numbers.
    #[error(transparent)]
    Randomness(#[from] access::NoRandomness),
}

/// Key pairs and secrets, before anything is served.
pub(crate) struct Prepared {
    pub(crate) identity: Identity,
    /// Who may log in.
    pub(crate) identities: Arc<Identities>,
    /// Who may call the AWS APIs: the functions as well.
    pub(crate) callers: Arc<Identities>,
    pub(crate) secrets: Arc<Secrets>,
}

impl Prepared {
    pub(crate) fn new(login: &Login, data: &Data, region: &str, functions: &Credentials) -> Result<Self, LoginError> {
        let (identity, medium) = match data {
            Data::Directory(directory) => (
                Identity::kept_in(&directory.join("iam-key.json"), ADMIN)?,
                iam::Medium::File(directory.join("secrets.json")),
            ),
            Data::Memory => (Identity::generate(ADMIN)?, iam::Medium::Memory),
        };
        let secrets = Secrets::open(region, medium)?;
        let value = serde_json::json!({ "username": "ecs", "password": Secret::generate()?.expose() });
        match secrets.create(PULL_SECRET, &value.to_string(), None) {
            Ok(_) | Err(SecretError::SecretExists) => {}
            Err(error) => return Err(error.into()),
        }
        let role = Identity {
            access_key_id: functions.access_key_id.clone(),
            secret_access_key: functions.secret_access_key.clone(),
            session_token: functions.session_token.clone(),
            arn: format!("arn:aws:sts::{ACCOUNT_ID}:assumed-role/lambda-registry/functions"),
            account_id: ACCOUNT_ID.to_owned(),
            user_id: "AROALAMBDAREGISTRYFNS:functions".to_owned(),
        };
        let people = || login.identities.iter().cloned().chain([identity.clone()]);
        Ok(Self {
            identities: Arc::new(Identities::new(region, people())),
            callers: Arc::new(Identities::new(region, people().chain([role]))),
            identity,
            secrets: Arc::new(secrets),
        })
    }
}

/// What the functions are told of the secret for ECS.
pub(crate) fn pull_secret(login: &Login, aws: SocketAddr) -> PullSecretConfig {
    PullSecretConfig {
        id: PULL_SECRET.to_owned(),
        repositories: login.pull_pattern.clone(),
        endpoint: Some(format!("http://{aws}")),
    }
}

/// Makes the admin, and grants everything to the key pair of IAM, where nobody has done so before.
pub(crate) async fn set_up(
    storage: &Storage,
    identity: Identity,
    (dynamodb, aws): (SocketAddr, SocketAddr),
    (table, region): (&'static str, &'static str),
) -> Result<Desk, LoginError> {
    let everything = || vec![Permission { repositories: vec![RepositoryPattern::everything()], actions: Actions::ALL }];
    let secret = Secret::generate()?;
    let admin = User::new(&secret, everything(), None, now());
    let write = DocumentWrite { name: DocumentName::User(ADMIN), replaces: None, text: Some(admin.to_json()) };
    let is_new = storage.write_documents(&[write]).await?;
    // The first time only: whoever takes a grant away has taken it away.
    if is_new && read_grants(storage).await? == Grants::default() {
        // It is an ARN that was made here.
        if let Ok(principal) = identity.arn.parse() {
            let grants = Grants { iam: vec![IamGrant { principal, grants: everything() }], anonymous: Vec::new() };
            let replaces = storage.document(DocumentName::Grants).await?.map(|document| document.revision);
            let write = DocumentWrite { name: DocumentName::Grants, replaces, text: Some(grants.to_json()) };
            storage.write_documents(&[write]).await?;
        }
    }
    Ok(Desk {
        admin: ADMIN,
        admin_secret: is_new.then_some(secret),
        identity,
        dynamodb,
        aws,
        table,
        region,
        pull_secret: PULL_SECRET,
    })
}

impl Desk {
    /// Variables with which the command lines of the registry and of AWS find everything here.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let (dynamodb, aws) = (format!("http://{}", self.dynamodb), format!("http://{}", self.aws));
        vec![
            ("AWS_ACCESS_KEY_ID", self.identity.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.identity.secret_access_key.clone()),
            ("AWS_REGION", self.region.to_owned()),
            // What the first version of the AWS command line reads.
            ("AWS_DEFAULT_REGION", self.region.to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb),
            ("AWS_ENDPOINT_URL_STS", aws.clone()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws),
            ("REGISTRY_TABLE", self.table.to_owned()),
        ]
    }

    /// Writes them into a file that a shell reads, for its owner only.
    pub(crate) fn write_environment(&self, directory: &Path) -> io::Result<()> {
        iam::write_private_file(&directory.join(ENVIRONMENT), self.to_string().as_bytes())
    }
}

/// Lines for a shell.
impl fmt::Display for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "unset AWS_SESSION_TOKEN AWS_PROFILE")?;
        // Nothing in these values means anything to a shell within quotes.
        self.environment().iter().try_for_each(|(name, value)| writeln!(f, "export {name}='{value}'"))
    }
}

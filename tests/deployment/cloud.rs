//! AWS, as far as this test needs it: the emulator under the host names of AWS.

use std::fs;
use std::path::PathBuf;

use lambda_registry_tests::ministack::MiniStack;
use tempfile::TempDir;

use crate::account::Credentials;
use crate::certificates::Identity;
use crate::front::Front;
use crate::names;

/// Where everything is deployed.
pub(crate) const REGION: &str = "eu-central-1";

/// What `sam`, the template and the example for ECS ask for.
const SERVICES: [&str; 15] = [
    "apigateway",
    "cloudformation",
    "cloudwatch",
    "dynamodb",
    "ec2",
    "ecr",
    "ecs",
    "events",
    "iam",
    "lambda",
    "logs",
    "s3",
    "secretsmanager",
    "sqs",
    "sts",
];

/// The running emulator. It ends when this is dropped.
pub(crate) struct Cloud {
    _emulator: MiniStack,
    _front: Front,
    directory: TempDir,
}

impl Cloud {
    /// Starts it.
    ///
    /// It asks for signatures and evaluates policies, those of the functions' roles too. The functions get no endpoint
    /// from it: they reach S3, DynamoDB and the rest by the names and with the TLS that they would use at AWS.
    #[track_caller]
    pub(crate) fn start() -> Self {
        let directory = TempDir::with_prefix("cloud-").expect("a temporary directory");
        let identity = Identity::of_aws();
        fs::write(authority(&directory), &identity.authority).expect("a file for the authority");
        names::serve();
        let authority = authority(&directory).display().to_string();
        let emulator = MiniStack::start_with(
            &SERVICES,
            &[
                ("AUTH", "true"),
                // What the host names in its answers and events end in.
                ("MINISTACK_HOST", &format!("{REGION}.amazonaws.com")),
                ("MINISTACK_REGION", REGION),
                ("SSL_CERT_FILE", &authority),
            ],
        );
        let front = Front::start(&identity, emulator.address());
        Self { _emulator: emulator, _front: front, directory }
    }

    /// The certificate that everybody here has to trust.
    pub(crate) fn authority(&self) -> PathBuf {
        authority(&self.directory)
    }

    /// The credentials that the emulator takes for the account's root.
    pub(crate) fn root(&self) -> Credentials {
        Credentials { key: "test".to_owned(), secret: "test".to_owned(), session: None }
    }
}

fn authority(directory: &TempDir) -> PathBuf {
    directory.path().join("authority.pem")
}

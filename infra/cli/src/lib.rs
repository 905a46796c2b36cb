//! What the programs of this package share: AWS identities, and what is done with them at a deployment.

mod aws;
mod deployment;
mod login;
mod registry;

pub use aws::{Aws, AwsError};
pub use deployment::{Bucket, Deployment};
pub use login::{LoginError, Password, RENEWAL, log_in};
pub use registry::{InvalidRegistry, Registry};

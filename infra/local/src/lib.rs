//! The whole registry on one machine: streaming front → gateway emulator → the functions → S3 and DynamoDB, embedded.

pub mod dynamodb;
pub mod gateway;
pub mod lambda;
pub mod s3;

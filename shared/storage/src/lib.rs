//! S3 and DynamoDB, and nothing else talks to them.

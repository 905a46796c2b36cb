//! Policies as ECR's documentation has them and ours, as they are refused, and as they hold for any images.

#![expect(clippy::unwrap_used, reason = "a test that can't go on ends here")]

mod documented;
mod evaluation;
mod examples;
mod properties;
mod refusals;
mod support;

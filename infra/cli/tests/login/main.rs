//! Signing in with AWS credentials: `lambda-registry login-password` and `docker-credential-lambda-registry` against a
//! registry that says what a test wants it to say.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod credentials;
mod desk;
mod helper;
mod login_password;
mod registry;
mod signature;
